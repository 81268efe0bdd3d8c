package monitor

import (
	"fmt"
	"time"
)

const (
	// share is the inverse of the part of a core that asking may cost, and of the time for which a
	// question may wait for the kernel's RTNL lock.
	share = 100
	// maxOutlier limits the weight of one question, as a multiple of the average: a program that
	// held the lock once for long must not make us ask less often.
	maxOutlier = 4
	// negligible is the cost up to which a question counts as usual.
	negligible = 25 * time.Microsecond
	// averageOver is the number of questions over which the average is taken.
	averageOver = 16
	// longerAfter and shorterAfter are the times for which a longer, or a shorter, period must have
	// lasted before it is logged: a machine that is slow now and then causes one line, and another
	// when it is no longer slow.
	longerAfter, shorterAfter = 5 * time.Second, 30 * time.Second
)

// costs measures the cost of one goroutine's questions, and stretches their periods if that exceeds
// its share.
type costs struct {
	average map[uint64]time.Duration // the average cost of one question, by Device.ID
	longest time.Duration            // the longest period after stretching
}

func newCosts(longest time.Duration) costs {
	return costs{average: make(map[uint64]time.Duration), longest: longest}
}

// record adds the cost of a question to the average.
func (c *costs) record(id uint64, d time.Duration) {
	was := c.average[id]
	d = min(d, maxOutlier*max(was, negligible))
	c.average[id] = was + (d-was)/averageOver
}

// retain drops the averages of devices that are not asked any more.
func (c *costs) retain(asked func(id uint64) bool) {
	for id := range c.average {
		if !asked(id) {
			delete(c.average, id)
		}
	}
}

// load returns the part of the time that a question at this period takes, in shares: above 1 is too
// much.
func (c *costs) load(id uint64, every time.Duration) float64 {
	return float64(c.average[id]) * share / float64(every)
}

// stretch returns the period of a question, given the load of all questions together.
func (c *costs) stretch(every time.Duration, load float64) time.Duration {
	if load <= 1 {
		return every
	}
	return max(every, min(time.Duration(float64(every)*load), c.longest))
}

// reportedPeriod is the period that was last logged. A load near the share makes the period vary,
// so a period is logged only when it has lasted.
type reportedPeriod struct {
	period time.Duration
	since  time.Time // when another period took effect; zero if none did
	longer bool      // that period is longer
}

// update records the period in effect. It reports whether to log it: whether it has differed long
// enough, by a factor of two, from the one last logged, or is back at about the configured one.
func (r *reportedPeriod) update(at time.Time, now, configured time.Duration) bool {
	differs, longer := now >= 2*r.period || now <= r.period/2, now > r.period
	if nearly(now, configured) {
		differs, now = r.period != configured, configured
	}
	if !differs {
		r.since = time.Time{}
		return false
	}
	if r.since.IsZero() || longer != r.longer {
		r.since, r.longer = at, longer
	}
	lasting := shorterAfter
	if longer {
		lasting = longerAfter
	}
	lasting = max(lasting, averageOver*now) // the average is still approaching its value
	if at.Sub(r.since) < lasting {
		return false
	}
	*r = reportedPeriod{period: now}
	return true
}

// nearly reports whether a period is so close to the configured one that it does not count as
// stretched.
func nearly(now, configured time.Duration) bool { return now <= configured+configured/4 }

// whyPeriod returns the reason for a period.
func whyPeriod(configured, now, cost time.Duration) string {
	if nearly(now, configured) {
		return "asking is cheap again"
	}
	return fmt.Sprintf("one question takes %v: at %v that would be more than 1 %% of a core, or of the time for which the kernel's RTNL lock is free",
		cost.Round(time.Microsecond), configured)
}
