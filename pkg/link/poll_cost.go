package link

import (
	"fmt"
	"time"
)

const (
	// share is the part of a core that asking may cost, and of the time that a
	// question may wait for the kernel's RTNL lock: one in so many.
	share = 100
	// burst bounds how much dearer than what is usual one question may count:
	// whoever held the lock once for long must not make us look away.
	burst = 4
	// cheapest is what counts as nothing.
	cheapest = 25 * time.Microsecond
	// gentle is how many questions the average looks back upon.
	gentle = 16
	// worseFor and betterFor are how long a longer, a shorter period must have
	// lasted before it is told: a machine that is slow now and then gives one
	// line, and one when that is over.
	worseFor, betterFor = 5 * time.Second, 30 * time.Second
)

// pace measures what the questions of one goroutine cost, and stretches their
// periods where that is more than its share.
type pace struct {
	costs   map[uint64]time.Duration // by birth: the average of a question
	longest time.Duration            // to which a period may be stretched, if it is shorter
}

func newPace(longest time.Duration) *pace {
	return &pace{costs: make(map[uint64]time.Duration), longest: longest}
}

// took notes what a question cost.
func (p *pace) took(birth uint64, d time.Duration) {
	was := p.costs[birth]
	d = min(d, burst*max(was, cheapest))
	p.costs[birth] = was + (d-was)/gentle
}

// forget drops who is not asked any more.
func (p *pace) forget(asked func(birth uint64) bool) {
	for birth := range p.costs {
		if !asked(birth) {
			delete(p.costs, birth)
		}
	}
}

// load is the part of the time that a question at this period takes, in shares:
// above 1 is too much.
func (p *pace) load(birth uint64, every time.Duration) float64 {
	return float64(p.costs[birth]) * share / float64(every)
}

// stretch returns the period for a target where all take the load together.
func (p *pace) stretch(every time.Duration, load float64) time.Duration {
	if load <= 1 {
		return every
	}
	return max(every, min(time.Duration(float64(every)*load), p.longest))
}

// telling is what a person was told of a period. A load that is only near the
// share makes the period waver: what is told has lasted.
type telling struct {
	period time.Duration // told last
	since  time.Time     // when it ceased to be so; zero: it still is
	longer bool          // it is longer than told since then
}

// news reports whether a period differs so much from the one told last that a
// person wants to know, and has for long enough: twice, half, or back to about
// what is configured.
func (t *telling) news(at time.Time, now, configured time.Duration) bool {
	differs, longer := now >= 2*t.period || now <= t.period/2, now > t.period
	if about(now, configured) {
		differs, now = t.period != configured, configured
	}
	if !differs {
		t.since = time.Time{}
		return false
	}
	if t.since.IsZero() || longer != t.longer {
		t.since, t.longer = at, longer
	}
	lasting := betterFor
	if longer {
		lasting = worseFor
	}
	lasting = max(lasting, gentle*now) // the average is still on its way
	if at.Sub(t.since) < lasting {
		return false
	}
	*t = telling{period: now}
	return true
}

// about reports whether a period is so near to the configured one that nobody
// would call it stretched.
func about(now, configured time.Duration) bool { return now <= configured+configured/4 }

// because says why a period is as it is.
func because(configured, now, cost time.Duration) string {
	if about(now, configured) {
		return "asking is cheap again"
	}
	return fmt.Sprintf("one question takes %v: at %v that would be more than 1 %% of a core, or of the time for which the kernel's RTNL lock is free",
		cost.Round(time.Microsecond), configured)
}
