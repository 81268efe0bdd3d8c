package sim

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// disturbance is a kind of problem: of chooses where, and returns the functions that begin and
// end it.
type disturbance struct {
	name string
	late time.Duration // how long after its end routers may still move because of it
	of   func(c *Chaos) (where string, begin, end func())
}

// These are bounds: the longest delay of a frame, the longest time until a lost carrier is
// noticed, and the duration of a fault that the router itself raised
// (docs/architecture.md#sending).
const (
	longestDelay = 300 * time.Millisecond
	unnoticed    = 2 * time.Second
	faultRetry   = 10 * time.Second
)

// maxFlaps is the maximum number of flaps of a cable: more of them cost time and show nothing
// new.
const maxFlaps = 100

var (
	placementFails = disturbance{"placement fails", 0, func(c *Chaos) (where string, begin, end func()) {
		in, missing, seen := c.instance(), vrrp.Degree(c.World.rng.IntN(3)), c.World.rng.IntN(2) == 0
		name := in.Name
		return in.port.String() + " for " + name, func() { in.router.FailPlacement(name, missing) }, func() { in.router.RestorePlacement(name, seen) }
	}}
	deafNoticed = disturbance{"deaf, noticed", 0, func(c *Chaos) (where string, begin, end func()) {
		p := c.port()
		return p.String(), p.Deafen, p.Listen
	}}
)

// disturbances are those of any LAN.
var disturbances = []disturbance{
	{"pull", 0, func(c *Chaos) (where string, begin, end func()) {
		p := c.link()
		return p.String(), p.Pull, p.Plug
	}},
	{"pull unnoticed", unnoticed, func(c *Chaos) (where string, begin, end func()) {
		p := c.link()
		return p.String(), func() { p.Late = unnoticed; p.Pull() }, func() { p.Late = 0; p.Plug() }
	}},
	{"flaps", 0, func(c *Chaos) (where string, begin, end func()) {
		p, period, left := c.link(), c.World.between(time.Millisecond, 40*time.Millisecond), maxFlaps
		var flap func()
		flap = func() {
			if left--; left >= 0 {
				p.Pull()
				c.World.After(period/2, p.Plug)
				c.World.After(period, flap)
			}
		}
		return p.String(), flap, func() { left = 0; p.Plug() }
	}},
	{"loss", 0, func(c *Chaos) (where string, begin, end func()) {
		s, share := c.port().segment, c.share()
		return s.name, func() { s.Loss = share }, func() { s.Loss = 0 }
	}},
	{"deaf", 0, func(c *Chaos) (where string, begin, end func()) {
		p, share := c.port(), c.share()
		return p.String(), func() { p.Deaf = share }, func() { p.Deaf = 0 }
	}},
	{"mute", 0, func(c *Chaos) (where string, begin, end func()) {
		p, share := c.port(), c.share()
		return p.String(), func() { p.Mute = share }, func() { p.Mute = 0 }
	}},
	{"delay", longestDelay, func(c *Chaos) (where string, begin, end func()) {
		s, long := c.port().segment, c.World.between(time.Millisecond, longestDelay)
		return s.name, func() { s.Delay = long }, func() { s.Delay, c.World.late = 0, c.World.now.Add(longestDelay) }
	}},
	{"twice", 0, func(c *Chaos) (where string, begin, end func()) {
		s, share := c.port().segment, c.share()
		return s.name, func() { s.Twice = share }, func() { s.Twice = 0 }
	}},
	{"sends fail", faultRetry, func(c *Chaos) (where string, begin, end func()) {
		p := c.port()
		return p.String(), func() { p.Refuses = true }, func() { p.Refuses, p.mended = false, c.World.now }
	}},
	{"crash", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		return r.Name, r.Crash, r.Start
	}},
	{"daemon dies", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		return r.Name, func() { r.Die(false) }, r.Start
	}},
	{"handover", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		return r.Name, func() { r.Die(true) }, r.Start
	}},
	{"pause", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		return r.Name, r.Pause, c.resume(r)
	}},
	{"freeze", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		return r.Name, r.Freeze, c.resume(r)
	}},
	placementFails,
	deafNoticed,
	{"cloned", 0, func(c *Chaos) (where string, begin, end func()) {
		p := c.port()
		o := p.segment.ports[c.World.rng.IntN(len(p.segment.ports))]
		return p.String(), func() { p.SetSources(o.own) }, func() { p.SetSources(p.own) }
	}},
	{"worker hangs", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		return r.Name, r.HangWorker, r.WakeWorker
	}},
	{"hang", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		return r.Name, r.Hang, r.Wake
	}},
}

// ntp is how long it takes until a clock that is behind after a pause is corrected.
const ntp = 20 * time.Second

// clocks are disturbances of a LAN whose adverts are signed.
var clocks = []disturbance{
	{"clock", 0, func(c *Chaos) (where string, begin, end func()) {
		r, wrong := c.router(), c.wrong(30*time.Second)
		return r.Name, func() { r.SetClock(r.clock.right + wrong) }, func() { r.SetClock(r.clock.right) }
	}},
	{"clock nudged", 0, func(c *Chaos) (where string, begin, end func()) {
		r, wrong := c.router(), c.wrong(time.Second)
		return r.Name, func() { r.SetClock(r.clock.right + wrong) }, func() { r.SetClock(r.clock.right) }
	}},
	{"freeze, clock behind", ntp, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		return r.Name, r.Freeze, func() {
			if !r.frozen {
				return
			}
			r.SetClock(r.clock.right - c.World.now.Sub(r.stopped))
			c.World.After(ntp, func() { r.SetClock(r.clock.right) })
			c.resume(r)()
		}
	}},
}

// wrong returns by how much a clock is set wrong, up to a limit.
func (c *Chaos) wrong(limit time.Duration) time.Duration {
	d := c.World.between(limit/5, limit)
	if c.World.rng.IntN(2) == 0 {
		return -d
	}
	return d
}

func (c *Chaos) resume(r *Router) func() {
	return func() {
		if r.paused {
			r.Resume()
			c.OnResume(r)
		}
	}
}

// share returns how much is lost: some, or all.
func (c *Chaos) share() float64 {
	if c.World.rng.IntN(3) == 0 {
		return 1
	}
	return 0.05 + 0.6*c.World.rng.Float64()
}

// orders are the actions of a person on a router: releases, and reloads of another configuration.
var orders = []disturbance{
	{"released", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		group := r.born[0].Title()
		return r.Name, func() { r.Release(group) }, func() { r.Readmit(group) }
	}},
	{"reload, priority", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		own := r.born[0].Members[0].Priority
		if own == vrrp.Owner {
			return r.Name, func() {}, func() {} // it owns the addresses, whatever priority is configured
		}
		other := uint8(2 + c.World.rng.IntN(vrrp.Owner-2))
		return r.Name, func() { r.Reload(withPriority(other)) }, func() { r.Reload(withPriority(own)) }
	}},
	{"reload, addresses", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		own := r.born[0].Members[0].Addresses
		more := slices.Concat(own, []netip.Addr{own[0].Next().Next().Next()})
		return r.Name, func() { r.Reload(withAddresses(more)) }, func() { r.Reload(withAddresses(own)) }
	}},
	{"reload, a member leaves", 0, func(c *Chaos) (where string, begin, end func()) {
		r, restore := c.router(), func() {}
		return r.Name, func() { restore = r.removeLast() }, func() { restore() }
	}},
}

// slower is a reload with another interval at one router, of a LAN whose routers learn the
// interval from the adverts. It ends within the burst: the invariants of quiet times apply to one
// interval.
var slower = disturbance{"reload, interval", 0, func(c *Chaos) (where string, begin, end func()) {
	r := c.router()
	own := r.born[0].Members[0].Interval
	other := own * time.Duration(2+3*c.World.rng.IntN(2))
	if least, _, _ := wire.V3.Intervals(); c.World.rng.IntN(3) == 0 && own >= 2*least {
		other = own / 2
	}
	return r.Name, func() { r.setInterval(other) }, func() { r.setInterval(own) }
}}

// fenceTroubles are the disturbances of a LAN whose routers have a fence.
var fenceTroubles = []disturbance{
	{"daemon stops", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		return r.Name, r.Stop, r.Start
	}},
	{"fence fails", 0, func(c *Chaos) (where string, begin, end func()) {
		r, how := c.router(), fenceFails+fenceEnd(c.World.rng.IntN(2))
		return r.Name, func() { r.fence.set(how) }, func() { r.fence.set(fenceWorks) }
	}},
	{"reload, fence", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		var other *vrrp.Fence
		if c.World.rng.IntN(2) == 0 {
			other = &vrrp.Fence{Timeout: fenceTimeout, Proceed: !r.born[0].Fence.Proceed}
		}
		return r.Name, func() { r.Reload(withFence(other)) }, func() { r.Reload(withFence(r.born[0].Fence)) }
	}},
}

// proxy makes a host answer for all machines of its segment, which must have no effect.
var proxy = disturbance{"proxy ARP", 0, func(c *Chaos) (where string, begin, end func()) {
	s := c.port().segment
	return s.name, func() { s.Proxy = true }, func() { s.Proxy = false }
}}

// probing are the disturbances of a LAN whose routers watch the machines of Actives.
var probing = []disturbance{
	{"loss of ARP", 0, func(c *Chaos) (where string, begin, end func()) {
		s, share := c.port().segment, c.share()
		return s.name, func() { s.ARPLoss = share }, func() { s.ARPLoss = 0 }
	}},
	{"loss of adverts", 0, func(c *Chaos) (where string, begin, end func()) {
		s, share := c.port().segment, c.share()
		return s.name, func() { s.AdvertLoss = share }, func() { s.AdvertLoss = 0 }
	}},
	proxy,
}

// tracking are the disturbances of a LAN whose routers have trackers.
var tracking = []disturbance{
	{"check", 0, func(c *Chaos) (where string, begin, end func()) {
		r := c.router()
		k, change := r.trackers.checks[c.World.rng.IntN(len(r.trackers.checks))], c.World.rng.IntN(200)-100
		down := c.World.rng.IntN(2) == 0 || !r.trackers.reports(k.name)
		return r.Name + " " + k.name, func() { k.set(Finding{Down: down, Change: change}) }, func() { k.set(Finding{}) }
	}},
	{"reload, weight", 0, func(c *Chaos) (where string, begin, end func()) {
		r, weight := c.router(), c.World.rng.IntN(3)*20-20
		return r.Name, func() { r.Reload(withWeight(weight)) }, func() { r.Reload(withWeight(r.born[0].Track[0].Weight)) }
	}},
}
