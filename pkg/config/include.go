package config

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ripcord/pkg/tree"
)

// mostFiles is how many files one configuration can include.
const mostFiles = 1000

// A pattern is one entry of include: the path of a file, perhaps with wildcards.
type pattern struct {
	text string
	at   place
}

// patterns reads the value of include.
var patterns = some(each(as(Description{Type: Text, Range: "paths, in which `*`, `?` and `[…]` are wildcards"}, readPattern)))

func readPattern(l *loader, at place) (pattern, bool) {
	s, ok := l.word(at, "the path of a file")
	if !ok {
		return pattern{}, false
	}
	_, err := filepath.Match(s, "")
	switch {
	case s == "":
		l.fail(at, "is empty; it has to be the path of a file")
	case err != nil:
		l.advise(at, "close the bracket, or write \\[ for one that stands for itself", "%s is not a pattern", show(s))
	default:
		return pattern{s, at}, true
	}
	return pattern{}, false
}

// included reads include in the table of the document: the tree that is read there has
// the included files in it already.
func included(*loader, place, *document) bool { return true }

// An includer reads the files that a file includes, those that they include, and so on,
// each once.
type includer struct {
	*loader
	roots    []*tree.Node
	known    []fs.FileInfo // the first file and all that were included
	complete bool          // whether all could be read
}

// opened is a file whose include is being read, and the one that includes it.
type opened struct {
	name string
	info fs.FileInfo
	by   *opened
}

// include returns the tree of the first file with those of all files that it includes,
// and whether all of them could be read. Of a text that is not on disk, file is nil.
func (l *loader) include(root *tree.Node, file fs.FileInfo) (all *tree.Node, complete bool) {
	if root == nil || root.Kind != tree.Map || root.Find("include") == nil {
		return root, true
	}
	if file == nil {
		at := place{}.entry(*root.Find("include"))
		if _, ok := patterns.read(l, at); ok {
			l.fail(at, "only a configuration that is a file can include others")
		}
		return root, false
	}
	r := includer{loader: l, roots: []*tree.Node{root}, known: []fs.FileInfo{file}, complete: true}
	r.follow(root, opened{name: l.files[0].name, info: file})
	return l.join(r.roots), r.complete
}

// follow reads what a file includes, in the order of its patterns, and of each pattern
// in the order of the names.
func (r *includer) follow(root *tree.Node, from opened) {
	e := root.Find("include")
	if e == nil {
		return
	}
	at := place{}.entry(*e)
	all, ok := patterns.read(r.loader, at)
	r.complete = r.complete && ok && len(all) == len(at.node.Items)
	for _, p := range all {
		for _, name := range r.match(p, filepath.Dir(from.name)) {
			r.take(p, name, from)
		}
	}
}

// wildcards are what makes a path a pattern.
const wildcards = `*?[\`

// match returns the files that a pattern names, relative to a directory.
func (r *includer) match(p pattern, dir string) []string {
	if !strings.ContainsAny(p.text, wildcards) {
		return []string{resolve(p.text, dir)}
	}
	names, _ := filepath.Glob(resolve(p.text, literal(dir))) // readPattern has found a bad one
	hidden := strings.HasPrefix(filepath.Base(p.text), ".")
	names = slices.DeleteFunc(names, func(name string) bool { // as a shell does
		return !hidden && strings.HasPrefix(filepath.Base(name), ".")
	})
	if len(names) == 0 {
		r.missed(p, resolve(fixed(p.text), dir))
	}
	return names
}

// missed reports a pattern that no file matches, in or below a directory. A pattern may match
// nothing, unless files may be hidden from us.
func (r *includer) missed(p pattern, dir string) {
	if _, err := os.ReadDir(dir); err != nil && !os.IsNotExist(err) {
		r.refuse(p, "", "cannot be searched for %s: %v", show(p.text), err)
		return
	}
	r.warn(p.at, "", "no file matches %s", show(p.text))
}

// resolve returns the path relative to a directory, or the path itself if it is
// absolute.
func resolve(path, dir string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// literal makes a pattern of a path that matches the path alone.
func literal(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if strings.IndexByte(wildcards, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// fixed is the directory in front of the first wildcard of a pattern.
func fixed(pattern string) string {
	return filepath.Dir(pattern[:strings.IndexAny(pattern, wildcards)] + "x")
}

// take reads one file that a pattern names, and what that includes.
func (r *includer) take(p pattern, name string, by opened) {
	info, err := os.Stat(name)
	known := func(k fs.FileInfo) bool { return os.SameFile(k, info) }
	switch loop := by.loop(name, info); {
	case err != nil:
		r.refuse(p, "", "cannot be included: %v", err)
	case info.IsDir():
		r.refuse(p, "write "+filepath.Join(p.text, "*.yaml")+" for the files in it", "%s is a directory", name)
	case loop != "":
		r.refuse(p, "keep the included files in a directory of their own: conf.d/*.yaml", "a file cannot include itself: %s", loop)
	case slices.ContainsFunc(r.known, known): // two patterns match it, or two files include it
	case len(r.known) > mostFiles:
		r.refuse(p, "put several into one", "more than %d files are included", mostFiles)
	default:
		r.known = append(r.known, info)
		if text, ok := r.text(p, name); ok {
			r.read(name, text, opened{name, info, &by})
		}
	}
}

// text reads an included file as far as the size of all files allows.
func (r *includer) text(p pattern, name string) ([]byte, bool) {
	file, _, err := openRegular(name)
	if err != nil {
		r.refuse(p, "", "cannot be included: %v", err)
		return nil, false
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, int64(MaxSize-r.bytes)+1))
	switch {
	case err != nil:
		r.refuse(p, "", "cannot be included: %v", err)
	case r.bytes+len(text) > MaxSize:
		r.refuse(p, "leave out what is not needed", "with %s, all files together are larger than %d bytes, the most that is read", name, MaxSize)
	default:
		return text, true
	}
	return nil, false
}

// read takes the text of an included file.
func (r *includer) read(name string, text []byte, from opened) {
	problems := r.problems.count()
	root := r.tree(r.add(name, text), text)
	switch {
	case root == nil:
		r.complete = r.complete && r.problems.count() == problems // or there is nothing in it
	case root.Kind == tree.Null:
	case !r.expect(place{node: root, Position: root.Position}, tree.Map):
		r.complete = false
	default:
		r.roots = append(r.roots, root)
		r.follow(root, from)
	}
}

// refuse reports why what a pattern names is not included.
func (r *includer) refuse(p pattern, hint, format string, args ...any) {
	r.advise(p.at, hint, format, args...)
	r.complete = false
}

// loop returns by which files a file includes itself that one of the chain includes;
// empty: it is not in the chain.
func (o opened) loop(name string, info fs.FileInfo) string {
	if info == nil {
		return ""
	}
	names := []string{name}
	for f := &o; f != nil; f = f.by {
		names = append([]string{f.name}, names...)
		if os.SameFile(f.info, info) {
			return names[0] + " includes " + strings.Join(names[1:], ", which includes ")
		}
	}
	return ""
}

// join makes one tree of those of several files. Their lists are appended to one
// another in the order of the files, and their maps have the keys of all. Nothing else,
// and no key of such a map, can be in two files.
func (l *loader) join(roots []*tree.Node) *tree.Node {
	j := joint{loader: l, root: &tree.Node{Kind: tree.Map, Position: roots[0].Position}, at: map[string]int{}, keys: map[[2]string]tree.Position{}}
	for _, root := range roots {
		for _, e := range root.Entries {
			j.take(e)
		}
	}
	return j.root
}

// A joint is the tree of several files, and what it has so far.
type joint struct {
	*loader
	root *tree.Node
	at   map[string]int              // the entries of root with known keys, by their key
	keys map[[2]string]tree.Position // of the maps in it, by the key of the map and their own
}

// take adds one entry of a file.
func (j *joint) take(e tree.Entry) {
	row := slices.IndexFunc(documentKeys, func(k key[document]) bool { return k.name == e.Key })
	n, again := j.at[e.Key]
	switch {
	case row < 0: // unknown, and reported as such when it is read
		j.root.Entries = append(j.root.Entries, e)
	case again && e.Key == "include": // was followed
	case again:
		j.merge(&j.root.Entries[n], e, documentKeys[row].value.what.Type)
	default:
		j.at[e.Key] = len(j.root.Entries)
		j.root.Entries = append(j.root.Entries, e)
		j.own(&j.root.Entries[j.at[e.Key]])
	}
}

// own replaces the value of an entry, which others may share, by a copy that can grow.
func (j *joint) own(e *tree.Entry) {
	value := *e.Value
	value.Items, value.Entries = slices.Clip(value.Items), slices.Clip(value.Entries)
	e.Value = &value
	for _, inner := range value.Entries {
		j.keys[[2]string{e.Key, inner.Key}] = inner.Position
	}
}

// merge adds what another file says to an entry of that type.
func (j *joint) merge(first *tree.Entry, e tree.Entry, want Type) {
	kinds := map[Type]tree.Kind{List: tree.List, Map: tree.Map}
	expected, joined := kinds[want]
	at := place{}.entry(e)
	switch {
	case !joined:
		j.twice(at, first.Position)
	case first.Value.Kind != expected: // one of the two is right
		j.expect(place{}.entry(*first), expected)
		*first = e
		j.own(first)
	case !j.expect(at, expected):
	case expected == tree.List:
		first.Value.Items = append(first.Value.Items, e.Value.Items...)
	default:
		for _, inner := range e.Value.Entries {
			key := [2]string{e.Key, inner.Key}
			if before, taken := j.keys[key]; taken {
				j.twice(at.entry(inner), before)
				continue
			}
			j.keys[key] = inner.Position
			first.Value.Entries = append(first.Value.Entries, inner)
		}
	}
}

// twice reports a key that another file has already.
func (j *joint) twice(at place, first tree.Position) {
	j.advise(at, "keep one of the two", "given twice, first in %s:%d", j.files[first.File].name, first.Line)
}
