package files

import (
	"slices"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/tree"
)

// join makes one tree from those of several files. Lists are appended in the order of the files,
// and maps have the keys of all. Nothing else, and no key of such a map, can be in two files.
func (r *Includer) join() *tree.Node {
	j := joint{report: r.report, known: r.keys, root: &tree.Node{Kind: tree.Map, Position: r.roots[0].Position}, at: map[string]int{}, keys: map[[2]string]tree.Position{}}
	for _, root := range r.roots {
		for _, e := range root.Entries {
			j.take(e)
		}
	}
	return j.root
}

// joint is the tree of several files under construction.
type joint struct {
	report *problem.Report
	known  map[string]schema.Type // of the file's keys
	root   *tree.Node
	at     map[string]int              // the entries of root with known keys, by their key
	keys   map[[2]string]tree.Position // of the maps in it, by the key of the map and their own
}

// take adds one entry of a file.
func (j *joint) take(e tree.Entry) {
	want, known := j.known[e.Key]
	n, again := j.at[e.Key]
	switch {
	case !known: // unknown, and reported as such when it is read
		j.root.Entries = append(j.root.Entries, e)
	case again && e.Key == "include": // was followed
	case again:
		j.merge(&j.root.Entries[n], e, want)
	default:
		j.at[e.Key] = len(j.root.Entries)
		j.root.Entries = append(j.root.Entries, e)
		j.own(&j.root.Entries[j.at[e.Key]])
	}
}

// own replaces the value of an entry, which others may share, with a copy that can grow.
func (j *joint) own(e *tree.Entry) {
	value := *e.Value
	value.Items, value.Entries = slices.Clip(value.Items), slices.Clip(value.Entries)
	e.Value = &value
	for _, inner := range value.Entries {
		j.keys[[2]string{e.Key, inner.Key}] = inner.Position
	}
}

// merge adds another file's value to an entry of that type.
func (j *joint) merge(first *tree.Entry, e tree.Entry, want schema.Type) {
	kinds := map[schema.Type]tree.Kind{schema.TypeList: tree.List, schema.TypeMap: tree.Map}
	expected, joined := kinds[want]
	at := problem.Place{}.Entry(e)
	switch {
	case !joined:
		j.twice(at, first.Position)
	case first.Value.Kind != expected: // one of the two is right
		j.report.Expect(problem.Place{}.Entry(*first), expected)
		*first = e
		j.own(first)
	case !j.report.Expect(at, expected):
	case expected == tree.List:
		first.Value.Items = append(first.Value.Items, e.Value.Items...)
	default:
		for _, inner := range e.Value.Entries {
			key := [2]string{e.Key, inner.Key}
			if before, taken := j.keys[key]; taken {
				j.twice(at.Entry(inner), before)
				continue
			}
			j.keys[key] = inner.Position
			first.Value.Entries = append(first.Value.Entries, inner)
		}
	}
}

// twice reports a key that another file already has.
func (j *joint) twice(at problem.Place, first tree.Position) {
	j.report.Advise(at, "keep one of the two", "given twice, first in %s:%d", j.report.Name(first.File), first.Line)
}
