package monitor

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/hint"
	"ripcord/pkg/link"
)

// Hints are the kernel's own reports of changes of its carrier flags, or why there are none.
type Hints struct {
	Source     hintSource // nil if there are none
	Attachment string     // how the programs are attached
	Why        string     // why there are none; empty if none were wanted
}

// hintSource is the hint.Source in use. The monitor closes it.
type hintSource interface {
	Next() (hint.Record, error)
	Pending() bool
	Attachments() []*os.File
	Close() error
}

// known returns the part of the hints that the table needs.
func (h Hints) known() link.Hints { return link.Hints{Attachment: h.Attachment, Why: h.Why} }

// report logs once whether there are hints, unless none were wanted.
func (h Hints) report(events *bus.Topic[event.Event]) {
	if h.Attachment != "" || h.Why != "" {
		events.Publish(event.LinkHints{Stamp: event.Stamp{At: time.Now()}, Attachment: h.Attachment, Why: h.Why})
	}
}

// hintReader passes the kernel's records to the table.
type hintReader struct {
	observer *observer
	source   hintSource
	reads    atomic.Bool // there is a source
	busy     atomic.Bool // a record has been read and not observed yet
}

// run waits for the hints to be opened, and reads them until ctx ends.
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
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = h.source.Close() // the kernel may take 0.3 s
	})
	for {
		record, err := h.source.Next()
		if err != nil { // ctx has ended: it fails for no other reason
			<-closed
			return
		}
		h.busy.Store(true)
		h.observer.observe(link.Hinted{Record: record}, record.At)
		h.busy.Store(false)
	}
}

// settle waits, for some milliseconds at most, until the records that the kernel has made so far
// are observed. So one line of the log contains everything that a question has shown about a link.
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
