package problem

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
)

// BOM is the mark of Unicode that some editors write in front of a text.
const BOM = "\uFEFF"

// Bounds of the problems of a file that are printed, whatever the file is.
const (
	MostListed  = 100 // problems
	MostMessage = 400 // characters
	Excerpt     = 300 // characters of a line
)

// A Report collects the problems of a file and of those that it includes.
type Report struct {
	// Tolerant is set for a file in a language whose own program takes what ours refuses.
	Tolerant bool

	files    []contents // the first is the one that was named
	problems findings
	warnings findings
	bytes    int // of all files
}

// contents are what one file says.
type contents struct {
	name  string
	lines []string
}

// findings are the first MostListed problems of a file, by position, and some more until the
// next cut.
type findings struct {
	kept    []Problem
	dropped int
}

// Of returns the report of a file.
func Of(file string, content []byte) *Report {
	r := &Report{}
	r.Add(file, content)
	return r
}

// Add makes a file known, and returns its number.
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

// Mention returns what a problem at a place calls another place: its path, and its file
// where that is another one.
func (r *Report) Mention(other, at Place) string {
	if other.File == at.File {
		return other.Path
	}
	return other.Path + " in " + r.files[other.File].name
}

// Fail notes that the value at a place cannot be used.
func (r *Report) Fail(at Place, format string, args ...any) {
	r.note(&r.problems, at, "", "", format, args)
}

// Advise is Fail with a hint what to do, which may be empty.
func (r *Report) Advise(at Place, hint, format string, args ...any) {
	r.note(&r.problems, at, "", hint, format, args)
}

// Warn notes something that is allowed but hardly meant.
func (r *Report) Warn(at Place, hint, format string, args ...any) {
	r.note(&r.warnings, at, "", hint, format, args)
}

// Classify notes a warning of a class, which says how a file in another language runs.
func (r *Report) Classify(at Place, class Class, hint, format string, args ...any) {
	r.note(&r.warnings, at, class, hint, format, args)
}

// note adds a finding. One that will not be listed is only counted: the texts of a hundred
// thousand would take most of the time.
func (r *Report) note(f *findings, at Place, class Class, hint, format string, args []any) {
	in := r.files[at.File]
	where := tree.Position{File: at.File, Line: min(max(at.Line, 1), len(in.lines)), Column: max(at.Column, 1)}
	if f.beyond(where) {
		f.dropped++
		return
	}
	message, cut := shorten(fmt.Sprintf(format, args...), MostMessage)
	if cut {
		message += "…"
	}
	f.add(Problem{File: in.name, Line: where.Line, Column: where.Column, file: where.File, Path: conceal(at.Path), Message: conceal(message), Hint: hint, Class: class})
}

// Suggest returns the name that was most likely meant by a misspelt one, as long as
// the problem will be listed.
func (r *Report) Suggest(wrong string, names []string) string {
	if r.problems.count() > MostListed {
		return ""
	}
	return spelling.Nearest(wrong, names)
}

// Count returns how many problems there are.
func (r *Report) Count() int { return r.problems.count() }

// Problems returns the problems for a person to read, by position.
func (r *Report) Problems() Problems { return r.listed(&r.problems) }

// Warnings returns the warnings in the same way.
func (r *Report) Warnings() Problems { return r.listed(&r.warnings) }

// listed are the findings for a person to read, with their lines.
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
	if f.kept = append(f.kept, p); len(f.kept) >= 4*MostListed {
		f.cut()
	}
}

// beyond reports whether enough is known already in front of a place.
func (f *findings) beyond(at tree.Position) bool {
	if f.dropped == 0 {
		return false
	}
	return at.Compare(f.kept[MostListed-1].position()) >= 0 // in order since the last cut
}

func (f *findings) count() int { return len(f.kept) + f.dropped }

// cut orders the findings by position, those of one place as they were found, and
// drops what is too much.
func (f *findings) cut() {
	slices.SortStableFunc(f.kept, func(a, b Problem) int { return a.position().Compare(b.position()) })
	if n := len(f.kept); n > MostListed {
		f.kept, f.dropped = f.kept[:MostListed], f.dropped+n-MostListed
	}
}

// around is the part of a line around a column, and how many characters stand in
// front of it. A character stands for what is left out at either end.
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
