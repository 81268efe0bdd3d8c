package sim

import "time"

// unrest is when a LAN was last disturbed, by the kinds of disturbances that what has to hold
// (Check) tells apart.
type unrest struct {
	// disturbed is when anything last changed that may move a group.
	disturbed time.Time
	// broken is when something was last done that may end the service: anything but
	// a change of a priority.
	broken   time.Time
	external external
	// late is until when frames that lay in a queue may arrive.
	late time.Time
	// readdressed is when the address of a port last changed.
	readdressed time.Time
}

// external is how often something was done to a LAN from outside, and not by a fence, and when
// it last was.
type external struct {
	count  uint64
	at     time.Time
	fenced int // routers that were switched off by a fence since
}

// disturb notes that the LAN is not quiet before the instant at.
func (u *unrest) disturb(at time.Time) {
	u.external = external{count: u.external.count + 1, at: at}
	u.shift(at)
	u.broken = latest(u.broken, at)
}

// shift notes that a priority changes at the instant at.
func (u *unrest) shift(at time.Time) { u.disturbed = latest(u.disturbed, at) }

// byFence does what a fence does to the LAN, which is no disturbance from outside.
func (u *unrest) byFence(do func()) {
	before := u.external
	do()
	u.external = before
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
