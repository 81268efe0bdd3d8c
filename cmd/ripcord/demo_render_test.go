package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestDemoTable requires a line for each act in the table at the end of the demo, in a pipe and on
// a wide terminal; on 80 columns only the description of the act is wrapped.
func TestDemoTable(t *testing.T) {
	var scenes []scene
	for _, a := range acts {
		scenes = append(scenes, scene{title: a.title, server: a.server, outage: map[string]time.Duration{"inside": 3611 * time.Millisecond, "outside": 7 * time.Millisecond}})
	}
	for _, width := range []int{80, pageWidth, 120} {
		var b bytes.Buffer
		if err := renderDemo(&b, scenes, look{width: width}); err != nil {
			t.Fatal(err)
		}
		_, table, _ := strings.Cut(b.String(), "served by")
		table, _, _ = strings.Cut(table, "\n\n")
		lines := strings.Split(table, "\n")[1:]
		for _, line := range lines {
			wrapped := strings.HasPrefix(line, strings.Repeat(" ", 40))
			if !strings.Contains(line, "3611.0 ms") && !(wrapped && width == 80) || utf8.RuneCountInString(line) > width {
				t.Errorf("at a width of %d: a row is broken:\n%s", width, table)
				break
			}
		}
		if width != 80 && len(lines) != len(acts) {
			t.Errorf("at a width of %d: %d lines for %d acts:\n%s", width, len(lines), len(acts), table)
		}
	}
}
