package syntax

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"ripcord/pkg/tree"
)

// Limits of what is read from any file.
const (
	MaxText   = 4 << 20 // bytes of all files, and of what definitions and sequences make
	maxLine   = 64 << 10
	maxWords  = 64 << 10 // with braces: room for three thousand instances; the tree takes 160 MB if all are addresses
	maxFiles  = 1000
	maxDepth  = 64       // of includes
	maxCopied = 64 << 20 // bytes copied while definitions are filled in
	maxFilled = 1 << 14  // definitions filled in in one line, and other signs $
)

// A File is one file of the configuration. The first is the one that was named.
type File struct {
	Name string
	Text []byte
}

// A frame is a source of lines: a file, a sequence, or the remaining lines of a definition.
type frame interface {
	next(r *reader) (line, bool)
}

// A System answers the questions about the machine of the files that matter for the grammar.
type System interface {
	// Glob returns the paths that match a pattern, ordered by name.
	Glob(pattern string) []string
	// Read returns at most so many bytes of a file. The error is ErrSkipped for a directory or a
	// program.
	Read(path string, limit int) ([]byte, error)
	// Getenv returns an environment variable, or an empty string if it is not set.
	Getenv(name string) string
	// Random returns a number between two limits, both included.
	Random(from, upto int) int
}

// ErrSkipped is the error of a path that matches a pattern and that keepalived does not include.
var ErrSkipped = errors.New("a directory or a program is no configuration")

// Options are settings from outside the files.
type Options struct {
	ID     string   // selects the lines with @id
	Unread []string // top-level keywords whose blocks are not read
	Lists  []string // keywords of inner blocks with one entry per line
	System System
}

// A reader reads the lines of the files of a configuration.
type reader struct {
	Options
	files       []File
	frames      []frame
	definitions map[string]definition
	undefined   map[string]bool // variables that were reported
	made        int             // bytes of lines that are in no file
	copied      int
	report      *Report
	failed      bool // a limit was exceeded: nothing more is read
}

func newReader(name string, text []byte, o Options, report *Report) *reader {
	r := &reader{Options: o, definitions: map[string]definition{}, undefined: map[string]bool{}, report: report}
	r.open(name, text)
	return r
}

// open makes the lines of a file the next ones.
func (r *reader) open(name string, text []byte) {
	r.files = append(r.files, File{name, text})
	const mark = "\uFEFF" // byte order mark
	if first, _, _ := strings.Cut(string(text), "\n"); strings.HasPrefix(first, mark) && (line{text: first[len(mark):]}).uncommented().text != "" {
		r.report.Differ(tree.Position{File: len(r.files) - 1, Line: 1, Column: 1}, "save the file without the mark",
			"the file begins with a byte order mark: keepalived does not know the first keyword with it, and leaves the statement out with its block; ripcord reads the statement")
	}
	r.frames = append(r.frames, &source{
		file: len(r.files) - 1, name: name, rest: strings.TrimPrefix(string(text), mark),
	})
}

// next returns the next line that is not empty.
func (r *reader) next() (line, bool) {
	for len(r.frames) > 0 && !r.failed {
		l, ok := r.frames[len(r.frames)-1].next(r)
		if !ok {
			r.frames = r.frames[:len(r.frames)-1]
			continue
		}
		if l = r.process(l); l.text != "" {
			return l, true
		}
	}
	return line{}, false
}

// process handles a condition, definition, sequence or include in a line, and returns the rest,
// which may be empty.
func (r *reader) process(l line) line {
	const rounds = 100
	for range rounds {
		if l.text == "" {
			return line{}
		}
		if l.text[0] == '@' {
			if l = r.condition(l); l.text == "" {
				return line{}
			}
		}
		if r.define(l) {
			return line{}
		}
		if rest, is := r.sequence(l); is {
			return rest
		}
		expanded, changed := r.expand(l)
		if !changed {
			break
		}
		l = expanded.uncommented()
	}
	if r.include(l) {
		return line{}
	}
	return l
}

// condition returns what follows @id if the line is for this router, or what follows @^id if it is
// for all others.
func (r *reader) condition(l line) line {
	id := l.text[1:]
	id, others := strings.CutPrefix(id, "^")
	end := strings.IndexAny(id, " \t")
	if end < 0 {
		return line{}
	}
	if (id[:end] == r.ID) == others {
		return line{}
	}
	return l.cut(len(l.text)-len(id)+end, len(l.text)).trim()
}

// A source is a file that is being read.
type source struct {
	file   int
	name   string
	rest   string
	number int
}

func (s *source) next(r *reader) (line, bool) {
	l, ok := s.raw()
	if !ok {
		return line{}, false
	}
	if len(l.text) > maxLine {
		r.report.Fail(l.at, "", "the line has more than %d bytes", maxLine)
		return line{}, true
	}
	if strings.IndexByte(l.text, 0) >= 0 {
		r.report.Ignore(l.at, "", "the line is left out: it has a zero byte")
		return line{}, true
	}
	whole := l
	l = l.uncommented()
	password := l.isPassword()
	r.report.comment(whole, l)
	valid, ok := l.valid()
	switch {
	case !ok && password:
		r.report.Fail(l.at, "give all routers one password of ASCII characters, at the same time",
			"the password is not UTF-8 text: routers that send its bytes would reject this router's adverts and be Active at the same time")
	case !ok:
		r.report.Ignore(l.at, "save the file as UTF-8", "the line is not UTF-8 text: invalid bytes are replaced by �")
	}
	return valid, true
}

// raw returns the next line of the file, unprocessed.
func (s *source) raw() (line, bool) {
	if s.rest == "" {
		return line{}, false
	}
	s.number++
	text, rest, _ := strings.Cut(s.rest, "\n")
	s.rest = rest
	return line{text: strings.TrimRight(text, "\r"), at: tree.Position{File: s.file, Line: s.number, Column: 1}}, true
}

// include makes the files of an include the next ones, and reports whether the line is an include.
func (r *reader) include(l line) bool {
	rest, ok := strings.CutPrefix(l.text, "include")
	if !ok || rest == "" {
		return false
	}
	strict := false // for includer and the like
	if strings.IndexByte(blanks, rest[0]) < 0 {
		if len(rest) < 2 || strings.IndexByte("rmwba", rest[0]) < 0 || strings.IndexByte(blanks, rest[1]) < 0 {
			return false
		}
		strict, rest = true, rest[1:]
	}
	pattern := strings.Trim(rest, blanks)
	if pattern == "" {
		return true
	}
	var names []string
	for _, p := range alternatives(pattern) {
		if !filepath.IsAbs(p) {
			p = filepath.Join(filepath.Dir(r.here().name), p)
		}
		names = append(names, r.System.Glob(p)...)
	}
	if len(names) == 0 {
		r.missing(l, pattern, strict)
	}
	// The frames are a stack, so the first file has to be opened last.
	for _, name := range slices.Backward(names) {
		if r.failed {
			break
		}
		r.take(l, name)
	}
	return true
}

// missing reports an include that no file matches, as an error if the keyword requires a file.
func (r *reader) missing(l line, pattern string, strict bool) {
	if strict {
		r.report.Fail(l.at, "", "no file matches %s", Show(pattern))
		return
	}
	r.report.Ignore(l.at, "", "no file matches %s: nothing is included", Show(pattern))
}

// here returns the file that is being read.
func (r *reader) here() *source {
	for _, f := range slices.Backward(r.frames) {
		if s, ok := f.(*source); ok {
			return s
		}
	}
	return &source{}
}

// take opens one file of an include.
func (r *reader) take(l line, name string) {
	depth := 0
	for _, f := range r.frames {
		s, ok := f.(*source)
		if !ok || s.number == 0 { // the same include opened it, and nothing of it was read
			continue
		}
		if depth++; s.name == name {
			r.report.Fail(l.at, "", "a file cannot include itself: %s", Show(name))
			return
		}
	}
	if depth > maxDepth || len(r.files) > maxFiles {
		r.report.Fail(l.at, "", "more than %d files are included, or includes are nested more than %d deep", maxFiles, maxDepth)
		r.failed = true
		return
	}
	total := 0
	for _, f := range r.files {
		total += len(f.Text)
	}
	text, err := r.System.Read(name, MaxText-total+1)
	switch {
	case errors.Is(err, ErrSkipped):
		r.report.Ignore(l.at, "", "%s is not included: %v", Show(name), err)
	case err != nil:
		r.report.Fail(l.at, "", "the file cannot be included: %v", err)
	case total+len(text) > MaxText:
		r.report.Fail(l.at, "leave out what is not needed", "with %s, all files together are larger than the maximum of %d bytes", Show(name), MaxText)
		r.failed = true
	default:
		r.open(name, text)
	}
}

// alternatives expands the braces of a csh pattern: a{b,c} gives ab and ac.
func alternatives(pattern string) []string {
	const limit = 100
	out := []string{pattern}
	for n := 0; n < len(out) && len(out) < limit; {
		p := out[n]
		open := strings.IndexByte(p, '{')
		end := matching(p, open)
		if end < 0 {
			n++
			continue
		}
		var several []string
		for _, part := range parts(p[open+1 : end]) {
			several = append(several, p[:open]+part+p[end+1:])
		}
		out = slices.Replace(out, n, n+1, several...)
	}
	return out
}

// matching returns the index of the brace that closes the one at open, or -1 if there is none.
func matching(s string, open int) int {
	depth := 0
	for i := max(open, 0); open >= 0 && i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// parts splits at the commas outside of braces.
func parts(s string) (out []string) {
	depth, from := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ',':
			if depth == 0 {
				out, from = append(out, s[from:i]), i+1
			}
		}
	}
	return append(out, s[from:])
}
