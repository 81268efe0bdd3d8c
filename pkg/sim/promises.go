package sim

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// What is promised of delays, of clocks that are apart and of versions that do not
// understand each other.

// watch notes since when a router is neither at its start nor in Fault.
func (c *Check) watch(r *Router) {
	s := r.core.Group(0).State()
	ill := s == event.Initialize || s == event.Fault
	if c.ill[r] && !ill {
		c.well[r] = c.World.now
	}
	c.ill[r] = ill
}

// reprioritized notes that the priority of a router has changed: what was heard of it
// before counts no more.
func (c *Check) reprioritized(r *Router) {
	if c.priority == nil {
		c.priority = make(map[*Router]uint8)
	}
	p := r.priority()
	if was, known := c.priority[r]; known && was != p {
		c.World.disturb()
	}
	if c.priority[r] = p; p == vrrp.Impaired {
		c.impaired = c.World.now
	}
}

// settle is Settle, or that of an impaired router, if there was one lately.
func (c *Check) settle() time.Duration {
	m := &c.World.Routers[0].cfg[0].Members[0]
	if !c.impaired.IsZero() && c.World.now.Sub(c.impaired) < time.Minute {
		return c.Settle + m.Interval/4
	}
	return c.Settle
}

// startup is the longest startup_delay: so long nobody may be Active.
func (c *Check) startup() (longest time.Duration) {
	for _, r := range c.World.Routers {
		longest = max(longest, r.cfg[0].Members[0].StartupDelay)
	}
	return longest
}

// patient checks that a router which becomes Active has waited for its delays: for
// its startup_delay whatever it hears, for its preempt_delay if a lower Active is
// there. An owner knows no preempt_delay.
func (c *Check) patient(r *Router) {
	w, m := c.World, r.cfg[0].Members[0]
	if up := w.now.Sub(r.started); up < m.StartupDelay {
		c.violate("%s became Active %v after its start", r.Name, up)
	}
	well := w.now.Sub(c.well[r])
	if well >= m.PreemptDelay || r.priority() == vrrp.Owner || w.Quiet() < m.Interval+announced+crossing {
		return
	}
	for _, o := range w.Routers {
		if o != r && o.active() && o.healthy() && c.led[o].Before(w.disturbed) {
			c.violate("%s took over from %s %v after its start or fault", r.Name, o.Name, well)
		}
	}
}

// heldBack checks that nobody takes over from an Active that it does not believe,
// and knows to be there: one by another clock.
func (c *Check) heldBack(r *Router) {
	w, m := c.World, r.cfg[0].Members[0]
	if w.calm() < m.Interval+announced+crossing {
		return
	}
	for _, o := range w.Routers {
		if o != r && r.apart(o) && r.heeds(o) && o.active() && o.healthy() && c.led[o].Before(w.disturbed) {
			c.violate("%s took over from %s, whose clock is %v ahead of its own", r.Name, o.Name, o.ahead-r.ahead)
		}
	}
}

// Event checks what a router says: in a LAN whose routers are configured alike,
// nothing is rejected but what is old or of another version.
func (c *Check) Event(r *Router, e event.Event) {
	switch e := e.(type) {
	case event.AdvertRejected:
		m := r.cfg[0].Members[0]
		old := e.Reason == string(wire.AuthStale) || e.Reason == string(wire.AuthReplay)
		foreign := e.Reason == string(wire.VersionError) && c.mixed()
		if !(old && m.HMAC != nil) && !foreign {
			c.violate("%s: %s", r.Name, e.Message())
		}
	case event.AdvertRival:
		if e.Version != 0 {
			if c.rivals == nil {
				c.rivals = make(map[*Router]time.Time)
			}
			c.rivals[r] = c.World.now
		}
	}
}

func (c *Check) mixed() bool {
	for _, r := range c.World.Routers {
		if r.cfg[0].Members[0].Version != c.World.Routers[0].cfg[0].Members[0].Version {
			return true
		}
	}
	return false
}

// told checks that Actives of two versions have said so within the last minute.
func (c *Check) told() {
	for _, r := range c.World.Routers {
		m := r.cfg[0].Members[0]
		if ago := c.World.now.Sub(c.rivals[r]); r.active() && ago > time.Minute+2*m.Interval {
			c.violate("%s is not the only Active, and last said so %v ago", r.Name, ago)
		}
	}
}
