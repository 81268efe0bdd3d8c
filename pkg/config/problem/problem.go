// Package problem collects what is wrong with a configuration file: a Report holds the problems and
// warnings of a file and of the files it includes, each at its Place, and formats them for a
// person, with the line and a caret.
package problem

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"ripcord/pkg/tree"
)

// Class is how a file in another language than ripcord's own runs in spite of a warning.
type Class string

// Classes of warnings. A warning without a class does not change how the file runs.
const (
	Differs Class = "differs"
	NotDone Class = "not done"
)

// Problem is one thing that is wrong with a file, and its position.
type Problem struct {
	File         string
	Line, Column int    // of the key or list entry, from 1; columns count characters
	Path         string // the path of the value, such as instances[0].vrid; empty for the whole file
	Message      string // what is wrong
	Hint         string // what to do; may be empty
	Source       string // the line of the file, or the part of it around the column
	Class        Class
	skipped      int // characters of the line before Source
	file         int // number of the file in the report
	more         int // number of further problems that are not listed
}

func (p Problem) position() tree.Position {
	return tree.Position{File: p.file, Line: p.Line, Column: p.Column}
}

// Summary returns the problem on one line: ripcord.yaml:7:5: instances[0].vrid: 300 is not between
// 1 and 255.
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

// Error returns the summary, the line of the file with a caret under the column, and the number of
// further problems if not all are listed.
func (p Problem) Error() string {
	number := strconv.Itoa(p.Line)
	text := fmt.Sprintf("%s\n %s | %s\n %s | %s", p.Summary(),
		number, strings.Map(visible, p.Source),
		strings.Repeat(" ", len(number)), p.caret())
	if p.more > 0 {
		text += fmt.Sprintf("\nand %d more", p.more)
	}
	return text
}

// caret returns a line with a caret under the column of the source. Tabs before the column stay
// tabs, so that the caret fits at any tab width.
func (p Problem) caret() string {
	var b strings.Builder
	column := p.skipped + 1
	for _, r := range p.Source {
		if column == p.Column {
			break
		}
		column++
		if r == '\t' {
			b.WriteRune(r)
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String() + "^"
}

// visible removes the characters that could steer a terminal from an error message.
func visible(r rune) rune {
	if r != '\t' && !unicode.IsPrint(r) {
		return utf8.RuneError
	}
	return r
}

// Problems are the problems of a file, ordered by position.
type Problems []Problem

// Error returns the texts of all problems.
func (ps Problems) Error() string {
	all := make([]string, len(ps))
	for i, p := range ps {
		all[i] = p.Error()
	}
	return strings.Join(all, "\n")
}

// Total returns the number of problems of the file, including those that are not listed.
func (ps Problems) Total() int {
	if len(ps) == 0 {
		return 0
	}
	return len(ps) + ps[len(ps)-1].more
}

// Unwrap returns each problem as an error.
func (ps Problems) Unwrap() []error {
	all := make([]error, len(ps))
	for i, p := range ps {
		all[i] = p
	}
	return all
}
