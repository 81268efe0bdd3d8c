package link

import (
	"time"

	"ripcord/pkg/event"
)

// debounce delays a loss or a return of one link until it has lasted long enough. A new link of the
// same name begins as not usable, so its appearance is a return and has to last as well.
type debounce struct {
	raw    bool         // the state that all sources report now
	due    time.Time    // when raw takes effect; zero if it has
	source event.Source // the source that first reported raw
}

// update records the state that all sources report. It returns the debounced state and the source
// that first reported it. usable is the debounced state before, and delay returns how long a change
// is delayed.
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

// delays reports whether a loss or a return is being delayed.
func (d *debounce) delays() bool { return !d.due.IsZero() }

// cancel drops a delayed change: the link begins again under another name.
func (d *debounce) cancel() { d.due = time.Time{} }
