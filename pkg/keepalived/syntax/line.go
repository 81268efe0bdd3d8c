package syntax

import (
	"strings"
	"unicode/utf8"

	"ripcord/pkg/tree"
)

// blanks separate words.
const blanks = " \t\f\r\v\n"

// A line is a line of a file without its comment, or a line that a definition or a sequence made.
type line struct {
	text string
	at   tree.Position // of the first character
	// columns are the columns of the bytes; nil: they are consecutive in the file.
	columns []int
}

// column returns the column of the byte at an index.
func (l line) column(index int) int {
	if l.columns != nil {
		if index < len(l.columns) {
			return l.columns[index]
		}
		return l.at.Column
	}
	return l.at.Column + utf8.RuneCountInString(l.text[:index])
}

// position returns the place of the byte at an index.
func (l line) position(index int) tree.Position {
	at := l.at
	at.Column = l.column(index)
	return at
}

// cut returns a part of the line.
func (l line) cut(from, upto int) line {
	out := line{text: l.text[from:upto], at: l.position(from)}
	if l.columns != nil {
		out.columns = l.columns[from:upto]
	}
	return out
}

// trim returns the line without surrounding blanks.
func (l line) trim() line {
	from := len(l.text) - len(strings.TrimLeft(l.text, blanks))
	return l.cut(from, max(from, len(strings.TrimRight(l.text, blanks))))
}

// replace replaces a part of the line by a text. All of the text gets the column where the part
// began.
func (l line) replace(from, upto int, text string) line {
	columns := make([]int, 0, len(l.text)-(upto-from)+len(text))
	column := l.at.Column
	for i := range len(l.text) {
		if l.columns != nil {
			column = l.columns[i]
		} else if i > 0 && utf8.RuneStart(l.text[i]) {
			column++
		}
		if i == from {
			for range len(text) {
				columns = append(columns, column)
			}
		}
		if i < from || i >= upto {
			columns = append(columns, column)
		}
	}
	return line{text: l.text[:from] + text + l.text[upto:], at: l.at, columns: columns}
}

// isPassword reports whether the line is an auth_pass.
func (l line) isPassword() bool {
	value, ok := strings.CutPrefix(l.text, "auth_pass")
	return ok && value != "" && strings.IndexByte(blanks, value[0]) >= 0
}

// valid returns the line with each byte that is not UTF-8 replaced, and whether it had none.
func (l line) valid() (line, bool) {
	if utf8.ValidString(l.text) {
		return l, true
	}
	out := line{at: l.at}
	var text strings.Builder
	column := l.at.Column
	for i, r := range l.text { // an invalid byte counts as a character
		if l.columns != nil {
			column = l.columns[i]
		} else if i > 0 {
			column++
		}
		for range utf8.RuneLen(r) {
			out.columns = append(out.columns, column)
		}
		text.WriteRune(r)
	}
	out.text = text.String()
	return out, false
}

// uncommented returns the line without its comment and surrounding blanks. # and ! start a comment
// outside of double quotes, even after a backslash: keepalived removes the backslash, and reads the
// rest a second time.
func (l line) uncommented() line {
	end := len(l.text)
	quoted := false
	for i := 0; i < end; i++ {
		switch l.text[i] {
		case '"':
			quoted = !quoted
		case '\\':
			if i+1 < len(l.text) && !quoted && (l.text[i+1] == '#' || l.text[i+1] == '!') {
				end = i
			}
			i++
		case '#', '!':
			if !quoted {
				end = i
			}
		}
	}
	return l.cut(0, end).trim()
}
