package sim

import "time"

// clock is the wall clock of a router. It moves no timer: it signs adverts, and judges those of
// others by their age (vrrp.HMAC); a crash does not put it right.
type clock struct {
	world     *World
	right     time.Duration // how far it is ahead when nobody sets it wrong
	ahead     time.Duration
	back      time.Time // when it was last set back
	catchesUp time.Time // when it shows again what it showed before
}

// at returns the time that it shows at an instant.
func (c *clock) at(now time.Time) time.Time { return now.Add(c.ahead) }

// set sets the clock to that much ahead of the true time. After a step back
// the adverts of the router may be rejected until its clock shows again what it showed
// then, or until that has left the window of all clocks that are within it
// (docs/authentication.md): so long the LAN is not quiet.
func (c *clock) set(ahead time.Duration) {
	w := c.world
	w.disturb()
	if back := c.ahead - ahead; back > 0 {
		c.back = w.now
		if left := c.catchesUp.Sub(w.now); left > 0 {
			back += left
		}
		back = min(back, 2*w.window())
		c.catchesUp = w.now.Add(back)
		w.disturbFor(back)
	}
	c.ahead = ahead
}

// window returns how far the clocks of the LAN may be apart; zero: as far as they like.
func (w *World) window() time.Duration {
	for _, r := range w.Routers {
		if h := r.instances[0].HMAC; h != nil {
			return h.Window
		}
	}
	return 0
}

// spread returns how far the clocks are apart, as far as it matters.
func (w *World) spread() (most time.Duration) {
	for i, r := range w.Routers {
		for _, o := range w.Routers[:i] {
			most = max(most, (r.clock.ahead - o.clock.ahead).Abs())
		}
	}
	return min(most, 2*w.window())
}

// apart reports whether the clocks of any two routers are further apart than each
// lets pass, so that neither believes the other.
func (w *World) apart() bool {
	for i, r := range w.Routers {
		for _, o := range w.Routers[:i] {
			if r.apart(o) {
				return true
			}
		}
	}
	return false
}
