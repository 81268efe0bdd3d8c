package receive

import "time"

// coalesce decides when the receiver lets packets come together before it reads
// them. Routers with many virtual routers send in bursts, and a reader that wakes at once
// reads such a burst packet by packet, as fast as it is sent. To come a little later
// costs nothing: packets bear the kernel's stamp, and timers count from that.
type coalesce struct {
	since   time.Time
	packets int
	many    bool // came since, a millisecond
	left    bool // there is more to be read at once
}

const (
	gatherFor   = time.Millisecond
	gatherFrom  = 2 // packets a millisecond, for one millisecond more to bring some
	gatherCount = 100 * time.Millisecond
)

// took counts what was read at the instant now.
func (g *coalesce) took(now time.Time, packets int, left bool) {
	g.packets += packets
	g.left = g.left || left
	if counted := now.Sub(g.since); counted >= gatherCount {
		g.many = g.packets >= gatherFrom*int(counted/gatherFor)
		g.since, g.packets = now, 0
	}
}

// linger returns the time to wait between the first packet and the reading.
func (g *coalesce) linger() time.Duration {
	left := g.left
	g.left = false
	if g.many && !left {
		return gatherFor
	}
	return 0
}
