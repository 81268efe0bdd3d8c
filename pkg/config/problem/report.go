package problem

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
)

// BOM is the Unicode byte order mark that some editors write at the start of a text.
const BOM = "\uFEFF"

// Limits of the listed problems of a file, however many it has.
const (
	MaxListed  = 100 // problems
	MaxMessage = 400 // characters
	Excerpt    = 300 // characters of a line
)

// A Report collects the problems of a file and of those that it includes.
type Report struct {
	// Tolerant is set for a file in a language whose own program accepts more than ripcord does.
	Tolerant bool

	files    []contents // the first is the file that was named
	problems findings
	warnings findings
	bytes    int // size of all files
}

// contents are the name and the text of one file.
type contents struct {
	name  string
	lines []string
}

// findings holds the first MaxListed problems of a file, ordered by position, and some more until
// the next cut.
type findings struct {
	kept    []Problem
	dropped int
}

// Of returns an empty report about a file.
func Of(file string, content []byte) *Report {
	r := &Report{}
	r.Add(file, content)
	return r
}

// Add adds a file to the report and returns its number.
func (r *Report) Add(file string, content []byte) int {
	lines := strings.Split(strings.TrimPrefix(string(content), BOM), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	r.files = append(r.files, contents{file, lines})
	r.bytes += len(content)
	return len(r.files) - 1
}

// Name returns the name of a file by its number.
func (r *Report) Name(file int) string { return r.files[file].name }

// Bytes returns the size of all files together.
func (r *Report) Bytes() int { return r.bytes }

// Mention returns how a problem at one place refers to another place: by its path, and by its file
// if that is another one.
func (r *Report) Mention(other, at Place) string {
	if other.File == at.File {
		return other.Path
	}
	return other.Path + " in " + r.files[other.File].name
}

// Fail reports that the value at a place cannot be used.
func (r *Report) Fail(at Place, format string, args ...any) {
	r.note(&r.problems, at, "", "", format, args)
}

// Advise is Fail with a hint what to do. The hint may be empty.
func (r *Report) Advise(at Place, hint, format string, args ...any) {
	r.note(&r.problems, at, "", hint, format, args)
}

// Warn reports a value that is allowed but hardly intended.
func (r *Report) Warn(at Place, hint, format string, args ...any) {
	r.note(&r.warnings, at, "", hint, format, args)
}

// Classify adds a warning with a class: how a file in another language runs in spite of it.
func (r *Report) Classify(at Place, class Class, hint, format string, args ...any) {
	r.note(&r.warnings, at, class, hint, format, args)
}

// note adds a finding. It only counts a finding that will not be listed, because formatting the
// texts of a hundred thousand findings would take most of the time.
func (r *Report) note(f *findings, at Place, class Class, hint, format string, args []any) {
	in := r.files[at.File]
	where := tree.Position{File: at.File, Line: min(max(at.Line, 1), len(in.lines)), Column: max(at.Column, 1)}
	if f.beyond(where) {
		f.dropped++
		return
	}
	message, cut := shorten(fmt.Sprintf(format, args...), MaxMessage)
	if cut {
		message += "…"
	}
	f.add(Problem{File: in.name, Line: where.Line, Column: where.Column, file: where.File, Path: conceal(at.Path), Message: conceal(message), Hint: hint, Class: class})
}

// Suggest returns the name that is closest to a misspelt one, unless the problem will not be listed
// anyway.
func (r *Report) Suggest(wrong string, names []string) string {
	if r.problems.count() > MaxListed {
		return ""
	}
	return spelling.Nearest(wrong, names)
}

// Count returns the number of problems.
func (r *Report) Count() int { return r.problems.count() }

// Problems returns the listed problems, ordered by position.
func (r *Report) Problems() Problems { return r.listed(&r.problems) }

// Warnings returns the listed warnings, ordered by position.
func (r *Report) Warnings() Problems { return r.listed(&r.warnings) }

// listed returns findings as problems with their lines.
func (r *Report) listed(f *findings) Problems {
	f.cut()
	last, concealed := tree.Position{}, ""
	for i := range f.kept {
		p := &f.kept[i]
		if line := (tree.Position{File: p.file, Line: p.Line}); line != last {
			last, concealed = line, concealValues(conceal(r.files[p.file].lines[p.Line-1]))
		}
		p.Source, p.skipped = around(concealed, p.Column)
	}
	if n := len(f.kept); n > 0 {
		f.kept[n-1].more = f.dropped
	}
	return f.kept
}

func (f *findings) add(p Problem) {
	if f.kept = append(f.kept, p); len(f.kept) >= 4*MaxListed {
		f.cut()
	}
}

// beyond reports whether enough findings before a place are known already.
func (f *findings) beyond(at tree.Position) bool {
	if f.dropped == 0 {
		return false
	}
	return at.Compare(f.kept[MaxListed-1].position()) >= 0 // sorted by the last cut
}

func (f *findings) count() int { return len(f.kept) + f.dropped }

// cut orders the findings by position, keeps the order of those at one place, and drops those that
// exceed the limit.
func (f *findings) cut() {
	slices.SortStableFunc(f.kept, func(a, b Problem) int { return a.position().Compare(b.position()) })
	if n := len(f.kept); n > MaxListed {
		f.kept, f.dropped = f.kept[:MaxListed], f.dropped+n-MaxListed
	}
}

// around returns the part of a line around a column, and the number of characters before that part.
// An ellipsis replaces what is left out at either end.
func around(line string, column int) (part string, skipped int) {
	if len(line) <= Excerpt {
		return line, 0
	}
	const before, mark = Excerpt / 2, "…"
	skipped = max(0, min(column-1-before, utf8.RuneCountInString(line)-Excerpt))
	start, _ := shorten(line, skipped)
	part, cut := shorten(line[len(start):], Excerpt)
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
