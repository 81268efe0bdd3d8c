package telemetry

import (
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

	mu     sync.Mutex
	blocks []*block
	first  uint64 // the number of the first line
	lines  int
	bytes  int
	more   chan struct{} // closed when there is a new line
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
	if n := len(h.blocks); n == 0 || !h.blocks[n-1].takes(line) {
		h.blocks = append(h.blocks, &block{})
	}
	h.blocks[len(h.blocks)-1].add(time.Now(), line)
	h.lines++
	h.bytes += len(line)
	for oldest := h.blocks[0]; h.lines-len(oldest.at) >= maxLines || h.bytes > maxBytes; oldest = h.blocks[0] {
		h.lines -= len(oldest.at)
		h.bytes -= oldest.size
		h.first += uint64(len(oldest.at))
		h.blocks[0] = nil // the array may live on
		h.blocks = h.blocks[1:]
	}
	close(h.more)
	h.more = make(chan struct{})
	return len(line), nil
}

// Since returns the number of the first line that was written at t or later.
func (h *History) Since(t time.Time) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.first
	for _, b := range h.blocks {
		for _, at := range b.at {
			if at >= t.UnixNano() {
				return n
			}
			n++
		}
	}
	return n
}

// From returns at most limit lines from number n on, and the number of the first of them, which is
// greater than n if older ones are not kept any more. more is closed when there is a line after the
// newest one.
func (h *History) From(n uint64, limit int) (first uint64, lines [][]byte, more <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first = min(max(n, h.first), h.first+uint64(h.lines))
	skip := int(first - h.first)
	for _, b := range h.blocks {
		if len(lines) == limit {
			break
		}
		if skip < len(b.at) {
			kept := b.lines()[skip:]
			lines = append(lines, kept[:min(len(kept), limit-len(lines))]...)
		}
		skip = max(skip-len(b.at), 0)
	}
	return first, lines, h.more
}

// Pack compresses the lines except the newest ones, to about a tenth. That takes some milliseconds
// and much garbage, so it is left to a quiet moment.
func (h *History) Pack() {
	h.mu.Lock()
	defer h.mu.Unlock()
	var p packer
	for _, b := range h.blocks[:max(len(h.blocks)-1, 0)] {
		b.pack(&p)
	}
}
