package main

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// colour is the parameter of an SGR sequence (ECMA-48); empty is none.
type colour string

const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	bold   colour = "1"
)

// cell is a text with a colour that takes no room.
type cell struct {
	text   string
	colour colour
	is     string // what --watch compares in place of the text, of which a part changes with the time alone
}

func words(texts ...string) []cell {
	cells := make([]cell, len(texts))
	for i, t := range texts {
		cells[i].text = t
	}
	return cells
}

// paint returns the text, coloured if colours are wanted.
func (c cell) paint(colours bool) string {
	if !colours || c.colour == "" {
		return c.text
	}
	return "\x1b[" + string(c.colour) + "m" + c.text + "\x1b[0m"
}

// table is rows of cells; the first row is the header.
type table [][]cell

// gap is the number of blanks between two columns.
const gap = 2

// look is how something is printed for people.
type look struct {
	colours bool
	width   int // of a line, at most, where words can be broken so
}

// pageWidth is the width of a line if the output is no terminal.
const pageWidth = 100

// unfolded is the width of a line where each row of a table stands in one.
const unfolded = 1 << 20

// fold is the indent of the second line of a row.
const fold = 4

// write aligns the columns. Those that do not fit into a line stand in further lines of
// the row, aligned among themselves; the text of the last one is wrapped. No line ends
// with a blank.
func (t table) write(b *bytes.Buffer, look look) {
	widths, word := make([]int, len(t[0])), 0
	for _, row := range t {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
		for w := range strings.FieldsSeq(row[len(row)-1].text) {
			word = max(word, utf8.RuneCountInString(w))
		}
	}
	bands := bandsOf(widths, word, look.width)
	for n, row := range t {
		for i := range row {
			if n == 0 {
				row[i].colour = bold
			}
		}
		for k, band := range bands {
			if k == 0 || n == 0 || !unknown(row[band.from:band.upto]) {
				band.write(b, row, widths, look)
			}
		}
	}
}

// band is the columns of a table that stand in one line of a row.
type band struct {
	from, upto int
	indent     int
}

// bandsOf breaks the columns of a table where they do not fit. The last column, the longest word of
// which is given, stays to be wrapped where that word fits, and at least a third of the line is left for
// it or it needs no more than two lines there.
func bandsOf(widths []int, word, width int) (bands []band) {
	current, used := band{}, 0
	for i, w := range widths {
		left := width - used
		wrapped := i == len(widths)-1 && left >= word && (left >= width-width*2/3 || w <= 2*left)
		if i > current.from && w > left && !wrapped {
			current.upto = i
			bands = append(bands, current)
			current, used = band{from: i, indent: fold}, fold
		}
		used += w + gap
	}
	current.upto = len(widths)
	return append(bands, current)
}

// unknown reports whether all of the cells are empty.
func unknown(cells []cell) bool {
	for _, c := range cells {
		if c.text != or("") {
			return false
		}
	}
	return true
}

// write writes one line of a row, and more where its last text has to be wrapped.
func (s band) write(b *bytes.Buffer, row []cell, widths []int, look look) {
	at := s.indent
	b.WriteString(strings.Repeat(" ", at))
	for i, c := range row[s.from : s.upto-1] {
		b.WriteString(c.paint(look.colours))
		b.WriteString(strings.Repeat(" ", widths[s.from+i]+gap-utf8.RuneCountInString(c.text)))
		at += widths[s.from+i] + gap
	}
	last := row[s.upto-1]
	for n, line := range wrap(last.text, look.width-at) {
		if n > 0 {
			b.WriteString("\n" + strings.Repeat(" ", at))
		}
		b.WriteString(cell{text: line, colour: last.colour}.paint(look.colours))
	}
	b.WriteByte('\n')
}

// wrap breaks a text between words into lines of at most that width. A word that is
// longer has a line of its own.
func wrap(text string, width int) (lines []string) {
	if utf8.RuneCountInString(text) <= width {
		return []string{text}
	}
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
