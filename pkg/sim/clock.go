package sim

import "time"

// clock is the wall clock of a router. It moves no timer: it signs adverts, and their age is
// compared with it (vrrp.HMAC); a crash does not correct it.
type clock struct {
	world     *World
	right     time.Duration // how far it is ahead when it is not set wrong
	ahead     time.Duration
	back      time.Time // when it was last set back
	catchesUp time.Time // when it shows the same time as before that
}

// at returns its time at an instant.
func (c *clock) at(now time.Time) time.Time { return now.Add(c.ahead) }

// set sets the clock ahead of the true time. After a step back the adverts of the router may be
// rejected until its clock again shows the time that it showed before, or until that time has
// left the window of all clocks that are within it (docs/authentication.md): until then the LAN
// is not quiet.
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

// window returns how far the clocks of the LAN may differ; zero if that does not matter.
func (w *World) window() time.Duration {
	for _, r := range w.Routers {
		if h := r.instances[0].HMAC; h != nil {
			return h.Window
		}
	}
	return 0
}

// spread returns how far the clocks differ, as far as it matters.
func (w *World) spread() (largest time.Duration) {
	for i, r := range w.Routers {
		for _, o := range w.Routers[:i] {
			largest = max(largest, (r.clock.ahead - o.clock.ahead).Abs())
		}
	}
	return min(largest, 2*w.window())
}

// apart reports whether the clocks of any two routers differ by more than the window, so that
// neither accepts the other's adverts.
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
