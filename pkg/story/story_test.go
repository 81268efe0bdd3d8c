package story

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ripcord/test/golden"
)

func linesOf(t *testing.T, file string) (lines []Line) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for raw := range bytes.Lines(text) {
		l, err := Parse(bytes.TrimSpace(raw))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

func written(stories []Story) string {
	var b strings.Builder
	for i := range stories {
		for _, r := range stories[i].Rows(time.UTC) {
			fmt.Fprintf(&b, "%-5s %16s  %s\n", r.Level, r.Left, r.Text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestStories checks the stories of each log in testdata. left.log and right.log are the logs of
// two routers: the left one's cable was pulled and plugged in again, and then it was killed.
// dead.log is the log of a router that watched its peer's machine, which lost its power;
// stalled.log that of an Active that was stopped for 5 s while its peer took over.
func TestStories(t *testing.T) {
	for _, name := range []string{"left", "right", "odd", "dead", "stalled"} {
		b := Builder{Quiet: 5 * time.Second}
		var stories []Story
		for _, l := range linesOf(t, filepath.Join("testdata", name+".log")) {
			stories = append(stories, b.Add(l)...)
		}
		stories = append(stories, b.Rest()...)
		golden.Check(t, filepath.Join("testdata", name+".golden"), written(stories))
		if again := b.Rest(); len(again) > 0 {
			t.Errorf("%s: %d stories are returned twice", name, len(again))
		}
	}
}

// TestOutages checks the outages of the pulled cable, as seen by each router.
func TestOutages(t *testing.T) {
	want := map[string][]Outage{
		"right": {
			{"group edge", ended, sinceCause, 610271}, {"group edge", none, sinceCause, 381}, {"group edge", ended, sinceTimeout, 342},
		},
		"left":    {{"group edge", ended, sinceTimeout, 17666}, {"group edge", begun, sinceCause, 1209}, {"group edge", none, sinceCause, 1039}},
		"stalled": {{"group edge", ended, sinceStall, 4902915}},
		"odd":     {{"dmz", begun, sinceCause, 400}, {"lan", ended, sinceTimeout, 2000300}},
	}
	for name, want := range want {
		b := Builder{}
		var got []Outage
		for _, l := range linesOf(t, filepath.Join("testdata", name+".log")) {
			b.Quiet = time.Hour
			b.Add(l)
		}
		for _, s := range b.Rest() {
			got = append(got, s.Outages()...)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
	}
}

// TestQuiet checks that a story is returned once it is complete, and not before, and that
// simultaneous stories do not mix.
func TestQuiet(t *testing.T) {
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(ms int, trace string) Line {
		return Line{At: began.Add(time.Duration(ms) * time.Millisecond), Level: "info", Event: "group.transition", Message: trace, Group: trace, Trace: trace}
	}
	b := Builder{Quiet: time.Second}
	for _, step := range []struct {
		line Line
		want string
	}{
		{at(0, "a"), ""}, {at(10, "b"), ""}, {at(900, "a"), ""}, {at(1010, "c"), "b1 "}, {at(1899, "c"), ""}, {at(1900, "d"), "a2 "},
		{at(9000, "d"), "c2 "}, // d itself goes on
	} {
		got := ""
		for _, s := range b.Add(step.line) {
			got += fmt.Sprintf("%s%d ", s.Trace, len(s.Lines))
		}
		if got != step.want {
			t.Errorf("%v %s: returned %q, want %q", step.line.At, step.line.Trace, got, step.want)
		}
	}
	if rest := b.Rest(); len(rest) != 1 || rest[0].Trace != "d" || len(rest[0].Lines) != 2 {
		t.Errorf("the rest is %v", rest)
	}
}

// TestOpenStoriesAreBounded checks that a log with ever new traces, none of which ends, does not
// grow the memory.
func TestOpenStoriesAreBounded(t *testing.T) {
	b, returned := Builder{Quiet: time.Hour}, 0
	for i := range 3 * maxOpen {
		returned += len(b.Add(Line{At: time.Unix(1, 0), Level: "error", Event: "link.down", Trace: fmt.Sprint(i)}))
	}
	if len(b.order) > maxOpen || len(b.open) > maxOpen || returned != 2*maxOpen {
		t.Errorf("%d open, %d returned", len(b.order), returned)
	}
}

// TestParse checks that a text that is not a line of the log is refused, without a crash.
func TestParse(t *testing.T) {
	for _, text := range []string{"", "{", "[]", "{}", `"x"`, `{"ts":"2026-03-01T12:00:00Z"}`, `{"event":"link.down","ts":7}`, "Started ripcord.service"} {
		if _, err := Parse([]byte(text)); !errors.Is(err, errNoLine) {
			t.Errorf("%q: %v", text, err)
		}
	}
	l, err := Parse([]byte(`{"ts":"2026-03-01T12:00:00Z","event":"instance.priority","from":150,"to":90}`))
	if err != nil || l.From != "150" || l.To != "90" {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestJSON checks that a story has its outages and the original lines of the log.
func TestJSON(t *testing.T) {
	b := Builder{Quiet: time.Hour}
	for _, l := range linesOf(t, "testdata/odd.log") {
		b.Add(l)
	}
	stories := b.Rest()
	text, err := json.Marshal(&stories[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"at":"2026-03-01T12:00:02Z","trace":"00000000000000aa","cause":"check web is down: no answer within 2s","outages":[{"subject":"dmz","state":"begun","since":"cause","us":400,"text":"dmz: begins here, everything released after 0.4 ms; the log of the next Active has its end"}],"lines":[{"ts":`,
		`"tracker":"web"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
}

// TestAdoption requires that a handover is a story, although no state changed.
func TestAdoption(t *testing.T) {
	b := Builder{Quiet: time.Second}
	for _, text := range []string{
		`{"ts":"2026-03-01T12:00:00Z","level":"info","event":"daemon.started","msg":"started"}`,
		`{"ts":"2026-03-01T12:00:01Z","level":"info","event":"group.adopted","msg":"edge goes on as Active","group":"edge","trace":"1"}`,
	} {
		l, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		b.Add(l)
	}
	stories := b.Rest()
	if len(stories) != 1 {
		t.Fatalf("%d stories, want 1", len(stories))
	}
	if cause, _ := stories[0].Cause(); cause != "edge goes on as Active" {
		t.Errorf("cause %q", cause)
	}
}
