package config

import (
	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
)

// origin locates the keys of an instance: in its own entry, or in the defaults.
type origin struct {
	at      problem.Place // the place of the entry
	own     schema.KeySet // the keys of the entry itself
	present schema.KeySet // the keys of the entry or of the defaults
}

// where returns the place of a key of an instance, or the place of the instance if only the
// defaults have the key.
func (o origin) where(key string) problem.Place {
	if at, ok := o.own[key]; ok {
		return at
	}
	return o.at.Key(key)
}

// spot returns the place of an entry of a list of the instance, or the place of the instance if
// only the defaults have the list.
func (o origin) spot(list string, at problem.Place) problem.Place {
	if _, ok := o.own[list]; ok {
		return at
	}
	return o.at.Key(list)
}

// sound reports whether a key is present and could be read.
func (o origin) sound(key string) bool {
	at, ok := o.present[key]
	return ok && !at.Bad
}
