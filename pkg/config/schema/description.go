package schema

import (
	"fmt"
	"strings"
)

// Type is what kind of value a key takes.
type Type string

// The types of values.
const (
	TypeText     Type = "text"
	TypeNumber   Type = "number"   // a whole decimal number
	TypeDuration Type = "duration" // a Go duration: 100ms, 1s, 2h
	TypeBoolean  Type = "true or false"
	TypeChoice   Type = "choice" // one of Words
	TypeList     Type = "list"   // of Items
	TypeMap      Type = "map"    // with Keys, or with names of any kind as keys of Items
)

// Description says what a key accepts. The reference page of the configuration and
// its JSON Schema are made of it.
type Description struct {
	Type       Type
	From, Upto int64    // of a Number, or of a Duration in ns, both inclusive
	Range      string   // of a Duration, Text or List, in words; of a Number where From and Upto do not say it
	Words      []string // of a Choice; of a Number, those that may stand in its place
	// Pattern is a regular expression, both RE2 and ECMA-262, of a Text, of what may stand in
	// place of a Number, or of the names in a Map; empty: anything.
	Pattern string
	Plain   bool // must not stand in quotes
	Items   *Description
	Least   int // entries of a List or Map
	// Keys returns the keys of a Map; nil where the map has names as keys. It is a
	// function because tables refer to one another.
	Keys func() []KeyDescription
	// Short is what may stand in place of a Map or List.
	Short *Description
}

// KeyDescription is one key of a map.
type KeyDescription struct {
	Name     string
	Default  string // as one would write it; empty: none
	Required bool
	Value    Description
	Meaning  string
	Example  string
}

// MapOf describes a map with the keys of a table.
func MapOf[T any](t Table[T]) Description {
	return Description{Type: TypeMap, Keys: func() []KeyDescription { return t.Describe() }}
}

// NamesOf describes a map whose keys are names, with maps of one kind as values.
func NamesOf(values Description) Description { return Description{Type: TypeMap, Items: &values} }

// ListOf describes a list of at least so many entries.
func ListOf(items Description, least int) Description {
	return Description{Type: TypeList, Items: &items, Least: least}
}

// Describe describes each key of a table.
func (t Table[T]) Describe() []KeyDescription {
	keys := make([]KeyDescription, 0, len(t))
	for _, k := range t {
		d := KeyDescription{Name: k.Name, Value: k.Value.What, Meaning: k.Meaning, Example: k.Example}
		switch k.Initial {
		case Required:
			d.Required = true
		case Optional:
		default:
			d.Default = k.Initial
		}
		keys = append(keys, d)
	}
	return keys
}

// Accepts returns the values that a description admits, in words.
func (d Description) Accepts() string {
	switch d.Type {
	case TypeNumber:
		if d.Range != "" {
			return d.Range
		}
		numbers := fmt.Sprintf("%d to %d", d.From, d.Upto)
		if len(d.Words) > 0 {
			numbers += ", or `" + strings.Join(d.Words, "`, `") + "`"
		}
		return numbers
	case TypeChoice:
		return "`" + strings.Join(d.Words, "`, `") + "`"
	case TypeList:
		if d.Short != nil {
			return d.Short.Accepts() + ", or a list of these"
		}
		if d.Range != "" {
			return d.Range
		}
		return "list; each entry " + d.Items.Accepts()
	case TypeMap:
		if d.Short != nil {
			return d.Short.Accepts() + ", or a map"
		}
		return "a map"
	case TypeDuration:
		return "duration, " + d.Range
	case TypeBoolean:
		return string(TypeBoolean)
	}
	if d.Range != "" {
		return d.Range
	}
	return string(d.Type)
}
