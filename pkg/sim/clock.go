package sim

import (
	"time"

	"ripcord/pkg/vrrp"
)

// The wall clock of a router moves no timer. It signs adverts, and judges those of
// others by their age (vrrp.HMAC); a crash does not put it right.

// SetClock sets the wall clock to that much ahead of the true time.
func (r *Router) SetClock(ahead time.Duration) {
	w := r.world
	w.disturb()
	if ahead < r.ahead {
		r.back = w.now
	}
	r.ahead = ahead
	r.tick()
}

// tick tells those who ask for the time how the wall clock is set.
func (r *Router) tick() {
	if r.core != nil {
		r.plan.Ahead = r.ahead
		r.judge.SetAhead(r.ahead)
	}
}

// window is how far the clocks of the LAN may be apart; zero: as far as they like.
func (w *World) window() time.Duration {
	for _, r := range w.Routers {
		if h := r.cfg[0].Members[0].HMAC; h != nil {
			return h.Window
		}
	}
	return 0
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

// heeds reports whether an advert of o matters to r: it is believed, or proves at
// least that o is there, as it cannot once the clock of o was set back since r
// began to listen. An owner need not care for that.
func (r *Router) heeds(o *Router) bool {
	return !r.apart(o) || r.cfg[0].Members[0].Priority != vrrp.Owner && o.back.Before(r.started)
}

// ntp is how long it takes until a clock that a pause left behind is put right.
const ntp = 20 * time.Second

// unsettled is how long a step back within the window may have adverts rejected,
// of a router that was restarted meanwhile: they seem to be heard again.
const unsettled = 5 * time.Second

// clocks are disturbances of a LAN whose adverts are signed.
var clocks = []disturbance{
	{"clock", unsettled, func(c *Chaos) (begin, end func()) {
		r, wrong := c.router(), c.wrong(30*time.Second)
		return func() { r.SetClock(r.Right + wrong) }, func() { r.SetClock(r.Right) }
	}},
	{"clock nudged", unsettled, func(c *Chaos) (begin, end func()) {
		r, wrong := c.router(), c.wrong(time.Second)
		return func() { r.SetClock(r.Right + wrong) }, func() { r.SetClock(r.Right) }
	}},
	{"freeze, clock behind", ntp + unsettled, func(c *Chaos) (begin, end func()) {
		r := c.router()
		return r.Freeze, func() {
			if !r.frozen {
				return
			}
			r.SetClock(r.Right - c.World.now.Sub(r.stopped))
			c.World.After(ntp, func() { r.SetClock(r.Right) })
			c.resume(r)()
		}
	}},
}

// wrong is by how much a clock is set wrong, at most.
func (c *Chaos) wrong(most time.Duration) time.Duration {
	d := c.World.between(most/5, most)
	if c.World.rng.IntN(2) == 0 {
		return -d
	}
	return d
}
