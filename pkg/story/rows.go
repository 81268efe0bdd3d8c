package story

import (
	"strconv"
	"strings"
	"time"
)

// Row is a row of a story for people: a short left column, and a text.
type Row struct {
	Left, Text string
	Level      string // info, warn or error; of the first row, the highest of all lines
	Head       bool   // whether it is the first row
}

// headTime is the format of the instant of a fact.
const headTime = "2006-01-02 15:04:05.000000"

// Rows returns the story, with its times in the given zone.
func (s *Story) Rows(zone *time.Location) []Row {
	cause, isFirst := s.Cause()
	head := Row{s.At().In(zone).Format(headTime), cause, s.level(), true}
	lines := s.Lines
	if isFirst {
		lines = lines[1:]
	}
	if s.Trace != "" {
		head.Text += " [" + s.Trace + "]"
	}
	rows := []Row{head}
	before := ""
	for _, l := range lines {
		left := "+" + thousands(l.Elapsed) + " µs"
		if left == before {
			left = ""
		} else {
			before = left
		}
		rows = append(rows, Row{left, l.Message, l.Level, false})
	}
	for _, o := range s.Outages() {
		level := "info"
		if o.State == begun {
			level = "warn"
		}
		rows = append(rows, Row{"outage", o.String(), level, false})
	}
	return rows
}

// thousands returns a number with a comma at each thousand.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}
