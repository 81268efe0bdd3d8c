package track

import (
	"math"
	"time"
)

// startSpread is the time over which the first runs of all checks are spread: instances wait for
// the first results.
const startSpread = time.Second

// Schedule computes when the runs of a check are due: once an interval, at its own phase, so that
// checks of equal interval do not start together. It is a value and has no clock.
type Schedule struct {
	interval time.Duration
	first    time.Time // when the first run is due
	slot     time.Time // of the phase; all other slots are whole intervals away
}

// NewSchedule returns the schedule of the nth check that is started. The phases are multiples of
// the golden ratio, which are spread evenly for any number of checks, and stay so when one is
// added.
func NewSchedule(now time.Time, interval time.Duration, n int) Schedule {
	_, phase := math.Modf(float64(n) / math.Phi)
	at := func(span time.Duration) time.Time { return now.Add(time.Duration(phase * float64(span))) }
	return Schedule{interval: interval, first: at(min(interval, startSpread)), slot: at(interval)}
}

// First returns when the first run is due.
func (s Schedule) First() time.Time { return s.first }

// Next returns the slot after a run that started at started and has ended by now, and how many
// slots passed unused because it took so long. There is at least half an interval between two
// starts.
func (s Schedule) Next(started, now time.Time) (due time.Time, skipped int) {
	due = s.after(started.Add(s.interval / 2))
	if due.Before(now) {
		later := s.after(now)
		skipped = int(later.Sub(due) / s.interval)
		due = later
	}
	return due, skipped
}

// after returns the first slot at or after an instant.
func (s Schedule) after(t time.Time) time.Time {
	n := (t.Sub(s.slot) + s.interval - 1) / s.interval
	if t.Before(s.slot) {
		n = -(s.slot.Sub(t) / s.interval)
	}
	return s.slot.Add(n * s.interval)
}
