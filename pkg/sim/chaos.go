package sim

import (
	"time"

	"ripcord/pkg/vrrp"
)

// Chaos disturbs a LAN again and again: cables, frames, crashes and pauses, with
// times of quiet between.
type Chaos struct {
	World *World
	// Quiet is how long nothing happens after some disturbances.
	Quiet time.Duration
	// OnQuiet is called at the end of each quiet time, OnResume when a router that
	// was stopped has just gone on.
	OnQuiet  func()
	OnResume func(*Router)
	// Clocks tells that adverts are signed: clocks are set wrong too.
	Clocks bool
	// Counts says how often each kind of disturbance came.
	Counts map[string]int
}

// Begin starts the story.
func (c *Chaos) Begin() {
	c.Counts = make(map[string]int)
	c.World.After(c.Quiet, c.burst)
}

// burst disturbs the LAN a few times in a row, and repairs everything.
func (c *Chaos) burst() {
	w := c.World
	until := time.Duration(0)
	for range 1 + w.rng.IntN(4) {
		start := w.between(0, 20*time.Second)
		long := w.between(5*time.Millisecond, 500*time.Millisecond)
		if w.rng.IntN(2) == 0 {
			long = w.between(time.Second, 30*time.Second)
		}
		d := c.draw()
		c.Counts[d.name]++
		begin, end := d.of(c)
		w.After(start, func() { begin(); w.disturb() })
		w.After(start+long, func() { w.disturb(); end() })
		if d.lingers > 0 {
			w.After(start+long+d.lingers, w.disturb)
		}
		until = max(until, start+long+d.lingers)
	}
	// Sometimes a cable stays out, or a clock wrong, or a router limps or is deaf,
	// while all else is quiet.
	var out *Port
	mend := func() {}
	stays := func(d disturbance) {
		begin, end := d.of(c)
		w.After(until, begin)
		mend = end
	}
	switch n := w.rng.IntN(5); {
	case n == 0:
		out = c.port()
		w.After(until, out.Pull)
		mend = out.Plug
	case n == 1 && c.Clocks:
		stays(clocks[0])
	case n == 2:
		stays(limp)
	case n == 3:
		stays(deaf)
	}
	w.After(until+time.Millisecond, func() { c.rest(out, mend) })
}

// draw draws a kind of disturbance.
func (c *Chaos) draw() disturbance {
	if c.Clocks && c.World.rng.IntN(4) == 0 {
		return clocks[c.World.rng.IntN(len(clocks))]
	}
	return disturbances[c.World.rng.IntN(len(disturbances))]
}

// rest lets the LAN be quiet, judges it, and mends what stayed wrong: the cable
// that is out, if any.
func (c *Chaos) rest(out *Port, mend func()) {
	w := c.World
	for _, s := range w.inOrder() {
		for _, p := range s.ports {
			if p != out {
				p.Plug()
			}
		}
	}
	w.After(c.Quiet, func() {
		c.OnQuiet()
		mend()
		w.After(w.between(0, 10*time.Second), c.burst)
	})
}

func (c *Chaos) router() *Router { return c.World.Routers[c.World.rng.IntN(len(c.World.Routers))] }

func (c *Chaos) instance() string {
	members := c.World.Routers[0].cfg[0].Members
	return members[c.World.rng.IntN(len(members))].Name
}

func (c *Chaos) port() *Port {
	r := c.router()
	names := r.cfg[0].Members
	return r.ports[names[c.World.rng.IntN(len(names))].Interface]
}

// disturbance is a kind of what can go wrong: of draws where, and gives what
// begins and what ends it.
type disturbance struct {
	name    string
	lingers time.Duration // how long it has effects after its end
	of      func(c *Chaos) (begin, end func())
}

// The longest that frames are delayed and a lost carrier goes unnoticed, and
// how long a fault of our own making lasts (docs/architecture.md#lease).
const (
	longestDelay = 300 * time.Millisecond
	unnoticed    = 2 * time.Second
	faultRetry   = 10 * time.Second
)

// The disturbances that may stay.
var (
	limp = disturbance{"limp", 0, func(c *Chaos) (begin, end func()) {
		r, name, degree, seen := c.router(), c.instance(), vrrp.Degree(c.World.rng.IntN(3)), c.World.rng.IntN(2) == 0
		return func() { r.Limp(name, degree) }, func() { r.Mend(name, seen) }
	}}
	deaf = disturbance{"deaf, noticed", inPlaceWithin, func(c *Chaos) (begin, end func()) {
		p := c.port()
		return p.BeDeaf, p.Listen
	}}
)

var disturbances = []disturbance{
	{"pull", 0, func(c *Chaos) (begin, end func()) {
		p := c.port()
		return p.Pull, p.Plug
	}},
	{"pull unnoticed", unnoticed, func(c *Chaos) (begin, end func()) {
		p := c.port()
		return func() { p.Late = unnoticed; p.Pull() }, func() { p.Late = 0; p.Plug() }
	}},
	{"flaps", 0, func(c *Chaos) (begin, end func()) {
		p, period, on := c.port(), c.World.between(time.Millisecond, 40*time.Millisecond), false
		var flap func()
		flap = func() {
			if on {
				p.Pull()
				c.World.After(period/2, p.Plug)
				c.World.After(period, flap)
			}
		}
		return func() { on = true; flap() }, func() { on = false; p.Plug() }
	}},
	{"loss", 0, func(c *Chaos) (begin, end func()) {
		s, share := c.port().segment, c.share()
		return func() { s.Loss = share }, func() { s.Loss = 0 }
	}},
	{"deaf", 0, func(c *Chaos) (begin, end func()) {
		p, share := c.port(), c.share()
		return func() { p.Deaf = share }, func() { p.Deaf = 0 }
	}},
	{"mute", 0, func(c *Chaos) (begin, end func()) {
		p, share := c.port(), c.share()
		return func() { p.Mute = share }, func() { p.Mute = 0 }
	}},
	{"delay", longestDelay, func(c *Chaos) (begin, end func()) {
		s, long := c.port().segment, c.World.between(time.Millisecond, longestDelay)
		return func() { s.Delay = long }, func() { s.Delay = 0 }
	}},
	{"twice", 0, func(c *Chaos) (begin, end func()) {
		s, share := c.port().segment, c.share()
		return func() { s.Twice = share }, func() { s.Twice = 0 }
	}},
	{"sends fail", faultRetry, func(c *Chaos) (begin, end func()) {
		p := c.port()
		return func() { p.Refuses = true }, func() { p.Refuses, p.mended = false, c.World.now }
	}},
	{"crash", 0, func(c *Chaos) (begin, end func()) {
		r := c.router()
		return r.Crash, r.Start
	}},
	{"pause", 0, func(c *Chaos) (begin, end func()) {
		r := c.router()
		return r.Pause, c.resume(r)
	}},
	{"freeze", 0, func(c *Chaos) (begin, end func()) {
		r := c.router()
		return r.Freeze, c.resume(r)
	}},
	limp,
	deaf,
	{"cloned", 0, func(c *Chaos) (begin, end func()) {
		p := c.port()
		o, own := p.segment.ports[c.World.rng.IntN(len(p.segment.ports))].address(), p.own
		return func() { p.SetAddress(o) }, func() { p.SetAddress(own) }
	}},
	{"worker hangs", 0, func(c *Chaos) (begin, end func()) {
		r := c.router()
		return r.HangWorker, r.WakeWorker
	}},
	{"hang", 0, func(c *Chaos) (begin, end func()) {
		r := c.router()
		return r.Hang, r.Wake
	}},
}

func (c *Chaos) resume(r *Router) func() {
	return func() {
		if r.paused {
			r.Resume()
			c.OnResume(r)
		}
	}
}

// share is how much gets lost: some, or all.
func (c *Chaos) share() float64 {
	if c.World.rng.IntN(3) == 0 {
		return 1
	}
	return 0.05 + 0.6*c.World.rng.Float64()
}
