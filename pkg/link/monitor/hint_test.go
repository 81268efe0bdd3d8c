package monitor

import (
	"os"
	"sync"
	"testing"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/hint"
)

// fakeHints is a source of records made by a test.
type fakeHints struct {
	records chan hint.Record
	closed  chan struct{}
	once    sync.Once
}

func newFakeHints() *fakeHints {
	return &fakeHints{records: make(chan hint.Record, 8), closed: make(chan struct{})}
}

func (h *fakeHints) Next() (hint.Record, error) {
	select {
	case r := <-h.records:
		return r, nil
	case <-h.closed:
		return hint.Record{}, os.ErrClosed
	}
}

func (h *fakeHints) Pending() bool { return len(h.records) > 0 }

func (h *fakeHints) Attachments() []*os.File { return nil }

func (h *fakeHints) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// opened delivers hints at once.
func opened(h Hints) <-chan Hints {
	c := make(chan Hints, 1)
	c <- h
	return c
}

// hinted makes the kernel report something about a link.
func (h *fakeHints) hinted(index int, kind hint.Kind) {
	h.records <- hint.Record{Index: index, Kind: kind, At: time.Now()}
}

// TestHint requires that a link whose losses come with hints is asked once a second, and at once
// after a hint.
func TestHint(t *testing.T) {
	var source *fakeHints
	onBench(t, func(b *bench) {
		source.hinted(2, hint.Flagged)
		b.monitor.Engage([]string{"eth0"})
		time.Sleep(time.Second)
		b.took("eth0")
		time.Sleep(10 * time.Second)
		if n := b.took("eth0"); n != 10 {
			t.Errorf("asked %d times in 10 s, want once a second", n)
		}
		time.Sleep(100 * time.Millisecond)
		b.carry("eth0", false)
		source.hinted(2, hint.Changed)
		b.expect("eth0[2] out -1\nlink.down eth0 by confirm\n")
		b.carry("eth0", true)
		source.hinted(2, hint.Changed)
		b.expect("eth0[2] up\nlink.up eth0 by confirm\n")
		b.took("eth0")
		source.hinted(3, hint.Changed)
		time.Sleep(100 * time.Millisecond)
		if n := b.took("eth0"); n != 0 {
			t.Errorf("asked %d times after a hint about another link", n)
		}
	}, func(c *Config, _ *fake) {
		source = newFakeHints()
		c.Hints = opened(Hints{Source: source, Attachment: "fentry"})
		c.Default.Poll, c.Default.Hint = time.Second, true
	})
}

// TestHintsOpenedLater requires that links are asked as if there were no hints until these are
// opened.
func TestHintsOpenedLater(t *testing.T) {
	var source *fakeHints
	var later chan Hints
	onBench(t, func(b *bench) {
		b.monitor.Engage([]string{"eth0"})
		time.Sleep(time.Second)
		if n := b.took("eth0"); n < 90 {
			t.Errorf("asked %d times in a second without hints", n)
		}
		later <- Hints{Source: source, Attachment: "fentry"}
		source.hinted(2, hint.Flagged)
		time.Sleep(time.Second)
		b.took("eth0")
		time.Sleep(10 * time.Second)
		if n := b.took("eth0"); n != 10 {
			t.Errorf("asked %d times in 10 s with hints, want once a second", n)
		}
		b.carry("eth0", false)
		source.hinted(2, hint.Changed)
		b.expect("eth0[2] out -1\nlink.down eth0 by confirm\n")
	}, func(c *Config, _ *fake) {
		source, later = newFakeHints(), make(chan Hints)
		c.Hints = later
		c.Default.Poll, c.Default.Hint = time.Second, true
	})
}

// TestHintReport requires one log line about hints, and none if they were not wanted.
func TestHintReport(t *testing.T) {
	for _, tt := range []struct {
		hints Hints
		want  int
	}{
		{Hints{Attachment: "fentry"}, 1}, {Hints{Why: "operation not permitted"}, 1}, {Hints{}, 0},
	} {
		var log *bus.Ring[event.Event]
		onBench(t, func(b *bench) { time.Sleep(time.Second) }, func(c *Config, _ *fake) {
			c.Hints = opened(tt.hints)
			log = bus.SubscribeRing(c.Events, bus.NewBell(), 100)
		})
		all, _ := log.Take()
		var said []string
		for _, e := range all {
			if e.Name() == "link.hints" {
				said = append(said, e.Message())
			}
		}
		if len(said) != tt.want {
			t.Errorf("%+v: the log says %q, want %d lines", tt.hints, said, tt.want)
		}
	}
}
