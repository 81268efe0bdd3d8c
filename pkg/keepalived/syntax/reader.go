package syntax

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"ripcord/pkg/tree"
)

// What is read is limited, whatever the file is.
const (
	MostText   = 4 << 20 // bytes of all files, and of what definitions and sequences make
	mostLine   = 64 << 10
	mostWords  = 64 << 10 // with braces: room for three thousand instances; the tree takes 160 MB if all are addresses
	mostFiles  = 1000
	mostDepth  = 64       // of includes
	mostCopied = 64 << 20 // bytes copied while definitions are filled in
	mostFilled = 1 << 14  // definitions filled in in one line, and other signs $
)

// A File is one file of the configuration; the first is the one that was named.
type File struct {
	Name string
	Text []byte
}

// A frame is where the next line comes from: a file, a sequence, or the other lines of a
// definition that has several.
type frame interface {
	next(r *reader) (line, bool)
}

// A System is the machine on which the files are, as far as the grammar depends on it.
type System interface {
	// Glob returns the paths that a pattern matches, in the order of their names.
	Glob(pattern string) []string
	// Read returns the text of a file, of which it reads no more than some bytes. The error
	// is ErrSkipped for a directory and for a program.
	Read(path string, most int) ([]byte, error)
	// Getenv returns a variable of the environment; empty: there is none.
	Getenv(name string) string
	// Random returns a number between two, both included.
	Random(from, upto int) int
}

// ErrSkipped is the error of what keepalived does not include, though a pattern matches it.
var ErrSkipped = errors.New("a directory or a program is no configuration")

// Options are what the files do not say themselves.
type Options struct {
	ID     string   // what lines with @id are for
	Unread []string // keywords outside of blocks of whose blocks nothing is read
	Lists  []string // keywords of blocks with one entry a line, inside of others
	System System
}

// A reader makes lines of the files of a configuration.
type reader struct {
	Options
	files       []File
	frames      []frame
	definitions map[string]definition
	undefined   map[string]bool // were reported
	made        int             // bytes of lines that no file has
	copied      int
	report      *Report
	failed      bool // too much: nothing is read any more
}

func newReader(name string, text []byte, o Options, report *Report) *reader {
	r := &reader{Options: o, definitions: map[string]definition{}, undefined: map[string]bool{}, report: report}
	r.open(name, text)
	return r
}

// open has the lines of a file come next.
func (r *reader) open(name string, text []byte) {
	r.files = append(r.files, File{name, text})
	const mark = "\uFEFF" // of the order of bytes
	if first, _, _ := strings.Cut(string(text), "\n"); strings.HasPrefix(first, mark) && (line{text: first[len(mark):]}).uncommented().text != "" {
		r.report.Differ(tree.Position{File: len(r.files) - 1, Line: 1, Column: 1}, "save the file without it",
			"a byte order mark stands before the first word: keepalived knows no such keyword, and leaves the statement out with its block; ripcord reads it")
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

// process takes out of a line what is not of the configuration itself: a condition, a
// definition, a sequence, an include. What is left may be empty.
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
		if r.define(l) || r.sequence(l) {
			return line{}
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

// condition returns what stands behind @id if the line is for this router, or behind @^id
// if it is for all others.
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

// A source is a file whose lines are being read.
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
	if len(l.text) > mostLine {
		r.report.Fail(l.at, "", "the line has more than %d bytes", mostLine)
		return line{}, true
	}
	if strings.IndexByte(l.text, 0) >= 0 {
		r.report.Ignore(l.at, "", "the line has a zero byte, and is left out")
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
			"the password is not text in UTF-8: routers that send its bytes would not hear this one, and serve beside it")
	case !ok:
		r.report.Ignore(l.at, "save the file as UTF-8", "the line is not text in UTF-8: what is not is replaced by �")
	}
	return valid, true
}

// raw returns the next line as it stands in the file.
func (s *source) raw() (line, bool) {
	if s.rest == "" {
		return line{}, false
	}
	s.number++
	text, rest, _ := strings.Cut(s.rest, "\n")
	s.rest = rest
	return line{text: strings.TrimRight(text, "\r"), at: tree.Position{File: s.file, Line: s.number, Column: 1}}, true
}

// include has the files that an include names come next, and reports whether the line is
// one.
func (r *reader) include(l line) bool {
	rest, ok := strings.CutPrefix(l.text, "include")
	if !ok || rest == "" {
		return false
	}
	strict := false // includer and its like
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
	// The frames are a stack: the first file has to be the last to be opened.
	for _, name := range slices.Backward(names) {
		if r.failed {
			break
		}
		r.take(l, name)
	}
	return true
}

// missing reports an include that no file matches: an error where the keyword asks for one.
func (r *reader) missing(l line, pattern string, strict bool) {
	if strict {
		r.report.Fail(l.at, "", "no file matches %s", Show(pattern))
		return
	}
	r.report.Ignore(l.at, "", "no file matches %s: nothing is included", Show(pattern))
}

// here is the file that is being read.
func (r *reader) here() *source {
	for _, f := range slices.Backward(r.frames) {
		if s, ok := f.(*source); ok {
			return s
		}
	}
	return &source{}
}

// take opens one file that an include names.
func (r *reader) take(l line, name string) {
	depth := 0
	for _, f := range r.frames {
		s, ok := f.(*source)
		if !ok || s.number == 0 { // opened by the same include, and not read yet
			continue
		}
		if depth++; s.name == name {
			r.report.Fail(l.at, "", "a file cannot include itself: %s", Show(name))
			return
		}
	}
	if depth > mostDepth || len(r.files) > mostFiles {
		r.report.Fail(l.at, "", "more than %d files are included, or more than %d within one another", mostFiles, mostDepth)
		r.failed = true
		return
	}
	total := 0
	for _, f := range r.files {
		total += len(f.Text)
	}
	text, err := r.System.Read(name, MostText-total+1)
	switch {
	case errors.Is(err, ErrSkipped):
		r.report.Ignore(l.at, "", "%s is not included: %v", Show(name), err)
	case err != nil:
		r.report.Fail(l.at, "", "cannot be included: %v", err)
	case total+len(text) > MostText:
		r.report.Fail(l.at, "leave out what is not needed", "with %s, all files together are larger than %d bytes, the most that is read", Show(name), MostText)
		r.failed = true
	default:
		r.open(name, text)
	}
}

// alternatives returns the patterns that one with csh's braces stands for: a{b,c} is ab
// and ac.
func alternatives(pattern string) []string {
	const most = 100
	out := []string{pattern}
	for n := 0; n < len(out) && len(out) < most; {
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

// matching returns the index of the brace that closes the one at open; -1: there is none.
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

// parts splits at the commas that are in no braces.
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
