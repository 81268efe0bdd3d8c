package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ripcord/test/golden"
)

// tellOf prints the stories of a log of pkg/story.
func tellOf(t *testing.T, log io.Reader, asJSON bool) (string, error) {
	t.Helper()
	var out bytes.Buffer
	teller := storyPrinter{out: &out, asJSON: asJSON, zone: time.UTC}
	err := teller.printAll(t.Context(), log)
	return out.String(), err
}

func logOf(t *testing.T, name string) io.Reader {
	t.Helper()
	text, err := os.ReadFile("../../pkg/story/testdata/" + name + ".log")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(text)
}

// TestTell prints the stories of a router that took over twice, for people, within 100 columns.
func TestTell(t *testing.T) {
	got, err := tellOf(t, logOf(t, "right"), false)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/events.txt", got)
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > pageWidth || strings.HasSuffix(line, " \n") {
			t.Errorf("%d columns, or blanks at the end: %q", n, line)
		}
	}
}

// TestTellJSON prints one JSON object per story, with the log's own lines.
func TestTellJSON(t *testing.T) {
	got, err := tellOf(t, logOf(t, "left"), true)
	if err != nil {
		t.Fatal(err)
	}
	stories := 0
	for line := range strings.Lines(got) {
		var s struct {
			Trace, Cause string
			Lines        []struct{ Trace string }
		}
		if err := json.Unmarshal([]byte(line), &s); err != nil || s.Cause == "" || len(s.Lines) == 0 || s.Lines[0].Trace != s.Trace {
			t.Errorf("%v: %.200s", err, line)
		}
		stories++
	}
	if stories != 5 {
		t.Errorf("%d stories", stories)
	}
}

// TestTellOddLogs reads input that is not a log, a log without events worth a story, and a log
// among whose lines systemd has written its own.
func TestTellOddLogs(t *testing.T) {
	quiet := `{"ts":"2026-03-01T12:00:00Z","level":"info","event":"daemon.ready","msg":"it runs"}` + "\n"
	for _, c := range []struct{ log, out, err string }{
		{quiet, "Nothing moved, and nothing is wrong, in 1 line of the log.\n", ""},
		{"", "Nothing moved, and nothing is wrong, in 0 lines of the log.\n", ""},
		{"Started ripcord.service.\n" + quiet + "\n\x00\n", "Nothing moved, and nothing is wrong, in 1 line of the log.\n", ""},
		{"Nov 27 gw1 ripcord[7]: " + quiet, "", "none of 1 line is one of ripcord's log: journalctl needs -o cat"},
	} {
		got, err := tellOf(t, strings.NewReader(c.log), false)
		if got != c.out || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%q: %q, %v", c.log, got, err)
		}
	}
}

// TestTellLive requires that a finished story is printed while no line comes, and that the end of
// ctx ends the command.
func TestTellLive(t *testing.T) {
	read, write := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	printed, out := io.Pipe()
	done := make(chan error, 1)
	teller := storyPrinter{out: out, live: true, zone: time.UTC}
	go func() { done <- teller.printAll(ctx, read) }()
	_, _ = io.WriteString(write, `{"ts":"2026-03-01T12:00:00Z","level":"warn","event":"link.down","msg":"eth0 is not usable","trace":"a","elapsed_us":0}`+"\n")
	time.AfterFunc(10*time.Second, func() { _ = out.Close() })
	if got, err := bufio.NewReader(printed).ReadString('\n'); !strings.Contains(got, "eth0 is not usable") {
		t.Errorf("before the log ends %q is printed, %v", got, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestPrintableStories requires that text of other programs in the log moves no cursor.
func TestPrintableStories(t *testing.T) {
	got, err := tellOf(t, strings.NewReader(`{"ts":"2026-03-01T12:00:00Z","level":"warn","event":"check.changed","msg":"web is down: \u001b[2J"}`), false)
	if err != nil || strings.ContainsRune(got, '\x1b') {
		t.Errorf("%q, %v", got, err)
	}
}
