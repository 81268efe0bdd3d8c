package sim

import (
	"fmt"
	"time"

	"ripcord/pkg/event"
)

// Check watches a world of routers with one group each, alike on all, and
// collects what must not be.
type Check struct {
	World *World
	// Settle is one Active_Down_Interval: how long two Actives may last after the
	// LAN became quiet.
	Settle     time.Duration
	Violations []string
	since      map[string]time.Time // by segment: since when it has two Actives
}

// crossing is how long a preempted Active and its successor may both be Active
// at any time: until the first advert has crossed the segment.
const crossing = time.Millisecond

// Turn checks a router after its turn, and the LAN with it.
func (c *Check) Turn(r *Router) {
	g := r.core.Group(0)
	active := g.State() == event.Active
	for _, m := range r.cfg[0].Members {
		name := m.Virtual.Instance
		if r.Held[name] != active || r.Sending[name] != active {
			c.violate("%s is half moved: group %v, %s held %v, advertised %v", r.Name, g.State(), name, r.Held[name], r.Sending[name])
		}
		if active && !r.known[m.Interface] {
			c.violate("%s is Active although it knows that %s is dead", r.Name, m.Interface)
		}
	}
	for name, s := range c.World.Segments {
		c.single(name, s)
	}
}

// single checks that a segment has one Active.
func (c *Check) single(name string, s *Segment) {
	if c.since == nil {
		c.since = make(map[string]time.Time)
	}
	actives, now := s.actives(), c.World.now
	since, two := c.since[name]
	switch {
	case len(actives) < 2:
		delete(c.since, name)
	case !two:
		c.since[name] = now
	case now.Sub(since) > crossing && c.World.Quiet() > c.Settle:
		c.violate("%v are Active on %s for %v, %v after all became quiet",
			actives, name, now.Sub(since), c.World.Quiet())
	}
}

// actives names the routers that hold addresses on a segment and can be heard there.
func (s *Segment) actives() []string {
	var names []string
	for _, p := range s.ports {
		if p.plugged && p.router.core != nil && !p.router.paused && p.router.core.Group(0).State() == event.Active {
			names = append(names, p.router.Name)
		}
	}
	return names
}

// Rest checks a LAN that has been quiet for long: the best router with all its
// cables in is Active, and no other is.
func (c *Check) Rest() {
	best := uint8(0)
	for _, r := range c.World.Routers {
		if r.healthy() {
			best = max(best, r.cfg[0].Members[0].Priority)
		}
	}
	var actives []string
	for _, r := range c.World.Routers {
		if r.core == nil || r.core.Group(0).State() != event.Active {
			continue
		}
		actives = append(actives, r.Name)
		if p := r.cfg[0].Members[0].Priority; p != best {
			c.violate("%s is Active with priority %d, though a healthy router has %d", r.Name, p, best)
		}
	}
	if best > 0 && len(actives) != 1 || best == 0 && len(actives) != 0 {
		c.violate("at rest %d routers are Active: %v", len(actives), actives)
	}
}

func (r *Router) healthy() bool {
	for _, p := range r.ports {
		if !p.plugged {
			return false
		}
	}
	return r.core != nil && !r.paused
}

func (c *Check) violate(format string, args ...any) {
	if len(c.Violations) < 10 {
		at := c.World.now.Sub(time.Unix(0, 0))
		c.Violations = append(c.Violations, fmt.Sprintf("%v: ", at)+fmt.Sprintf(format, args...))
	}
}
