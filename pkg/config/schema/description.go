package schema

import (
	"fmt"
	"strings"
)

// Type is the type of the value of a key.
type Type string

// Types of values.
const (
	TypeText     Type = "text"
	TypeNumber   Type = "number"   // a whole decimal number
	TypeDuration Type = "duration" // a Go duration: 100ms, 1s, 2h
	TypeBoolean  Type = "true or false"
	TypeChoice   Type = "choice" // one of Words
	TypeList     Type = "list"   // of Items
	TypeMap      Type = "map"    // with Keys, or with names of any kind as keys of Items
)

// Description describes the values that a key accepts. The reference page of the configuration and
// its JSON Schema are generated from it.
type Description struct {
	Type       Type
	From, Upto int64    // limits of a Number, or of a Duration in ns, both inclusive
	Range      string   // limits of a Duration, Text or List, in words; of a Number that From and Upto do not describe
	Words      []string // the words of a Choice; for a Number, words that may replace it
	// Pattern is a regular expression, both RE2 and ECMA-262. It applies to a Text, to words that
	// may replace a Number, and to the names in a Map; empty: anything.
	Pattern string
	Plain   bool // the value must not be quoted
	Items   *Description
	Least   int // minimum number of entries of a List or Map
	// Keys returns the keys of a Map, or is nil if the map has names as keys. It is a function
	// because tables refer to one another.
	Keys func() []KeyDescription
	// Short describes a value that may replace a Map or List.
	Short *Description
}

// KeyDescription describes one key of a map.
type KeyDescription struct {
	Name     string
	Default  string // as it is written in the file; empty: none
	Required bool
	Value    Description
	Meaning  string
	Example  string
}

// MapOf returns the description of a map with the keys of a table.
func MapOf[T any](t Table[T]) Description {
	return Description{Type: TypeMap, Keys: func() []KeyDescription { return t.Describe() }}
}

// NamesOf returns the description of a map from names to values of one kind.
func NamesOf(values Description) Description { return Description{Type: TypeMap, Items: &values} }

// ListOf returns the description of a list with at least so many entries.
func ListOf(items Description, least int) Description {
	return Description{Type: TypeList, Items: &items, Least: least}
}

// Describe returns the description of each key of a table.
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

// Accepts describes the accepted values in words.
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
