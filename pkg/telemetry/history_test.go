package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
)

// TestHistory requires that published events are kept as the log writes them, from level info on,
// and numbered, and that a reader learns that there is more.
func TestHistory(t *testing.T) {
	topic := &bus.Topic[event.Event]{}
	h := NewHistory(topic)
	_, lines, more := h.From(0, 10)
	if len(lines) != 0 {
		t.Fatalf("a new history has %d lines", len(lines))
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	topic.Publish(
		event.LinkResync{Stamp: event.Stamp{At: time.Now()}, Reason: "audit"}, // at debug
		event.ConfigLoaded{Stamp: event.Stamp{At: time.Now()}, File: "one"},
		event.ConfigLoaded{Stamp: event.Stamp{At: time.Now()}, File: "two"},
	)
	select {
	case <-more:
	case <-time.After(5 * time.Second):
		t.Fatal("the reader was not notified that there is more")
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	first, lines, _ := h.From(0, 10)
	if first != 0 || len(lines) != 2 || !strings.Contains(string(lines[1]), `"event":"config.loaded","msg":"loaded two`) {
		t.Errorf("from %d: %q", first, lines)
	}
	if _, lines, _ := h.From(1, 10); len(lines) != 1 {
		t.Errorf("from the second on there are %d", len(lines))
	}
	if _, lines, _ := h.From(0, 1); len(lines) != 1 || !strings.Contains(string(lines[0]), "one") {
		t.Errorf("the first alone is %q", lines)
	}
	if first, lines, _ := h.From(99, 10); first != 2 || len(lines) != 0 {
		t.Errorf("from beyond the end: %d, %q", first, lines)
	}
}

// TestHistoryIsBounded requires bounds in lines and in bytes: the oldest block of lines is dropped,
// which a reader sees by the number.
func TestHistoryIsBounded(t *testing.T) {
	for _, size := range []int{100, 32 << 10} {
		h := NewHistory(&bus.Topic[event.Event]{})
		for i := range 2 * maxLines {
			_, _ = h.Write([]byte(fmt.Sprintf("%*d\n", size, i)))
		}
		first, lines, _ := h.From(0, 2*maxLines)
		held := 0
		for _, l := range lines {
			held += len(l)
		}
		if size == 100 && (len(lines) < maxLines || len(lines) > maxLines+maxLine/size) || held > maxBytes || held != h.bytes || first != uint64(2*maxLines-len(lines)) {
			t.Errorf("%d lines of %d bytes from number %d", len(lines), held, first)
		}
		if last := strings.TrimSpace(string(lines[len(lines)-1])); last != fmt.Sprint(2*maxLines-1) {
			t.Errorf("the newest is %s", last)
		}
	}
}

// TestHistoryLeavesOutWhatIsLong: one document must not displace thousands of lines.
func TestHistoryLeavesOutWhatIsLong(t *testing.T) {
	h := NewHistory(&bus.Topic[event.Event]{})
	if n, err := h.Write(make([]byte, maxLine+1)); n != maxLine+1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, lines, _ := h.From(0, 10); len(lines) != 0 {
		t.Errorf("%d lines", len(lines))
	}
}

// TestPack requires that the lines and their times are the same before and after they are
// compressed, that this makes them shorter, and that lines can be added and dropped afterwards.
func TestPack(t *testing.T) {
	h := NewHistory(&bus.Topic[event.Event]{})
	write := func(from, to int) {
		for i := from; i < to; i++ {
			_, _ = h.Write([]byte(fmt.Sprintf(`{"ts":"2026-03-01T12:00:00Z","event":"instance.transition","msg":"line %d"}`+"\n", i)))
		}
	}
	write(0, 3000)
	_, before, _ := h.From(1, 2000)
	at := h.Since(time.Unix(0, h.blocks[0].at[700]))
	h.Pack()
	h.Pack()
	if b := h.blocks[0]; len(h.blocks) < 3 || !b.packed || len(b.text) > b.size/5 || h.blocks[len(h.blocks)-1].packed {
		t.Errorf("%d blocks, the first of %d bytes in %d", len(h.blocks), b.size, len(b.text))
	}
	if first, after, _ := h.From(1, 2000); first != 1 || !slices.EqualFunc(before, after, bytes.Equal) {
		t.Errorf("after Pack there are %d lines from number %d", len(after), first)
	}
	if got := h.Since(time.Unix(0, h.blocks[0].at[700])); got != at {
		t.Errorf("after Pack a line has number %d, before %d", got, at)
	}
	write(3000, 2*maxLines)
	first, lines, _ := h.From(0, 2*maxLines)
	if last := string(lines[len(lines)-1]); int(first)+len(lines) != 2*maxLines || first == 0 || !strings.Contains(last, fmt.Sprint("line ", 2*maxLines-1)) {
		t.Errorf("%d lines from number %d to %s", len(lines), first, last)
	}
}

// TestSince finds the first line that was written at an instant or later.
func TestSince(t *testing.T) {
	h := NewHistory(&bus.Topic[event.Event]{})
	began := time.Now()
	for range 3 {
		_, _ = h.Write([]byte("{}\n"))
	}
	if got := h.Since(began); got != 0 {
		t.Errorf("since before all: %d", got)
	}
	if got := h.Since(time.Now().Add(time.Second)); got != 3 {
		t.Errorf("since after all: %d", got)
	}
	if got := h.Since(time.Unix(0, h.blocks[0].at[1])); got != 1 {
		t.Errorf("since the second: %d", got)
	}
}
