package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/event"
	"ripcord/test/golden"
)

// TestLines compares the line of every event of the vocabulary with a golden file;
// TestEveryEventHasALine proves that it is every event.
func TestLines(t *testing.T) {
	var got bytes.Buffer
	logger := NewLogger(&got, event.Debug)
	for _, e := range samples() {
		logger.Write(e)
	}
	golden.Check(t, filepath.Join("testdata", "lines.jsonl"), got.String())
}

// TestLineShape checks the common parts of every line: the first four keys, the event's own in
// their order, then trace and elapsed_us together or not at all, and no key twice.
func TestLineShape(t *testing.T) {
	for _, e := range samples() {
		line := written(e)
		want := []string{"ts", "level", "event", "msg"}
		for _, f := range e.Fields() {
			want = append(want, f.Key)
		}
		if _, ok := e.When().Elapsed(); ok {
			want = append(want, "trace", "elapsed_us")
		}
		got := keys(t, line)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: keys (-want +got):\n%s", e.Name(), diff)
		}
		seen := map[string]bool{}
		for _, k := range got {
			if seen[k] {
				t.Errorf("%s: the key %s occurs twice", e.Name(), k)
			}
			seen[k] = true
		}
	}
}

// keys returns the top-level keys of a line in their order.
func keys(t *testing.T, line string) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(line))
	if _, err := d.Token(); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	var out []string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out = append(out, key.(string))
		var value any
		if err := d.Decode(&value); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	return out
}

// sample is an event with any fields.
type sample struct {
	event.Stamp
	level  event.Level
	fields []event.Field
}

func (s sample) Name() string          { return "sample" }
func (s sample) Level() event.Level    { return s.level }
func (s sample) Message() string       { return "a \"sample\" <of> a\nline" }
func (s sample) Fields() []event.Field { return s.fields }

func written(e event.Event) string {
	var b bytes.Buffer
	NewLogger(&b, event.Debug).Write(e)
	return b.String()
}

// TestValues tests each kind of value that a field may have.
func TestValues(t *testing.T) {
	zone := time.FixedZone("there", 2*3600)
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"string":    {"a\"b", `"a\"b"`},
		"bool":      {true, `true`},
		"int":       {-3, `-3`},
		"uint8":     {uint8(200), `200`},
		"uint64":    {uint64(1) << 63, `9223372036854775808`},
		"float":     {1.5, `1.5`},
		"null":      {nil, `null`},
		"time":      {time.Date(2026, 3, 1, 14, 0, 0, 5, zone), `"2026-03-01T12:00:00.000000005Z"`},
		"zero time": {time.Time{}, `null`},
		"strings":   {[]string{"a", "b"}, `["a","b"]`},
		"no string": {[]string(nil), `[]`},
		"ints":      {[]int{1, 2}, `[1,2]`},
		"times":     {[]time.Time{time.Date(2026, 3, 1, 14, 0, 0, 0, zone)}, `["2026-03-01T12:00:00Z"]`},
	} {
		at := time.Date(2026, 3, 1, 14, 0, 0, 0, zone)
		got := written(sample{Stamp: event.Stamp{At: at}, fields: []event.Field{{Key: "value", Value: c.value}}})
		want := `{"ts":"2026-03-01T12:00:00.000000000Z","level":"debug","event":"sample",` +
			`"msg":"a \"sample\" <of> a; line","value":` + c.want + "}\n"
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// wordy is an event with a message of several lines.
type wordy struct {
	sample
	message string
}

func (w wordy) Message() string { return w.message }

// TestMessageIsOneLine requires that msg contains no line break.
func TestMessageIsOneLine(t *testing.T) {
	for message, want := range map[string]string{
		"one line":                                "one line",
		"one\ntwo\r\nthree\rfour":                 "one; two; three; four",
		"\nfirst:\n\tindented\n":                  "first:; indented",
		"one\u2028two\u2029three\u0085four\vfive": "one; two; three; four; five",
	} {
		var line struct{ Msg string }
		if err := json.Unmarshal([]byte(written(wordy{message: message})), &line); err != nil || line.Msg != want {
			t.Errorf("%q became %q, %v, want %q", message, line.Msg, err, want)
		}
	}
}

// TestElapsed requires an integer of microseconds, by the monotonic clock.
func TestElapsed(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	stamp := event.Stamp{Cause: event.Cause{Trace: 0xabc, At: at}, At: at.Add(1234567 * time.Nanosecond)}
	if got := written(sample{Stamp: stamp}); !strings.HasSuffix(got, `,"trace":"0000000000000abc","elapsed_us":1234}`+"\n") {
		t.Errorf("got %s", got)
	}
	stamp.Cause.Trace = 0
	if got := written(sample{Stamp: stamp}); strings.Contains(got, "trace") || strings.Contains(got, "elapsed_us") {
		t.Errorf("an event without a cause bears a trace: %s", got)
	}
}

func TestLevel(t *testing.T) {
	levels := []event.Level{event.Debug, event.Info, event.Warn, event.Error}
	for _, level := range levels {
		var b bytes.Buffer
		logger := NewLogger(&b, level)
		for _, l := range levels {
			logger.Write(sample{level: l})
		}
		if got, want := strings.Count(b.String(), "\n"), len(levels)-int(level); got != want {
			t.Errorf("level %s: %d lines, want %d", level, got, want)
		}
		if !strings.HasPrefix(b.String(), `{"ts":"0001-01-01T00:00:00.000000000Z","level":"`+level.String()) {
			t.Errorf("level %s: the first line is %s", level, b.String())
		}
	}
}

// fussy refuses lines while err is set.
type fussy struct {
	bytes.Buffer
	err error
}

func (f *fussy) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.Buffer.Write(p)
}

// TestRefusedLines requires that refused lines are reported once when the writer accepts lines
// again, even at level error.
func TestRefusedLines(t *testing.T) {
	w := &fussy{err: errors.New("disk full")}
	logger := NewLogger(w, event.Error)
	logger.Write(sample{level: event.Error})
	logger.Write(sample{level: event.Error})
	w.err = nil
	logger.Write(sample{level: event.Error})
	logger.Write(sample{level: event.Error})
	lines := strings.Split(strings.TrimSpace(w.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3:\n%s", len(lines), w.String())
	}
	want := `{"ts":"0001-01-01T00:00:00.000000000Z","level":"warn","event":"log.lost",` +
		`"msg":"2 events are missing here: the log could not be written: disk full",` +
		`"count":2,"reason":"the log could not be written: disk full"}`
	if lines[0] != want {
		t.Errorf("\n got %s\nwant %s", lines[0], want)
	}
}
