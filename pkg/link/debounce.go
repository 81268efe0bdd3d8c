package link

import (
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
)

// debounce holds back a loss or a return of one link until it has lasted. A
// successor of the same name begins as not usable, so that its coming is a
// return, and has to last as well.
type debounce struct {
	raw    bool         // what all sources say now
	due    time.Time    // when that counts; zero if it does
	source event.Source // who said so first
	losses int          // that have not been told yet
}

// countLosses adds the losses implied by a transition of raw, and those that the kernel
// counted and nobody saw.
func (e *entry) countLosses(raw bool, losses int, at time.Time) {
	d := &e.debounce
	switch {
	case d.raw && !raw:
		if losses == 0 {
			e.tally.seen(at)
		}
		d.losses += max(losses, 1)
	case d.raw:
		d.losses += losses
	}
	d.raw = raw
}

// debounced returns the link's state after up_delay and down_delay.
func (t *Table) debounced(e *entry) (usable bool) {
	d, was := &e.debounce, e.fact.Usable
	if d.raw == was {
		d.due = time.Time{}
		delete(t.delayed, e)
		return was
	}
	if d.due.IsZero() {
		s := t.settingsOf(e)
		delay := s.UpDelay
		if was {
			delay = s.DownDelay
		}
		d.due, d.source = t.at.Add(delay), t.source
	}
	if t.started && t.at.Before(d.due) {
		if !t.delayed[e] {
			t.delayed[e] = true
			t.holds++
		}
		return was
	}
	d.due = time.Time{}
	delete(t.delayed, e)
	t.source = d.source
	return d.raw
}

// told returns the losses to tell of. Those shorter than the delay are told as
// a flap when they are over, so that the hosts learn again where we are.
func (e *entry) told() int {
	d := &e.debounce
	losses := d.losses
	if !d.due.IsZero() && e.fact.Usable {
		return 0
	}
	d.losses = 0
	if !e.fact.Usable {
		return 0
	}
	return losses
}

// Holds changes whenever Deadline may have come nearer.
func (t *Table) Holds() uint64 { return t.holds }

// Deadline is when something that is held back will count; false if nothing is.
// Observe Elapsed then.
func (t *Table) Deadline() (time.Time, bool) {
	var next deadline.Earliest
	for e := range t.delayed {
		next.Add(e.debounce.due)
	}
	for _, a := range t.unsettled {
		next.Add(a.due)
	}
	return next.Get()
}

// elapse judges the links of which something has lasted, and chooses the sources
// of those whose addresses have come to rest.
func (t *Table) elapse() {
	var due []*entry
	for e := range t.delayed {
		if !t.at.Before(e.debounce.due) {
			due = insert(due, e)
		}
	}
	for _, e := range due {
		t.settle(e, 0)
	}
	for _, index := range sortedKeys(t.unsettled) {
		if a := t.unsettled[index]; a != nil && !t.at.Before(a.due) {
			t.choose(a)
		}
	}
}
