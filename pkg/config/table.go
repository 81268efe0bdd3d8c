package config

import (
	"slices"

	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
)

// A table is all keys of one kind of map in the file, in the order of the manual, and what
// they mean for a T. Checks, defaults and the suggestion for a misspelt key all follow from
// it.
type table[T any] []key[T]

// A key is a row: its name, its default as a person would write it, how its value is
// read into a T, and what it means, for the reference page and the JSON Schema.
type key[T any] struct {
	name    string
	initial string
	value   value[T]
	meaning string
	example string
}

// A value reads the value of a key into a T, and reports whether it could.
type value[T any] struct {
	what Description
	read func(l *loader, at place, into *T) bool
}

// Markers in place of a default where there is none.
const (
	required = "\x00required"
	optional = "\x00optional"
)

// keySet holds the places of the keys that stand in the file.
type keySet map[string]place

// start fills in the defaults.
func (t table[T]) start(into *T) {
	for _, k := range t {
		switch k.initial {
		case required, optional:
		default:
			l := newLoader("the default", []byte(k.initial))
			if !k.value.read(l, place{path: k.name, node: &tree.Node{Kind: tree.Scalar, Text: k.initial}}, into) {
				panic(l.listed(&l.problems))
			}
		}
	}
}

// read reads a map into a T, keys in the order of the table. It reports every
// key that it does not know.
func (t table[T]) read(l *loader, at place, into *T) keySet {
	if !l.expect(at, tree.Map) {
		return nil
	}
	present := keySet{}
	for _, e := range at.node.Entries {
		if slices.ContainsFunc(t, func(k key[T]) bool { return k.name == e.Key }) {
			continue
		}
		meant := l.suggest(e.Key, t.names())
		l.advise(at.entry(e), spelling.DidYouMean(meant), "unknown key")
		if meant != "" { // so that it is not called missing, too
			present[meant] = place{path: join(at.path, meant), Position: e.Position, bad: true}
		}
	}
	for _, k := range t {
		e := at.node.Find(k.name)
		switch {
		case e == nil:
		default:
			here := at.entry(*e)
			here.bad = !k.value.read(l, here, into)
			present[k.name] = here
		}
	}
	return present
}

// need reports the required keys that are missing.
func (t table[T]) need(l *loader, at place, present keySet) {
	if present == nil {
		return // not even a map, and reported as such
	}
	for _, k := range t {
		if _, ok := present[k.name]; !ok && k.initial == required {
			l.fail(at.key(k.name), "missing, and it has no default")
		}
	}
}

// sound reports whether all required keys are present, and all values could be read.
func (t table[T]) sound(present keySet) bool {
	return !slices.ContainsFunc(t, func(k key[T]) bool {
		at, ok := present[k.name]
		return at.bad || !ok && k.initial == required
	})
}

// names are the names of all keys.
func (t table[T]) names() []string {
	names := make([]string, len(t))
	for i, k := range t {
		names[i] = k.name
	}
	return names
}

// entry is the place of an entry of the map at p.
func (p place) entry(e tree.Entry) place {
	return place{path: join(p.path, e.Key), Position: e.Position, node: e.Value}.named()
}

// expect reports a value that is not of the kind it has to be.
func (l *loader) expect(at place, want tree.Kind) bool {
	if at.node.Kind != want {
		l.mismatch(at, want.String())
	}
	return at.node.Kind == want
}

// word is the text of a scalar; what says what it has to be if there is none.
func (l *loader) word(at place, what string) (string, bool) {
	if at.node.Kind != tree.Scalar {
		l.mismatch(at, what)
	}
	return at.node.Text, at.node.Kind == tree.Scalar
}

func (l *loader) mismatch(at place, want string) {
	hint := ""
	if want == tree.List.String() {
		hint = `its entries stand in [ ], or on lines that begin with "- "`
	}
	switch got := at.node.Kind; got {
	case tree.Broken: // was reported already
	case tree.Null:
		l.advise(at, "give it one, or leave the key out", "has no value")
	default:
		l.advise(at, hint, "needs %s, not %s", want, got)
	}
}

// A form reads a value of one type. It reports what is wrong with it, and is
// false then.
type form[V any] struct {
	what Description
	read func(l *loader, at place) (V, bool)
}

// as makes a form of a function and the description of what it accepts.
func as[V any](what Description, read func(l *loader, at place) (V, bool)) form[V] {
	return form[V]{what, read}
}

// to reads a value into a field.
func to[T, V any](field func(*T) *V, f form[V]) value[T] {
	return value[T]{f.what, func(l *loader, at place, into *T) bool {
		v, ok := f.read(l, at)
		if ok {
			*field(into) = v
		}
		return ok
	}}
}

// section reads a map of its own table.
func section[T, S any](field func(*T) *S, keys table[S]) value[T] {
	return value[T]{mapOf(keys), func(l *loader, at place, into *T) bool {
		return keys.read(l, at, field(into)) != nil
	}}
}

// each reads a list of which every entry has one form.
func each[V any](f form[V]) form[[]V] {
	return form[[]V]{listOf(f.what, 0), func(l *loader, at place) ([]V, bool) {
		if !l.expect(at, tree.List) {
			return nil, false
		}
		var all []V
		for i := range at.node.Items {
			if v, ok := f.read(l, at.item(i)); ok {
				all = append(all, v)
			}
		}
		// Entries that could be read are kept even if others could not: they may have
		// problems of their own.
		return all, true
	}}
}

// some refuses an empty list.
func some[V any](f form[[]V]) form[[]V] {
	what := f.what
	what.Least = 1
	return form[[]V]{what, func(l *loader, at place) ([]V, bool) {
		if at.node.Kind == tree.List && len(at.node.Items) == 0 {
			l.fail(at, "needs at least one entry")
			return nil, false
		}
		return f.read(l, at)
	}}
}
