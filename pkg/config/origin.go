package config

import (
	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
)

// origin is where the keys of an instance stand: in its own entry, or in the defaults alone.
type origin struct {
	at      problem.Place // of the entry
	own     schema.KeySet // keys of the entry itself
	present schema.KeySet // keys of it or of the defaults
}

// where returns the place of a key of an instance: that of the instance if only the defaults
// have the key.
func (o origin) where(key string) problem.Place {
	if at, ok := o.own[key]; ok {
		return at
	}
	return o.at.Key(key)
}

// spot is a place in one of its lists, in the same way.
func (o origin) spot(list string, at problem.Place) problem.Place {
	if _, ok := o.own[list]; ok {
		return at
	}
	return o.at.Key(list)
}

// sound says whether a key was said and could be read.
func (o origin) sound(key string) bool {
	at, ok := o.present[key]
	return ok && !at.Bad
}
