package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// What is printed of the problems of a file is limited, whatever the file is.
const (
	mostListed  = 100 // problems
	mostMessage = 400 // characters
	excerpt     = 300 // characters of a line
)

// A loader collects the problems of one file.
type loader struct {
	file     string
	here     Machine
	lines    []string
	problems findings
	warnings findings
}

// findings are the first mostListed problems of a file, by position, and perhaps
// some more that have yet to be sorted out.
type findings struct {
	kept    []Problem
	dropped int
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
	l.note(&l.problems, at, "", format, args)
}

// advise is fail with a hint what to do, which may be empty.
func (l *loader) advise(at place, hint, format string, args ...any) {
	l.note(&l.problems, at, hint, format, args)
}

// warn notes something that is allowed but hardly meant.
func (l *loader) warn(at place, hint, format string, args ...any) {
	l.note(&l.warnings, at, hint, format, args)
}

// note adds a finding. One that will not be listed is only counted: of a hundred
// thousand, the words would take most of the time.
func (l *loader) note(f *findings, at place, hint, format string, args []any) {
	line, column := min(max(at.line, 1), len(l.lines)), max(at.column, 1)
	if f.beyond(line, column) {
		f.dropped++
		return
	}
	message, cut := shorten(fmt.Sprintf(format, args...), mostMessage)
	if cut {
		message += "…"
	}
	f.add(Problem{File: l.file, Line: line, Column: column, Path: conceal(at.path), Message: conceal(message), Hint: hint})
}

// suggest returns the name that was most likely meant by a misspelt one, as long as
// the problem will be listed.
func (l *loader) suggest(wrong string, names []string) string {
	if l.problems.count() > mostListed {
		return ""
	}
	return nearest(wrong, names)
}

// listed are the findings for a person to read, with their lines.
func (l *loader) listed(f *findings) Problems {
	f.cut()
	line, concealed := 0, ""
	for i := range f.kept {
		p := &f.kept[i]
		if p.Line != line {
			line, concealed = p.Line, concealValues(conceal(l.lines[p.Line-1]))
		}
		p.Source, p.skipped = around(concealed, p.Column)
	}
	if n := len(f.kept); n > 0 {
		f.kept[n-1].more = f.dropped
	}
	return f.kept
}

func (f *findings) add(p Problem) {
	if f.kept = append(f.kept, p); len(f.kept) >= 4*mostListed {
		f.cut()
	}
}

// beyond reports whether enough is known already in front of a place.
func (f *findings) beyond(line, column int) bool {
	if f.dropped == 0 {
		return false
	}
	last := &f.kept[mostListed-1] // in order since the last cut
	return line > last.Line || line == last.Line && column >= last.Column
}

func (f *findings) count() int { return len(f.kept) + f.dropped }

// cut orders the findings by position, those of one place as they were found, and
// drops what is too much.
func (f *findings) cut() {
	slices.SortStableFunc(f.kept, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	if n := len(f.kept); n > mostListed {
		f.kept, f.dropped = f.kept[:mostListed], f.dropped+n-mostListed
	}
}

// around is the part of a line around a column, and how many characters stand in
// front of it. A character stands for what is left out at either end.
func around(line string, column int) (part string, skipped int) {
	if len(line) <= excerpt {
		return line, 0
	}
	const before, mark = excerpt / 2, "…"
	skipped = max(0, min(column-1-before, utf8.RuneCountInString(line)-excerpt))
	start, _ := shorten(line, skipped)
	part, cut := shorten(line[len(start):], excerpt)
	if skipped > 0 {
		_, size := utf8.DecodeRuneInString(part)
		part = mark + part[size:]
	}
	if cut {
		_, size := utf8.DecodeLastRuneInString(part)
		part = part[:len(part)-size] + mark
	}
	return part, skipped
}
