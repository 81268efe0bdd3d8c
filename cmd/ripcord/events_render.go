package main

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"ripcord/pkg/story"
)

// timeWidth is the width of the column with the times of a story.
const timeWidth = 18

// levelColours maps the levels of the log to colours.
var levelColours = map[string]colour{"warn": yellow, "error": red}

// renderStory writes one story, a block of lines.
func renderStory(b *bytes.Buffer, s *story.Story, zone *time.Location, look look) {
	for _, r := range s.Rows(zone) {
		left, indent := cell{text: r.Left}, timeWidth
		if r.Head {
			left.colour, indent = bold, utf8.RuneCountInString(r.Left)
		}
		b.WriteString(strings.Repeat(" ", indent-utf8.RuneCountInString(r.Left)) + left.paint(look.colours))
		for n, part := range wrap(printable(r.Text), look.width-indent-gap) {
			if n > 0 {
				b.WriteString("\n" + strings.Repeat(" ", indent))
			}
			b.WriteString(strings.Repeat(" ", gap) + cell{text: part, colour: levelColours[r.Level]}.paint(look.colours))
		}
		b.WriteByte('\n')
	}
}
