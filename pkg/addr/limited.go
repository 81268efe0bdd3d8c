package addr

import (
	"slices"
	"time"
)

// limited counts what other programs may cause again and again, and lets only the
// first few in restoredWithin be reported, and each later one with how many were not.
type limited struct {
	reported []time.Time
	count    int // since the last that was reported
}

const (
	restoredWithin = time.Minute
	restoredMost   = 5
)

// take counts one more and returns how many there were since the last report; report
// is false if this one is not to be reported.
func (l *limited) take(now time.Time) (count int, report bool) {
	l.count++
	l.reported = slices.DeleteFunc(l.reported, func(t time.Time) bool { return now.Sub(t) >= restoredWithin })
	if len(l.reported) >= restoredMost {
		return l.count, false
	}
	l.reported = append(l.reported, now)
	count, l.count = l.count, 0
	return count, true
}
