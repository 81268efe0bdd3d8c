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

// news reports whether a period differs so much from the one told last that a
// person wants to know: twice, half, or back to what is configured.
func news(told, now, configured time.Duration) bool {
	if now == configured {
		return told != configured
	}
	return now >= 2*told || now <= told/2
}

// because says why a period is as it is.
func because(configured, now, cost time.Duration) string {
	if now == configured {
		return "asking is cheap again"
	}
	return fmt.Sprintf("one question takes %v: at %v that would be more than 1 %% of a core, or of the time for which the kernel's RTNL lock is free",
		cost.Round(time.Microsecond), configured)
}
