package vrrp

import (
	"time"

	"ripcord/pkg/wire"
)

// The bounds that docs/architecture.md#decisions gives in words.
const (
	verifyLead       = 5 * time.Millisecond   // how long before the deadline the verifiers are asked, at most
	verifyPatience   = 100 * time.Millisecond // how long a missing answer is waited for, at most
	faultRetry       = 10 * time.Second       // after which a fault of our own making is tried again
	askFirst         = 100 * time.Millisecond // until stations are asked again that did not answer; doubled each time
	askMost          = 500 * time.Millisecond // but not longer
	outOfStep        = time.Hour              // how long two addresses count as two routers
	reannounceSpaced = time.Second            // the least time between two announcements because of rivals
)

// SkewTime is ((256 - priority) * interval) / 256 (RFC 9568 §6.1), in
// nanoseconds, so that Backups of different priority differ at any interval.
func SkewTime(priority uint8, interval time.Duration) time.Duration {
	return time.Duration(256-int64(priority)) * interval / 256
}

// ActiveDownInterval is miss * interval + SkewTime (RFC 9568 §6.1, where miss
// is 3).
func ActiveDownInterval(priority uint8, interval time.Duration, miss int) time.Duration {
	return time.Duration(miss)*interval + SkewTime(priority, interval)
}

// SkewTime returns that of a member whose Active advertises each interval. In
// VRRPv2 it is (256 - priority) / 256 seconds whatever the interval (RFC 3768
// §6.1).
func (m *member) SkewTime(interval time.Duration) time.Duration {
	if m.Version == wire.V2 {
		interval = time.Second
	}
	return SkewTime(m.Priority, interval)
}

// ActiveDownInterval returns that of a member whose Active advertises each
// interval; in VRRPv2 it is the Master_Down_Interval (RFC 3768 §6.1).
func (m *member) ActiveDownInterval(interval time.Duration) time.Duration {
	return time.Duration(m.Miss)*interval + m.SkewTime(interval)
}
