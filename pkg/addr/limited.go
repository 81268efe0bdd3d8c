package addr

import (
	"slices"
	"time"
)

// limited counts events that other programs may cause repeatedly. Within restoredWithin it reports
// only the first few, and each later report contains the number of unreported ones.
type limited struct {
	reported []time.Time
	count    int // since the last report
}

const (
	restoredWithin = time.Minute
	maxRestored    = 5
)

// take counts one more event and returns the number since the last report; report is false if this
// one is not to be reported.
func (l *limited) take(now time.Time) (count int, report bool) {
	l.count++
	l.reported = slices.DeleteFunc(l.reported, func(t time.Time) bool { return now.Sub(t) >= restoredWithin })
	if len(l.reported) >= maxRestored {
		return l.count, false
	}
	l.reported = append(l.reported, now)
	count, l.count = l.count, 0
	return count, true
}
