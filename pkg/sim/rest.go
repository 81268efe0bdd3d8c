package sim

import (
	"fmt"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// served checks that somebody is Active where somebody could be, once all has
// been quiet for the longest wait.
func (c *Check) served() {
	healthy := false
	for _, r := range c.World.Routers {
		if r.serves() {
			c.unserved = time.Time{}
			return
		}
		healthy = healthy || r.healthy()
	}
	now := c.World.now
	if c.unserved.IsZero() {
		c.unserved = now
	}
	if gap, calm := now.Sub(c.unserved), c.World.calm(); healthy && gap > crossing && calm > c.startup()+c.delay()+2*c.settle()+announced+c.found() {
		c.violate("nobody is Active for %v, %v after all became quiet%s", gap, calm, c.plight())
		c.unserved = now
	}
}

// Resumed checks that an Active which was stopped for long leaves it to whoever
// took over meanwhile; it is called when the router has just gone on.
func (c *Check) Resumed(r *Router) {
	w, m := c.World, r.cfg[0].Members[0]
	at := w.now
	if !r.active() || at.Sub(r.stopped) <= time.Duration(m.Miss+1)*m.Interval || !r.healthy() {
		return
	}
	for _, o := range w.Routers {
		if o != r && o.active() && o.sound() && at.Sub(o.resumed) > time.Duration(m.Miss+1)*m.Interval {
			w.After(m.Interval+crossing, func() {
				if w.disturbed.Equal(at) && w.calm() > 0 && r.active() && o.sound() && r.heeds(o) {
					c.violate("%s goes on as Active after %v, though %s took over", r.Name, at.Sub(r.stopped), o.Name)
				}
			})
			return
		}
	}
}

// Rest checks a LAN that has been quiet for long: the best router with all its
// cables in is Active, and no other is.
//
// Where the routers speak two versions, there may be one Active of each: they
// cannot agree. But then both have said so.
func (c *Check) Rest() {
	if c.World.apart() {
		return
	}
	// A hold-off that has just ended moves routers in the midst of the quiet.
	moved := c.World.Quiet() < c.startup()+c.delay()+2*c.settle()+announced
	best := uint8(0)
	for _, r := range c.World.Routers {
		if r.healthy() && !r.heldOff(c.settle()+c.delay()) {
			best = max(best, r.priority())
		}
	}
	var actives []string
	of := make(map[wire.Version]int)
	for _, r := range c.World.Routers {
		if !r.active() || r.useless() {
			continue
		}
		actives = append(actives, r.Name)
		of[r.cfg[0].Members[0].Version]++
		if p := r.priority(); p != best && !c.AnyOf && !moved {
			c.violate("%s is Active with priority %d, though a healthy router has %d", r.Name, p, best)
		}
	}
	if best > 0 != (len(actives) > 0) && !moved || of[wire.V2] > 1 || of[wire.V3] > 1 {
		c.violate("at rest %d routers are Active: %v", len(actives), actives)
	}
	if len(of) > 1 {
		c.told()
	}
}

// plight describes the routers, for a violation.
func (c *Check) plight() (all string) {
	for _, r := range c.World.Routers {
		if r.core == nil {
			all += fmt.Sprintf("; %s is off", r.Name)
			continue
		}
		all += fmt.Sprintf("; %s is %v with priority %d, healthy %v, holds %v, cannot place %v", r.Name, r.core.Group(0).State(), r.priority(), r.healthy(), len(r.worker.placed), r.short)
	}
	return all
}

// found is how long it may take until a router finds out that it can serve nothing.
func (c *Check) found() time.Duration {
	for _, r := range c.World.Routers {
		if r.useless() {
			return inPlaceWithin
		}
	}
	return 0
}

// delay is the longest preempt_delay.
func (c *Check) delay() (longest time.Duration) {
	for _, r := range c.World.Routers {
		longest = max(longest, r.cfg[0].Members[0].PreemptDelay)
	}
	return longest
}

// healthy reports whether a router could be Active, whatever it believes.
func (r *Router) healthy() bool {
	for _, p := range r.ports {
		if !p.plugged || p.noticed {
			return false
		}
	}
	if r.useless() || r.worker.hung {
		return false
	}
	return r.core != nil && !r.paused && r.hung.IsZero() && !r.distrusts()
}

// longestHoldOff is the longest time between two probes whether adverts leave again.
const longestHoldOff = 5 * time.Minute

// heldOff reports whether a router whose sends have failed has yet to find out that
// they would not any more, or has found out so lately that it has not settled.
func (r *Router) heldOff(settle time.Duration) bool {
	refused := false
	for _, p := range r.ports {
		refused = refused || r.world.now.Before(p.mended.Add(longestHoldOff))
	}
	for _, m := range r.core.Group(0).Status(r.world.now).Members {
		if refused && m.LastEvent == event.Recovered && r.world.now.Sub(m.Since) < settle {
			return true
		}
		for _, f := range m.Faults {
			if refused && f.Reason == event.SendFailed {
				return true
			}
		}
	}
	return false
}

// sound reports whether a router is healthy and knows it.
func (r *Router) sound() bool {
	if !r.healthy() || r.core.Group(0).State() == event.Fault {
		return false
	}
	for _, p := range r.ports {
		if !r.known[p.name] {
			return false
		}
	}
	return true
}
