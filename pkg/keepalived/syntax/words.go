package syntax

import (
	"strings"
	"unicode/utf8"

	"ripcord/pkg/tree"
)

// A Word is one word of a statement, without its quotes.
type Word struct {
	Text   string
	Quoted bool
	tree.Position
}

// split splits a line into words at its blanks, and reports whether its last quote is closed.
// Double quotes keep words together.
func (l line) split() (words []Word, closed bool) {
	for i, column := 0, l.at.Column; ; {
		skipped := len(l.text) - i - len(strings.TrimLeft(l.text[i:], blanks))
		i, column = i+skipped, column+skipped
		if i == len(l.text) {
			return words, true
		}
		if l.columns != nil {
			column = l.columns[i]
		}
		w := Word{Position: tree.Position{File: l.at.File, Line: l.at.Line, Column: column}}
		end := 0
		if l.text[i] == '"' {
			length := strings.IndexByte(l.text[i+1:], '"')
			if length < 0 {
				return words, false
			}
			w.Text, w.Quoted, end = l.text[i+1:i+1+length], true, i+length+2
		} else {
			end = len(l.text)
			if n := strings.IndexAny(l.text[i:], blanks+`"`); n >= 0 {
				end = i + n
			}
			w.Text = l.text[i:end]
		}
		words = append(words, w)
		column += utf8.RuneCountInString(l.text[i:end])
		i = end
	}
}

// pieces calls take with each part of a line that is a statement or begins or ends a block: a text
// without braces, or a brace outside of double quotes.
func (l line) pieces(take func(piece line)) {
	from, quoted := 0, false
	at := l.at // of from
	part := func(upto int) {
		p := line{text: l.text[from:upto], at: at}
		if l.columns != nil {
			p.columns = l.columns[from:upto]
			p.at.Column = l.columns[from]
		}
		at.Column += utf8.RuneCountInString(p.text)
		from = upto
		if p = p.trim(); p.text != "" {
			take(p)
		}
	}
	for i := range len(l.text) {
		switch c := l.text[i]; {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '{' || c == '}'):
			if from < i {
				part(i)
			}
			part(i + 1)
		}
	}
	if from < len(l.text) {
		part(len(l.text))
	}
}
