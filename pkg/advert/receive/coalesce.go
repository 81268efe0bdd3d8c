package receive

import "time"

// coalesce decides when the receiver waits for more packets before it reads. Routers with many
// virtual routers send in bursts, and a reader that wakes at once reads such a burst packet by
// packet, as fast as it is sent. Reading a little later costs nothing: packets have the kernel's
// stamp, and timers count from that.
type coalesce struct {
	since   time.Time
	packets int
	many    bool // packets arrived at a high rate in the last period
	left    bool // more packets can be read at once
}

const (
	gatherFor   = time.Millisecond
	gatherFrom  = 2 // packets in a millisecond: at this rate another millisecond brings more
	gatherCount = 100 * time.Millisecond
)

// took counts the packets that were read at the instant now.
func (g *coalesce) took(now time.Time, packets int, left bool) {
	g.packets += packets
	g.left = g.left || left
	if counted := now.Sub(g.since); counted >= gatherCount {
		g.many = g.packets >= gatherFrom*int(counted/gatherFor)
		g.since, g.packets = now, 0
	}
}

// linger returns how long to wait between the first packet and reading.
func (g *coalesce) linger() time.Duration {
	left := g.left
	g.left = false
	if g.many && !left {
		return gatherFor
	}
	return 0
}
