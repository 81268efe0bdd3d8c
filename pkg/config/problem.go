package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing that is wrong with a file, and where.
type Problem struct {
	File         string
	Line, Column int    // of the key or list entry, from 1; columns are characters
	Path         string // of the value: instances[0].vrid; empty for the whole file
	Message      string // what is wrong
	Hint         string // what to do about it; may be empty
	Source       string // the line of the file
}

// Summary is the problem on one line: ripcord.yaml:7:5: instances[0].vrid: 300
// is not between 1 and 255.
func (p Problem) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Error is the summary, the line of the file and a caret under the column.
func (p Problem) Error() string {
	number := strconv.Itoa(p.Line)
	return fmt.Sprintf("%s\n %s | %s\n %s | %s", p.Summary(),
		number, strings.Map(visible, p.Source),
		strings.Repeat(" ", len(number)), p.caret())
}

// caret stands under the column of the source; tabs before it stay tabs, so
// that it does so at any width of tab.
func (p Problem) caret() string {
	var b strings.Builder
	for i, r := range []rune(p.Source) {
		if i == p.Column-1 {
			break
		}
		if r == '\t' {
			b.WriteRune(r)
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String() + "^"
}

// visible keeps what could steer a terminal out of an error message.
func visible(r rune) rune {
	if r != '\t' && !unicode.IsPrint(r) {
		return utf8.RuneError
	}
	return r
}

// Problems are all that is wrong with a file, by position.
type Problems []Problem

// Error gives all of them.
func (ps Problems) Error() string {
	all := make([]string, len(ps))
	for i, p := range ps {
		all[i] = p.Error()
	}
	return strings.Join(all, "\n")
}

// Unwrap gives each as an error.
func (ps Problems) Unwrap() []error {
	all := make([]error, len(ps))
	for i, p := range ps {
		all[i] = p
	}
	return all
}

// A place is a value of the file: where it stands, and what a person calls it.
// Its position is that of its key, or its own in a list.
type place struct {
	path         string
	line, column int
	node         *node // nil: the file says nothing here
	bad          bool  // its value was refused, so there is nothing to check it against
}

// key is the place of a key in the map at p, which need not be there.
func (p place) key(name string) place {
	return place{path: join(p.path, name), line: p.line, column: p.column}
}

// item is the place of an entry of the list at p.
func (p place) item(i int) place {
	n := p.node.items[i]
	return place{path: fmt.Sprintf("%s[%d]", p.path, i), line: n.line, column: n.column, node: n}
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return show(key)
	}
	return path + "." + show(key)
}

// show writes what the file says into a message: quoted where it would not be
// clear what belongs to it, and not too long.
func show(text string) string {
	const enough = 60
	if len([]rune(text)) > enough {
		return strconv.Quote(string([]rune(text)[:enough])) + "…"
	}
	strange := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '"' }
	if text == "" || strings.ContainsFunc(text, strange) {
		return strconv.Quote(text)
	}
	return text
}

// A loader collects the problems of one file.
type loader struct {
	file     string
	lines    []string
	problems Problems
	warnings Problems
}

func newLoader(file string, text []byte) *loader {
	lines := strings.Split(strings.TrimPrefix(string(text), bom), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return &loader{file: file, lines: lines}
}

// fail notes that the value at a place cannot be used.
func (l *loader) fail(at place, format string, args ...any) {
	l.problems = append(l.problems, l.problem(at, "", fmt.Sprintf(format, args...)))
}

// advise is fail with a hint what to do, which may be empty.
func (l *loader) advise(at place, hint, format string, args ...any) {
	l.problems = append(l.problems, l.problem(at, hint, fmt.Sprintf(format, args...)))
}

// warn notes something that is allowed but hardly meant.
func (l *loader) warn(at place, hint, format string, args ...any) {
	l.warnings = append(l.warnings, l.problem(at, hint, fmt.Sprintf(format, args...)))
}

func (l *loader) problem(at place, hint, message string) Problem {
	line, column := min(max(at.line, 1), len(l.lines)), max(at.column, 1)
	return Problem{
		File: l.file, Line: line, Column: column, Path: conceal(at.path),
		Message: conceal(message), Hint: hint, Source: concealValues(conceal(l.lines[line-1])),
	}
}

// sorted orders problems by position, those of one place as they were found.
func (l *loader) sorted(ps Problems) Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return ps
}
