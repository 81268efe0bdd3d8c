package main

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"ripcord/pkg/story"
)

// The width of what is printed for people, and of the column with the times of a story.
const (
	pageWidth = 100
	timeWidth = 18
)

// levelColours are those of the levels of the log.
var levelColours = map[string]colour{"warn": yellow, "error": red}

// renderStory writes one story, a block of lines.
func renderStory(b *bytes.Buffer, s *story.Story, zone *time.Location, colours bool) {
	for _, r := range s.Rows(zone) {
		left, indent := cell{text: r.Left}, timeWidth
		if r.Head {
			left.colour, indent = bold, utf8.RuneCountInString(r.Left)
		}
		b.WriteString(strings.Repeat(" ", indent-utf8.RuneCountInString(r.Left)) + left.paint(colours))
		for n, part := range wrap(printable(r.Text), pageWidth-indent-gap) {
			if n > 0 {
				b.WriteString("\n" + strings.Repeat(" ", indent))
			}
			b.WriteString(strings.Repeat(" ", gap) + cell{part, levelColours[r.Level]}.paint(colours))
		}
		b.WriteByte('\n')
	}
}

// wrap breaks a text between words into lines of at most that width. A word that is
// longer has a line of its own.
func wrap(text string, width int) (lines []string) {
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
