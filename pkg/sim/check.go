package sim

import (
	"fmt"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// Check watches a world of routers with one group each, alike on all, and
// collects what must not be.
type Check struct {
	World *World
	// Settle is one Active_Down_Interval: how long two Actives may last after the
	// LAN became quiet.
	Settle time.Duration
	// AnyOf is set where any healthy router may be Active: Preempt_Mode is false, or
	// routers of two versions leave it to whoever is.
	AnyOf      bool
	Violations []string
	Takeovers  int                   // how often any became Active
	since      map[party]time.Time   // since when there are two Actives
	unserved   time.Time             // since when nobody is Active; zero: somebody is
	was        map[*Router]bool      // Active at its last turn
	led        map[*Router]time.Time // since when it is Active, if it is
	resigned   map[*Port]bool        // sent priority 0, and no advert since
	ill        map[*Router]bool      // neither Backup nor Active at its last turn
	well       map[*Router]time.Time // since when it is not
	rivals     map[*Router]time.Time // when it last told of an Active of another version
	priority   map[*Router]uint8     // at its last turn
	impaired   time.Time             // when a router last was
}

// party is those on a segment who understand each other.
type party struct {
	segment string
	version wire.Version
}

// crossing is how long a preempted Active and its successor may both be Active
// at any time: until the first advert has crossed the segment.
const crossing = time.Millisecond

// verified is how old the word of the verifiers may be at a takeover.
const verified = 7 * time.Millisecond

// Turn checks a router after its turn, and the LAN with it.
func (c *Check) Turn(r *Router) {
	active := r.active()
	for _, m := range r.cfg[0].Members {
		name := m.Name
		confirming := active && r.core.Group(0).Confirming() // it has advertised, and the addresses wait
		if r.Held[name] != (active && !confirming) || r.Sending[name] != active {
			c.violate("%s is half moved: group %v, %s held %v, advertised %v", r.Name, r.core.Group(0).State(), name, r.Held[name], r.Sending[name])
		}
		if active && !r.known[m.Interface] {
			c.violate("%s is Active although it knows that %s is dead", r.Name, m.Interface)
		}
	}
	if c.was == nil {
		c.was, c.led = make(map[*Router]bool), make(map[*Router]time.Time)
		c.ill, c.well = make(map[*Router]bool), make(map[*Router]time.Time)
	}
	c.watch(r)
	c.reprioritized(r)
	if active && !c.was[r] {
		c.Takeovers++
		c.proven(r)
		c.called(r)
		c.awake(r)
		c.unblocked(r)
		c.heldBack(r)
		c.patient(r)
		c.led[r] = c.World.now
	}
	c.was[r] = active
	for name, s := range c.World.Segments {
		c.single(party{name, wire.V2}, s)
		c.single(party{name, wire.V3}, s)
	}
	c.served()
}

// proven checks that a router which becomes Active has looked at its links.
func (c *Check) proven(r *Router) {
	now := c.World.now
	if now.Sub(r.resumed) < 10*verified {
		return // it may have looked before it was stopped
	}
	for _, p := range r.ports {
		if dead := now.Sub(p.since); !p.plugged && dead > verified {
			c.violate("%s became Active although the cable of %s is out for %v", r.Name, p.name, dead)
		}
	}
}

// unblocked checks that a router which saw its cable come back does not take
// over while the port forwards nothing, before it has waited for long enough. What
// was lost and back since it last looked it has not seen.
func (c *Check) unblocked(r *Router) {
	for _, m := range r.cfg[0].Members {
		p := r.ports[m.Interface]
		seen := p.since.After(r.started) && m.Recovery.Wait > 0 && m.Priority != vrrp.Owner
		if back := c.World.now.Sub(p.since); seen && p.plugged && !p.forwards() && back > verified && back < m.Recovery.Wait {
			c.violate("%s became Active %v after the return of %s, whose port forwards nothing yet", r.Name, back, p.name)
		}
	}
}

// called checks that in quiet times nobody takes over from an Active that it may
// not preempt, and that was there before.
func (c *Check) called(r *Router) {
	w, m := c.World, r.cfg[0].Members[0]
	if w.Quiet() < m.Interval+announced+crossing {
		return // it may not have heard it yet
	}
	for _, o := range w.Routers {
		if o != r && !r.mayPreempt(o) && o.active() && o.healthy() && c.led[o].Before(w.disturbed) {
			c.violate("%s took over from %s, and may not preempt", r.Name, o.Name)
		}
	}
}

// mayPreempt reports whether a router may take over from another that is Active.
func (r *Router) mayPreempt(o *Router) bool {
	m, theirs := r.cfg[0].Members[0], o.cfg[0].Members[0]
	ours, others := r.priority(), o.priority()
	return ours == vrrp.Owner || (m.Preempt || others == vrrp.Impaired) && others < ours && theirs.Version == m.Version
}

// awake checks that a Backup which slept through its deadline does not take over
// at once from an Active that lives: it may only not have heard it. It does where
// it slept twice in a row.
func (c *Check) awake(r *Router) {
	w, m := c.World, r.cfg[0].Members[0]
	slept, awake := r.resumed.Sub(r.stopped), w.now.Sub(r.resumed)
	if !w.disturbed.Equal(r.resumed) || w.Quiet() == 0 || awake > m.Interval || slept < c.settle()+m.Interval+crossing ||
		r.awake < 2*m.Interval {
		return
	}
	for _, o := range w.Routers {
		if o != r && !r.mayPreempt(o) && o.active() && o.healthy() && c.led[o].Before(r.stopped) && o.resumed.Before(r.stopped) {
			c.violate("%s took over %v after it had slept for %v, though %s lives", r.Name, awake, slept, o.Name)
		}
	}
}

// Frame checks what a router sends: no advert of an instance that was told to
// fall silent, but what leaves in the same turn ahead of its priority 0, and probes of
// a router in Fault.
func (c *Check) Frame(r *Router, instance string, occasion advert.Occasion) {
	if occasion == advert.Trial {
		if r.Sending[instance] || r.Held[instance] {
			c.violate("%s probes for %s, and serves", r.Name, instance)
		}
		return
	}
	resigns := occasion == advert.Resignation
	if c.resigned == nil {
		c.resigned = make(map[*Port]bool)
	}
	p := r.places[instance]
	armed := r.armed[instance]
	switch sending := r.Sending[instance]; {
	case !resigns && (sending || !armed.IsZero() && !c.World.now.Before(armed)):
		delete(c.resigned, p)
	case !resigns && (c.resigned[p] || c.World.now.After(r.silenced[instance])):
		c.violate("%s advertises %s, and was told not to", r.Name, instance)
	case resigns:
		c.resigned[p] = true
	}
}

// single checks that a segment has one Active of each version.
func (c *Check) single(p party, s *Segment) {
	if c.since == nil {
		c.since = make(map[party]time.Time)
	}
	actives, now := s.actives(p.version), c.World.now
	since, two := c.since[p]
	switch {
	case actives < 2:
		delete(c.since, p)
	case !two:
		c.since[p] = now
	case now.Sub(since) > crossing && c.World.Quiet() > c.settle()+c.tie():
		c.violate("%d are Active on %s for %v, %v after all became quiet", actives, p.segment, now.Sub(since), c.World.Quiet())
	}
}

// tie is how much longer two Actives of equal priority may last, where they meet
// on another segment than the one that decides, and took over as late as can be.
func (c *Check) tie() time.Duration {
	interval := c.World.Routers[0].cfg[0].Members[0].Interval
	return interval + min(interval, patience)
}

// actives counts the routers of a version that hold addresses on a segment and can
// be heard there.
func (s *Segment) actives(v wire.Version) (n int) {
	for _, p := range s.ports {
		r := p.router
		if !p.plugged || r.core == nil || r.paused {
			continue
		}
		for _, m := range r.cfg[0].Members {
			if m.Interface == p.name && m.Version == v && r.worker.placed[m.Name] {
				n++
			}
		}
	}
	return n
}

// most is how many violations are kept: the first tell the story.
const most = 20

func (c *Check) violate(format string, args ...any) {
	if len(c.Violations) < most {
		at := c.World.now.Sub(time.Unix(0, 0))
		c.Violations = append(c.Violations, fmt.Sprintf("%v: ", at)+fmt.Sprintf(format, args...))
	}
}
