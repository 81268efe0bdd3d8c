package sim

import (
	"time"

	"ripcord/pkg/vrrp"
)

// The wall clock of a router moves no timer. It signs adverts, and judges those of
// others by their age (vrrp.HMAC); a crash does not put it right.

// SetClock sets the wall clock to that much ahead of the true time. After a step back
// the adverts of the router may be rejected until its clock shows again what it showed
// then, or until that has left the window of all clocks that are within it
// (docs/authentication.md): so long the LAN is not quiet.
func (r *Router) SetClock(ahead time.Duration) {
	w := r.world
	w.disturb()
	if back := r.ahead - ahead; back > 0 {
		r.back = w.now
		if left := r.catchesUp.Sub(w.now); left > 0 {
			back += left
		}
		back = min(back, 2*w.window())
		r.catchesUp = w.now.Add(back)
		w.disturbFor(back)
	}
	r.ahead = ahead
}

// wall returns the time of the router's wall clock at an instant.
func (r *Router) wall(at time.Time) time.Time { return at.Add(r.ahead) }

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
			most = max(most, (r.ahead - o.ahead).Abs())
		}
	}
	return min(most, 2*w.window())
}

// apart reports whether the clocks of two routers are further apart than each
// lets pass, so that neither believes the other.
func (r *Router) apart(o *Router) bool {
	most := r.world.window()
	return most > 0 && (r.ahead-o.ahead).Abs() > most
}

// apart reports whether the clocks of any two are.
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

// knowsOf reports whether the adverts of o show r that o is there: r believes them, or
// their times prove it, which they do no more if the clock of o was set back since r
// was started. An owner is held back by no advert that it does not believe.
func (r *Router) knowsOf(o *Router) bool {
	return !r.apart(o) || r.instances[0].Priority != vrrp.Owner && o.back.Before(r.started)
}
