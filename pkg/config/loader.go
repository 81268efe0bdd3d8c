package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
)

// Bounds of the problems of a file that are printed, whatever the file is.
const (
	mostListed  = 100 // problems
	mostMessage = 400 // characters
	excerpt     = 300 // characters of a line
)

// A loader collects the problems of a file and of those that it includes.
type loader struct {
	files    []contents // the first is the one that was named; see include.go for the others
	here     Machine
	format   Format
	problems findings
	warnings findings
	bytes    int // of all files
	merged   int // entries that << has merged in, those too that yielded to others
	size     int // of the trees of all files
}

// contents are what one file says.
type contents struct {
	name  string
	lines []string
}

// findings are the first mostListed problems of a file, by position, and some more until the
// next cut.
type findings struct {
	kept    []Problem
	dropped int
}

func newLoader(file string, content []byte) *loader {
	l := &loader{}
	l.add(file, content)
	return l
}

// add makes a file known, and returns its number.
func (l *loader) add(file string, content []byte) int {
	lines := strings.Split(strings.TrimPrefix(string(content), bom), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	l.files = append(l.files, contents{file, lines})
	l.bytes += len(content)
	return len(l.files) - 1
}

// mention returns what a problem at a place calls another place: its path, and its file
// where that is another one.
func (l *loader) mention(other, at place) string {
	if other.File == at.File {
		return other.path
	}
	return other.path + " in " + l.files[other.File].name
}

// fail notes that the value at a place cannot be used.
func (l *loader) fail(at place, format string, args ...any) {
	l.note(&l.problems, at, "", "", format, args)
}

// advise is fail with a hint what to do, which may be empty.
func (l *loader) advise(at place, hint, format string, args ...any) {
	l.note(&l.problems, at, "", hint, format, args)
}

// warn notes something that is allowed but hardly meant.
func (l *loader) warn(at place, hint, format string, args ...any) {
	l.note(&l.warnings, at, "", hint, format, args)
}

// note adds a finding. One that will not be listed is only counted: the texts of a hundred
// thousand would take most of the time.
func (l *loader) note(f *findings, at place, class Class, hint, format string, args []any) {
	in := l.files[at.File]
	where := tree.Position{File: at.File, Line: min(max(at.Line, 1), len(in.lines)), Column: max(at.Column, 1)}
	if f.beyond(where) {
		f.dropped++
		return
	}
	message, cut := shorten(fmt.Sprintf(format, args...), mostMessage)
	if cut {
		message += "…"
	}
	f.add(Problem{File: in.name, Line: where.Line, Column: where.Column, file: where.File, Path: conceal(at.path), Message: conceal(message), Hint: hint, Class: class})
}

// suggest returns the name that was most likely meant by a misspelt one, as long as
// the problem will be listed.
func (l *loader) suggest(wrong string, names []string) string {
	if l.problems.count() > mostListed {
		return ""
	}
	return spelling.Nearest(wrong, names)
}

// listed are the findings for a person to read, with their lines.
func (l *loader) listed(f *findings) Problems {
	f.cut()
	last, concealed := tree.Position{}, ""
	for i := range f.kept {
		p := &f.kept[i]
		if line := (tree.Position{File: p.file, Line: p.Line}); line != last {
			last, concealed = line, concealValues(conceal(l.files[p.file].lines[p.Line-1]))
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
func (f *findings) beyond(at tree.Position) bool {
	if f.dropped == 0 {
		return false
	}
	return at.Compare(f.kept[mostListed-1].position()) >= 0 // in order since the last cut
}

func (f *findings) count() int { return len(f.kept) + f.dropped }

// cut orders the findings by position, those of one place as they were found, and
// drops what is too much.
func (f *findings) cut() {
	slices.SortStableFunc(f.kept, func(a, b Problem) int { return a.position().Compare(b.position()) })
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
