// Package schema reads the maps of a configuration by tables of their keys. A Table gives each key
// a default, a function that reads the value, and a description. Reading, defaults, the suggestion
// for a misspelt key, the reference page and the JSON Schema follow from it.
package schema

import (
	"slices"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
)

// A Table lists the keys of one kind of map in the file, in the order of the manual, and sets the
// fields of a T by them. Checks, defaults and the suggestion for a misspelt key follow from it.
type Table[T any] []Key[T]

// A Key is a row of a table: the name, the default as it is written in a file, the function that
// reads the value into a T, and the description for the reference page and the JSON Schema. It is
// an alias, so that tables in other packages can write rows without field names.
type Key[T any] = struct {
	Name    string
	Initial string
	Value   Value[T]
	Meaning string
	Example string
}

// A Value reads the value of a key into a T, and reports whether it could.
type Value[T any] struct {
	What Description
	Read func(report *problem.Report, at problem.Place, into *T) bool
}

// Markers that stand in the column of the default for a key without one.
const (
	Required = "\x00required"
	Optional = "\x00optional"
)

// KeySet holds the places of the keys that stand in the file.
type KeySet map[string]problem.Place

// Start sets the defaults.
func (t Table[T]) Start(into *T) {
	for _, k := range t {
		switch k.Initial {
		case Required, Optional:
		default:
			report := problem.Of("the default", []byte(k.Initial))
			if !k.Value.Read(report, problem.Place{Path: k.Name, Node: &tree.Node{Kind: tree.Scalar, Text: k.Initial}}, into) {
				panic(report.Problems())
			}
		}
	}
}

// Read reads a map into a T, with the keys in the order of the table, and reports each unknown key.
func (t Table[T]) Read(report *problem.Report, at problem.Place, into *T) KeySet {
	if !report.Expect(at, tree.Map) {
		return nil
	}
	present := KeySet{}
	for _, e := range at.Node.Entries {
		if slices.ContainsFunc(t, func(k Key[T]) bool { return k.Name == e.Key }) {
			continue
		}
		meant := report.Suggest(e.Key, t.Names())
		report.Advise(at.Entry(e), spelling.DidYouMean(meant), "unknown key")
		if meant != "" { // so that it is not reported as missing, too
			present[meant] = problem.Place{Path: problem.Join(at.Path, meant), Position: e.Position, Bad: true}
		}
	}
	for _, k := range t {
		e := at.Node.Find(k.Name)
		switch {
		case e == nil:
		default:
			here := at.Entry(*e)
			here.Bad = !k.Value.Read(report, here, into)
			present[k.Name] = here
		}
	}
	return present
}

// Need reports the required keys that are missing.
func (t Table[T]) Need(report *problem.Report, at problem.Place, present KeySet) {
	if present == nil {
		return // not a map, which was reported
	}
	for _, k := range t {
		if _, ok := present[k.Name]; !ok && k.Initial == Required {
			report.Fail(at.Key(k.Name), "missing, and it has no default")
		}
	}
}

// Fill sets the defaults, reads a map into the T, and reports the required keys that are missing.
func (t Table[T]) Fill(report *problem.Report, at problem.Place, into *T) KeySet {
	t.Start(into)
	present := t.Read(report, at, into)
	t.Need(report, at, present)
	return present
}

// Sound reports whether all required keys are present, and all values could be read.
func (t Table[T]) Sound(present KeySet) bool {
	return !slices.ContainsFunc(t, func(k Key[T]) bool {
		at, ok := present[k.Name]
		return at.Bad || !ok && k.Initial == Required
	})
}

// Names returns the names of all keys.
func (t Table[T]) Names() []string {
	names := make([]string, len(t))
	for i, k := range t {
		names[i] = k.Name
	}
	return names
}
