// Package deadline orders things by the instant at which they are due: Earliest finds
// the first of some instants, Queue holds items that each have one.
package deadline

import "time"

// Earliest is the earliest of the instants that were added to it. The zero value has
// none.
type Earliest struct{ at time.Time }

// Add takes an instant into account; the zero time stands for never.
func (e *Earliest) Add(at time.Time) {
	if !at.IsZero() && (e.at.IsZero() || at.Before(e.at)) {
		e.at = at
	}
}

// AddIf takes an instant into account if ok, as it comes from a Deadline method.
func (e *Earliest) AddIf(at time.Time, ok bool) {
	if ok {
		e.Add(at)
	}
}

// Get returns the earliest instant; false if there is none.
func (e *Earliest) Get() (time.Time, bool) { return e.at, !e.at.IsZero() }
