package notify

import "time"

const (
	// Stale is the least time for which a transition waits before it may be omitted.
	Stale = 5 * time.Second
	// maxQueued is the number of transitions of one name that wait; the oldest beyond it are
	// omitted.
	maxQueued = 64
)

// entry is a transition that waits for its commands.
type entry struct {
	transition Transition
	commands   []queued
	since      time.Time
	merged     int // transitions that were omitted before it
}

// queue holds the waiting transitions of one name, in their order. It is a value and has no clock.
type queue struct{ entries []entry }

// push adds a transition.
func (q *queue) push(e entry) {
	q.entries = append(q.entries, e)
	if len(q.entries) > maxQueued {
		q.merge()
	}
}

// next removes and returns the transition whose commands run next. It omits those that have waited
// since before stale and were followed by another one.
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

// merge omits the oldest transition. The next one then starts from the state from which the omitted
// one started.
func (q *queue) merge() {
	first, second := &q.entries[0], &q.entries[1]
	second.transition.From = first.transition.From
	second.merged += first.merged + 1
	q.entries = q.entries[1:]
}
