package link

import (
	"time"

	"ripcord/pkg/event"
)

// debounce holds back a loss or a return of one link until it has lasted. A
// successor of the same name begins as not usable, so that its coming is a
// return, and has to last as well.
type debounce struct {
	raw    bool         // the state that all sources report now
	due    time.Time    // when raw takes effect; zero if it has
	source event.Source // the source that first reported raw
}

// update takes in the state that all sources report. It returns the debounced state and the
// source that first reported it; usable is the debounced state before, and delay returns for
// how long a change is held back.
func (d *debounce) update(raw, usable bool, source event.Source, at time.Time, delay func(usable bool) time.Duration) (bool, event.Source) {
	d.raw = raw
	if raw == usable {
		d.due = time.Time{}
		return usable, source
	}
	if d.due.IsZero() {
		d.due, d.source = at.Add(delay(usable)), source
	}
	if at.Before(d.due) {
		return usable, source
	}
	d.due = time.Time{}
	return raw, d.source
}

// holds reports whether a loss or a return is held back.
func (d *debounce) holds() bool { return !d.due.IsZero() }

// cancel lets no change be held back any more: the link begins anew under another name.
func (d *debounce) cancel() { d.due = time.Time{} }
