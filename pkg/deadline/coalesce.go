package deadline

import "time"

// Coalesce returns when something should wake next that is to wake at least once in each period. All
// callers wake at the same instants, because a wake-up of an idle process costs more than the work
// that follows: at whole seconds of the clock, or if the period is shorter, at its multiples in each
// second.
func Coalesce(now time.Time, period time.Duration) time.Time {
	at := now.Add(period)
	return at.Add(-(time.Duration(at.Nanosecond()) % min(period, time.Second)))
}
