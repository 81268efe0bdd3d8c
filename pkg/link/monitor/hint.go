package monitor

import (
	"context"
	"sync/atomic"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/hint"
	"ripcord/pkg/link"
)

// Hints are the kernel's own reports of changes of its carrier flags, or why there are none.
type Hints struct {
	Source hintSource // nil: there are none
	Way    string     // how the programs are attached
	Why    string     // why there are none; empty if none were wanted
}

// hintSource is a hint.Source. The monitor closes it.
type hintSource interface {
	Next() (hint.Record, error)
	Pending() bool
	Close() error
}

// known returns the hints for the table.
func (h Hints) known() link.Hints { return link.Hints{Way: h.Way, Why: h.Why} }

// report logs once whether there are hints, unless none were wanted.
func (h Hints) report(events *bus.Topic[event.Event]) {
	if h.Way != "" || h.Why != "" {
		events.Publish(event.LinkHints{Stamp: event.Stamp{At: time.Now()}, Way: h.Way, Why: h.Why})
	}
}

// hintReader hands the records of the kernel to the table.
type hintReader struct {
	observer *observer
	source   hintSource
	reads    atomic.Bool // there is a source
	busy     atomic.Bool // a record has been read and is not observed yet
}

// run waits until it is known whether there are hints, and reads them until ctx ends.
func (h *hintReader) run(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case opened := <-h.observer.cfg.Hints:
		h.observer.observe(link.HintsOpened{Hints: opened.known()}, time.Now())
		opened.report(h.observer.cfg.Events)
		h.source = opened.Source
	}
	if h.source == nil {
		return
	}
	h.reads.Store(true)
	stop := context.AfterFunc(ctx, func() { _ = h.source.Close() })
	defer stop()
	for {
		record, err := h.source.Next()
		if err != nil {
			return // closed: it fails for no other reason
		}
		h.busy.Store(true)
		h.observer.observe(link.Hinted{Record: record}, record.At)
		h.busy.Store(false)
	}
}

// settle waits, for some milliseconds at most, until the records that the kernel has made so far are
// observed: then one line of the log has all that a question has shown of a link.
func (h *hintReader) settle() {
	if !h.reads.Load() {
		return
	}
	for range 50 {
		if !h.source.Pending() && !h.busy.Load() {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
}
