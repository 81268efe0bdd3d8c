package telemetry

import (
	"bytes"
	"context"
	"sync"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
)

// These limit the part of the log that is kept in memory.
const (
	maxLines = 10_000
	maxBytes = 8 << 20
	// maxLine is longer than any line except the status of many instances, which is not kept.
	maxLine = 64 << 10
)

// History keeps the newest lines of the log, those of level info and above, whatever the log's own
// level is and whether or not the log is read. Its lines are numbered. It may be read from any
// goroutine.
type History struct {
	log *Log

	mu    sync.Mutex
	lines []keptLine
	first uint64 // the number of the first line
	bytes int
	more  chan struct{} // closed when there is a new line
}

// keptLine is a line with the time when it was written. Its text is never changed.
type keptLine struct {
	at   time.Time
	text []byte
}

// NewHistory subscribes to topic at once. It starts nothing.
func NewHistory(topic *bus.Topic[event.Event]) *History {
	h := &History{more: make(chan struct{})}
	h.log = NewLog(topic, NewLogger(h, event.Info))
	return h
}

// Run keeps the published events until ctx ends.
func (h *History) Run(ctx context.Context) error { return h.log.Run(ctx) }

// Write adds a line. Only the logger calls it.
func (h *History) Write(line []byte) (int, error) {
	if len(line) > maxLine {
		return len(line), nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, keptLine{time.Now(), bytes.Clone(line)})
	h.bytes += len(line)
	for len(h.lines) > maxLines || h.bytes > maxBytes {
		h.bytes -= len(h.lines[0].text)
		h.lines[0].text = nil // the array may live on
		h.lines = h.lines[1:]
		h.first++
	}
	close(h.more)
	h.more = make(chan struct{})
	return len(line), nil
}

// Since returns the number of the first line that was written at t or later.
func (h *History) Since(t time.Time) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, l := range h.lines {
		if !l.at.Before(t) {
			return h.first + uint64(i)
		}
	}
	return h.first + uint64(len(h.lines))
}

// From returns at most limit lines from number n on, and the number of the first of them, which is
// greater than n if older ones are not kept any more. more is closed when there is a line after the
// newest one.
func (h *History) From(n uint64, limit int) (first uint64, lines [][]byte, more <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first = min(max(n, h.first), h.first+uint64(len(h.lines)))
	kept := h.lines[first-h.first:]
	for _, l := range kept[:min(len(kept), limit)] {
		lines = append(lines, l.text)
	}
	return first, lines, h.more
}
