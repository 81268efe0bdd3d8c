// Package problem says what is wrong with a configuration file, and where: a Report collects
// the problems and warnings of a file and of those that it includes, each at its Place, and
// gives them as a person reads them, with the line and a caret.
package problem

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"ripcord/pkg/tree"
)

// Class says of a warning how a file in another language than ripcord's own runs.
type Class string

// The classes of warnings. Without one, the file runs as it does elsewhere.
const (
	Differs Class = "differs"
	NotDone Class = "not done"
)

// Problem is one thing that is wrong with a file, and where.
type Problem struct {
	File         string
	Line, Column int    // of the key or list entry, from 1; columns are characters
	Path         string // of the value: instances[0].vrid; empty for the whole file
	Message      string // what is wrong
	Hint         string // what to do about it; may be empty
	Source       string // the line of the file, or the part of it around the column
	Class        Class
	skipped      int // characters of the line in front of Source
	file         int // the position's
	more         int // problems behind this one that are not listed
}

func (p Problem) position() tree.Position {
	return tree.Position{File: p.file, Line: p.Line, Column: p.Column}
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

// Error is the summary, the line of the file and a caret under the column, and how
// many more problems there are, if not all are listed.
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

// caret stands under the column of the source; tabs before it stay tabs, so
// that it does so at any width of tab.
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

// Total is how many problems the file has, those too that are not listed.
func (ps Problems) Total() int {
	if len(ps) == 0 {
		return 0
	}
	return len(ps) + ps[len(ps)-1].more
}

// Unwrap gives each as an error.
func (ps Problems) Unwrap() []error {
	all := make([]error, len(ps))
	for i, p := range ps {
		all[i] = p
	}
	return all
}
