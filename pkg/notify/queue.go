package notify

import "time"

const (
	// Stale is the least time for which a transition waits before it may be left out.
	Stale = 5 * time.Second
	// maxQueued is how many transitions of one name wait at most; the oldest beyond it are left out.
	maxQueued = 64
)

// entry is a transition that waits for its commands.
type entry struct {
	transition Transition
	commands   []queued
	since      time.Time
	merged     int // transitions that were left out before it
}

// queue holds the transitions of one name that wait, in their order. It is a value and
// knows no clock.
type queue struct{ entries []entry }

// push adds a transition.
func (q *queue) push(e entry) {
	q.entries = append(q.entries, e)
	if len(q.entries) > maxQueued {
		q.merge()
	}
}

// next takes the transition whose commands run next. All that waited since before stale,
// and were followed by another one, are left out.
func (q *queue) next(stale time.Time) (e entry, ok bool) {
	for len(q.entries) > 1 && q.entries[0].since.Before(stale) {
		q.merge()
	}
	if len(q.entries) == 0 {
		return e, false
	}
	e = q.entries[0]
	q.entries = append(q.entries[:0:0], q.entries[1:]...)
	return e, true
}

// merge leaves the oldest transition out. The one after it is then a transition from the
// state from which that one was.
func (q *queue) merge() {
	first, second := &q.entries[0], &q.entries[1]
	second.transition.From = first.transition.From
	second.merged += first.merged + 1
	q.entries = q.entries[1:]
}
