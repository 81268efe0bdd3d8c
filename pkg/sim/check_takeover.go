package sim

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/vrrp"
)

// takeover checks a router that becomes Active, and had some priority until then.
func (c *Check) takeover(r *Router, priority uint8) {
	c.verified(r)
	c.forwarding(r)
	c.unheard(r, priority)
	c.awake(r, tookOver)
	c.fenced(r)
	c.rested(r, priority)
	if c.World.calm() >= c.heardWithin(r) {
		c.alone(r)
		c.delayed(r)
	}
	c.started(r)
}

// heardWithin returns how long a LAN has to be quiet until each router has heard who is Active.
func (c *Check) heardWithin(r *Router) time.Duration {
	return c.World.longest() + announced + crossing
}

// verified checks that a router which becomes Active has asked its links.
func (c *Check) verified(r *Router) {
	now := c.World.now
	if now.Sub(r.resumed) < 10*fresh {
		return // it may have asked before it was stopped
	}
	for _, p := range r.ports {
		if out := now.Sub(p.since); !p.plugged && out > fresh {
			c.violate("%s became Active although the cable of %s is out for %v", r.Name, p.name, out)
		}
	}
}

// forwarding checks that a router which saw its cable come back does not take
// over while the port forwards nothing, before it has waited for long enough. What
// was lost and back since it last looked it has not seen.
func (c *Check) forwarding(r *Router) {
	for _, in := range r.instances {
		p := in.port
		seen := p.counted == p.downs && p.since.After(r.started) && p.since.After(in.joined) && in.Recovery.Wait > 0 && in.Priority != vrrp.Owner
		if back := c.World.now.Sub(p.since); seen && p.plugged && !p.forwards() && back > fresh && back < in.Recovery.Wait {
			c.violate("%s became Active %v after the return of %s, whose port forwards nothing yet", r.Name, back, p.name)
		}
	}
}

// alone checks that in quiet times nobody takes over from an Active that it may
// not preempt, and that was there before: one that it believes, or knows to be there, and
// does not mistake.
func (c *Check) alone(r *Router) {
	w := c.World
	for _, o := range w.Routers {
		switch {
		case o == r || !o.active() || !o.healthy() || !c.routers[o.at].activeSince.Before(w.disturbed):
		case r.apart(o) && r.knowsOf(o):
			c.violate("%s took over from %s, whose clock is %v ahead of its own", r.Name, o.Name, o.ahead-r.ahead)
		case !w.apart() && !r.mayPreempt(o) && !c.mistakes(r, o):
			c.violate("%s took over from %s, and may not preempt", r.Name, o.Name)
		}
	}
}

// mistakes reports whether a router has reason to think that an Active is gone, or is another
// one, on each segment where it hears it.
func (c *Check) mistakes(r, o *Router) bool {
	shared := 0
	for _, in := range r.instances {
		if !o.has(in) {
			continue
		}
		shared++
		if !c.ignores(r, o, in) && !c.thinksGone(r, o) {
			return false
		}
	}
	return shared > 0
}

// has reports whether the group of a router has the instance that another one has.
func (r *Router) has(in *instance) bool { return slices.Contains(r.instances, r.all[in.at]) }

// ignores reports whether a router may ignore the adverts of an Active of the other version:
// those of a router with the same address, which was cloned, were of its own. So it takes the
// two for one that sends both (RFC 9568 §8.4) until it has missed one advert of its own, and
// the Active sends again.
func (c *Check) ignores(r, o *Router, in *instance) bool {
	theirs := o.all[in.at]
	return theirs.Version != in.Version && slices.ContainsFunc(c.routers[r.at].heard[in.at], func(by heard) bool {
		return by.source == theirs.port.address && c.World.now.Sub(by.at) < 5*by.interval/2+crossing
	})
}

// thinksGone reports whether a router may take a resignation for that of an Active whose
// group has not that instance: it is of an Active of the same priority, and groups are alike
// (docs/architecture.md#cascade). It learns better when it hears the Active again.
func (c *Check) thinksGone(r, o *Router) bool {
	for _, in := range r.instances {
		if !o.has(in) && slices.ContainsFunc(c.routers[r.at].heard[in.at], func(by heard) bool {
			return by.priority == 0 && by.was == o.priority() && c.World.now.Sub(by.ended) < c.heardWithin(r)
		}) {
			return true
		}
	}
	return false
}

// mayPreempt reports whether a router may take over from another that is Active.
func (r *Router) mayPreempt(o *Router) bool {
	in, theirs := r.instances[0], o.instances[0]
	ours, others := r.priority(), o.priority()
	return ours == vrrp.Owner || (in.Preempt || others <= r.cfg[0].Impaired()) && others < ours && theirs.Version == in.Version
}

// tookOver is what a router does that becomes Active.
const tookOver = "took over"

// awake checks that a Backup which has slept does not take over at once from an Active that
// lives, nor fences it: it may only not have heard it. It does where it slept twice in a row.
func (c *Check) awake(r *Router, what string) {
	w, interval := c.World, r.instances[0].Interval
	slept, awake := r.resumed.Sub(r.stopped), w.now.Sub(r.resumed)
	if !w.alike() || !w.disturbed.Equal(r.resumed) || w.Quiet() == 0 || awake > interval || slept < interval+lease.StampEvery+crossing ||
		r.awake < 2*interval || what == tookOver && c.routers[r.at].fence.why == event.LowerPriorityActive {
		return // or it has read that the Active became worse
	}
	for _, o := range w.Routers {
		if o != r && !r.mayPreempt(o) && o.active() && o.healthy() && c.routers[o.at].activeSince.Before(r.stopped) && o.resumed.Before(r.stopped) {
			c.violate("%s %s %v after it had slept for %v, though %s lives", r.Name, what, awake, slept, o.Name)
		}
	}
}

// started checks that a router which becomes Active has waited for its startup_delay,
// whatever it hears.
func (c *Check) started(r *Router) {
	if up := c.World.now.Sub(r.started); up < r.instances[0].StartupDelay {
		c.violate("%s became Active %v after its start", r.Name, up)
	}
}

// delayed checks that it has waited for its preempt_delay if a lower Active is there.
// An owner knows none.
func (c *Check) delayed(r *Router) {
	w := c.World
	ready := w.now.Sub(c.routers[r.at].ready)
	if ready >= r.instances[0].PreemptDelay || r.priority() == vrrp.Owner || w.apart() {
		return
	}
	for _, o := range w.Routers {
		if o != r && o.active() && o.healthy() && c.routers[o.at].activeSince.Before(w.disturbed) {
			c.violate("%s took over from %s %v after its start or fault", r.Name, o.Name, ready)
		}
	}
}

// heard is what a router heard of another one.
type heard struct {
	source   netip.Addr
	priority uint8         // of its last advert
	interval time.Duration // of that
	at       time.Time     // of that
	// When it last resigned or lowered its priority, and the one that it had until then.
	ended time.Time
	was   uint8
}

// hear notes an advert that a router believes.
func (c *Check) hear(r *Router, h *vrrp.Heard) {
	in := r.instance(h.Instance)
	if h.Stale || h.Invalid || h.Version != in.Version {
		return
	}
	all := &c.routers[r.at].heard[in.at]
	var o *heard
	for i := range *all {
		if (*all)[i].source == h.Source {
			o = &(*all)[i]
		}
	}
	switch {
	case o == nil && h.Priority == 0:
		return
	case o == nil:
		*all = append(*all, heard{source: h.Source})
		o = &(*all)[len(*all)-1]
	case o.at.After(h.Cause.At):
		return
	}
	if h.Priority < o.priority {
		o.ended, o.was = h.Cause.At, o.priority
	}
	o.priority, o.interval, o.at = h.Priority, h.Interval, h.Cause.At
}

// unheard checks that a router which becomes Active has not heard, within miss
// intervals, an Active that it has to yield to. A better one that is heard after it speaks
// for it, when it resigns, becomes worse than the router or falls silent: the other yielded
// to it, without a priority 0.
func (c *Check) unheard(r *Router, ours uint8) {
	now := c.World.now
	if now.Sub(r.resumed) < r.instances[0].Interval || ours == vrrp.Owner {
		return // what was queued is read in the order of its kinds, not of its instants
	}
	if now.Sub(c.World.readdressed) < 2*c.Settle() {
		return // it may have heard two routers with one address, or one with two
	}
	for _, in := range r.instances {
		for _, o := range c.routers[r.at].heard[in.at] {
			ago := now.Sub(o.at)
			if o.at.Before(in.joined) || o.at.Before(c.routers[r.at].activeSince) {
				continue // it was another member, of which nothing is known, or was judged when the router was last Active
			}
			yields := o.priority >= ours || !in.Preempt && o.priority > r.cfg[0].Impaired()
			if yields && ago > crossing && ago < time.Duration(in.Miss)*o.interval && !c.endedSince(r, o, ours) && !outdone(o, c.routers[r.at].heard[in.at]) {
				c.violate("%s took over with priority %d, and heard %s with priority %d %v ago%s", r.Name, ours, o.source, o.priority, ago, c.describe())
			}
		}
	}
}

// outdone reports whether a better Active than o was heard on its instance after it, to which
// o yielded. It is judged itself.
func outdone(o heard, all []heard) bool {
	return slices.ContainsFunc(all, func(by heard) bool { return by.priority > o.priority && by.at.After(o.at) })
}

// endedSince reports whether a router with the priority ours has heard the end of an Active
// that was at least as good as o, after it heard o.
func (c *Check) endedSince(r *Router, o heard, ours uint8) bool {
	for _, all := range c.routers[r.at].heard {
		for _, by := range all {
			worse := by.priority <= r.cfg[0].Impaired() || by.priority < ours
			if worse && by.was >= o.priority && !by.ended.Before(o.at) {
				return true
			}
		}
	}
	return false
}
