package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
)

// numbered is an event with a number, which shows order and losses.
func numbered(i int) event.Event {
	return sample{Stamp: event.Stamp{At: time.Now()}, level: event.Info, fields: []event.Field{{Key: "n", Value: i}}}
}

// running starts a Log that writes to out, and returns a function that ends it.
func running(t *testing.T, topic *bus.Topic[event.Event], out *bytes.Buffer) (stop func()) {
	t.Helper()
	return start(t, NewLog(topic, NewLogger(out, event.Info)))
}

func start(t *testing.T, l *Log) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestRunWritesAsItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var topic bus.Topic[event.Event]
		var out bytes.Buffer
		stop := running(t, &topic, &out)
		for i := range 3 {
			topic.Publish(numbered(i))
			synctest.Wait()
			if got, want := strings.Count(out.String(), "\n"), i+1; got != want {
				t.Fatalf("%d lines after %d events", got, want)
			}
		}
		stop()
	})
}

// TestNothingIsMissed requires the events from before Run, and those in the backlog when ctx ended,
// in the order of publication.
func TestNothingIsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var topic bus.Topic[event.Event]
		var out bytes.Buffer
		l := NewLog(&topic, NewLogger(&out, event.Info))
		for i := range 500 {
			topic.Publish(numbered(i))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Run(ctx); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 500 {
			t.Fatalf("%d lines, want 500", len(lines))
		}
		for i, line := range lines {
			if !strings.HasSuffix(line, fmt.Sprintf(`"n":%d}`, i)) {
				t.Fatalf("line %d is %s", i, line)
			}
		}
	})
}

// TestLosses: a full backlog is not a loss; one event more is one, which is reported before the
// remaining events, although the level would hide a warning.
func TestLosses(t *testing.T) {
	for _, extra := range []int{0, 1, 7} {
		synctest.Test(t, func(t *testing.T) {
			var topic bus.Topic[event.Event]
			var out bytes.Buffer
			l := NewLog(&topic, NewLogger(&out, event.Error))
			for range backlog + extra {
				topic.Publish(sample{level: event.Error})
			}
			start(t, l)()
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			want := backlog
			if extra > 0 {
				want++
				want := fmt.Sprintf(`{"ts":"2000-01-01T00:00:00.000000000Z","level":"warn","event":"log.lost",`+
					`"msg":"%d events are missing here: events came faster than they could be written","count":%d,`+
					`"reason":"events came faster than they could be written"}`, extra, extra)
				if lines[0] != want {
					t.Errorf("\n got %s\nwant %s", lines[0], want)
				}
			}
			if len(lines) != want {
				t.Errorf("%d lines, want %d", len(lines), want)
			}
		})
	}
}
