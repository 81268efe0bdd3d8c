package files

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/config/yaml"
	"ripcord/pkg/tree"
)

// MaxFiles is the number of files that one configuration can include.
const MaxFiles = 1000

// Pattern is one entry of include: the path of a file, perhaps with wildcards.
type Pattern struct {
	text string
	at   problem.Place
}

// Patterns parses the value of include.
var Patterns = schema.Some(schema.Each(schema.As(schema.Description{Type: schema.TypeText, Range: "a path, with `*`, `?` and `[…]` as wildcards"}, readPattern)))

func readPattern(report *problem.Report, at problem.Place) (Pattern, bool) {
	s, ok := report.Word(at, "the path of a file")
	if !ok {
		return Pattern{}, false
	}
	_, err := filepath.Match(s, "")
	switch {
	case s == "":
		report.Fail(at, "is empty; it must be the path of a file")
	case err != nil:
		report.Advise(at, "close the bracket, or write \\[ for a literal one", "%s is not a pattern", problem.Show(s))
	default:
		return Pattern{s, at}, true
	}
	return Pattern{}, false
}

// Includer reads the files that a file includes, those that they include, and so on, each once.
type Includer struct {
	report   *problem.Report
	parser   *yaml.Parser
	keys     map[string]schema.Type // the keys that a file may have beside include
	roots    []*tree.Node
	known    []fs.FileInfo // the first file and all that were included
	complete bool          // whether all could be read
}

// NewIncluder returns an includer for a configuration whose files have those keys.
func NewIncluder(report *problem.Report, parser *yaml.Parser, keys map[string]schema.Type) *Includer {
	return &Includer{report: report, parser: parser, keys: keys, complete: true}
}

// opened is a file whose include is being read, with the one that includes it.
type opened struct {
	name string
	info fs.FileInfo
	by   *opened
}

// Include returns the tree of the first file with those of all files that it includes, and whether
// all of them could be read. For a text that is not on disk, file is nil.
func (r *Includer) Include(root *tree.Node, file fs.FileInfo) (all *tree.Node, complete bool) {
	if root == nil || root.Kind != tree.Map || root.Find("include") == nil {
		return root, true
	}
	if file == nil {
		at := problem.Place{}.Entry(*root.Find("include"))
		if _, ok := Patterns.Read(r.report, at); ok {
			r.report.Fail(at, "only a configuration in a file can include others")
		}
		return root, false
	}
	r.roots, r.known = []*tree.Node{root}, []fs.FileInfo{file}
	r.follow(root, opened{name: r.report.Name(0), info: file})
	return r.join(), r.complete
}

// follow reads the files that a file includes, in the order of its patterns, and for each pattern
// in the order of the names.
func (r *Includer) follow(root *tree.Node, from opened) {
	e := root.Find("include")
	if e == nil {
		return
	}
	at := problem.Place{}.Entry(*e)
	all, ok := Patterns.Read(r.report, at)
	r.complete = r.complete && ok && len(all) == len(at.Node.Items)
	for _, p := range all {
		for _, name := range r.match(p, filepath.Dir(from.name)) {
			r.take(p, name, from)
		}
	}
}

// wildcards are the characters that make a path a pattern.
const wildcards = `*?[\`

// match returns the files that a pattern names, relative to a directory.
func (r *Includer) match(p Pattern, dir string) []string {
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
func (r *Includer) missed(p Pattern, dir string) {
	if _, err := os.ReadDir(dir); err != nil && !os.IsNotExist(err) {
		r.refuse(p, "", "cannot be searched for %s: %v", problem.Show(p.text), err)
		return
	}
	r.report.Warn(p.at, "", "no file matches %s", problem.Show(p.text))
}

// resolve returns the path relative to a directory, or the path itself if it is
// absolute.
func resolve(path, dir string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// literal makes a pattern that matches only the path.
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

// fixed returns the directory before the first wildcard of a pattern.
func fixed(pattern string) string {
	return filepath.Dir(pattern[:strings.IndexAny(pattern, wildcards)] + "x")
}

// take reads one file that a pattern names, and the files that it includes.
func (r *Includer) take(p Pattern, name string, by opened) {
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
	case len(r.known) > MaxFiles:
		r.refuse(p, "join several files", "more than %d files are included", MaxFiles)
	default:
		r.known = append(r.known, info)
		if text, ok := r.text(p, name); ok {
			r.read(name, text, opened{name, info, &by})
		}
	}
}

// text reads an included file as far as the size of all files allows.
func (r *Includer) text(p Pattern, name string) ([]byte, bool) {
	file, _, err := OpenRegular(name)
	if err != nil {
		r.refuse(p, "", "cannot be included: %v", err)
		return nil, false
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, int64(MaxSize-r.report.Bytes())+1))
	switch {
	case err != nil:
		r.refuse(p, "", "cannot be included: %v", err)
	case r.report.Bytes()+len(text) > MaxSize:
		r.refuse(p, "remove what is not needed", "with %s, all files together are larger than %d bytes, the maximum", name, MaxSize)
	default:
		return text, true
	}
	return nil, false
}

// read adds the text of an included file.
func (r *Includer) read(name string, text []byte, from opened) {
	problems := r.report.Count()
	root := r.parser.Parse(r.report.Add(name, text), text)
	switch {
	case root == nil:
		r.complete = r.complete && r.report.Count() == problems // otherwise it is empty
	case root.Kind == tree.Null:
	case !r.report.Expect(problem.Place{Node: root, Position: root.Position}, tree.Map):
		r.complete = false
	default:
		r.roots = append(r.roots, root)
		r.follow(root, from)
	}
}

// refuse reports why the files of a pattern are not included.
func (r *Includer) refuse(p Pattern, hint, format string, args ...any) {
	r.report.Advise(p.at, hint, format, args...)
	r.complete = false
}

// loop returns the chain of files by which a file that one of the chain includes would include
// itself; empty if it is not in the chain.
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
