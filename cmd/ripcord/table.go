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
}

func words(texts ...string) []cell {
	cells := make([]cell, len(texts))
	for i, t := range texts {
		cells[i].text = t
	}
	return cells
}

// paint is the text, coloured if colours are wanted.
func (c cell) paint(colours bool) string {
	if !colours || c.colour == "" {
		return c.text
	}
	return "\x1b[" + string(c.colour) + "m" + c.text + "\x1b[0m"
}

// table is rows of cells; the first row is the header.
type table [][]cell

// gap is what stands between two columns.
const gap = 2

// write aligns the columns. No line ends with a blank.
func (t table) write(b *bytes.Buffer, colours bool) {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	for n, row := range t {
		for i, c := range row {
			if n == 0 {
				c.colour = bold
			}
			b.WriteString(c.paint(colours))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]+gap-utf8.RuneCountInString(c.text)))
			}
		}
		b.WriteByte('\n')
	}
}
