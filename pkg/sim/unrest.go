package sim

import "time"

// unrest is when a LAN was last disturbed, by the kinds of disturbances that the invariants
// (Check) distinguish.
type unrest struct {
	// disturbed is when anything that may move a group last changed.
	disturbed time.Time
	// broken is when anything that may end the service last happened: anything but a change of a
	// priority.
	broken   time.Time
	external external
	// late is until when queued frames may arrive.
	late time.Time
	// readdressed is when the address of a port last changed.
	readdressed time.Time
}

// external is how often a LAN was disturbed from outside, and not by a fence, and when it last
// was.
type external struct {
	count  uint64
	at     time.Time
	fenced int // routers that were switched off by a fence since
}

// disturb records that the LAN is not quiet before the instant at.
func (u *unrest) disturb(at time.Time) {
	u.external = external{count: u.external.count + 1, at: at}
	u.shift(at)
	u.broken = latest(u.broken, at)
}

// shift records that a priority changes at the instant at.
func (u *unrest) shift(at time.Time) { u.disturbed = latest(u.disturbed, at) }

// byFence applies the effects of a fence to the LAN, which are no disturbance from outside.
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
