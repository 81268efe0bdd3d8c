// Package deadline orders items by the instant at which they are due: Earliest finds the first of
// some instants, Queue holds items with an instant each, and Coalesce lets periodic work share its
// wake-ups.
package deadline

import "time"

// Earliest is the earliest of the instants that were added to it. The zero value has none.
type Earliest struct{ at time.Time }

// Add adds an instant; the zero time means never.
func (e *Earliest) Add(at time.Time) {
	if !at.IsZero() && (e.at.IsZero() || at.Before(e.at)) {
		e.at = at
	}
}

// AddIf adds an instant if ok is true. It accepts the results of a Deadline method.
func (e *Earliest) AddIf(at time.Time, ok bool) {
	if ok {
		e.Add(at)
	}
}

// Get returns the earliest instant; false if there is none.
func (e *Earliest) Get() (time.Time, bool) { return e.at, !e.at.IsZero() }
