package sim

import (
	"iter"
	"time"

	"ripcord/pkg/vrrp"
)

// check is what a router checks outside the protocol. A crash changes nothing of it.
type check struct {
	router *Router
	name   string
	down   bool
	change int // that it reports, if it reports one
	known  result
}

// result is what the router knows of a check.
type result struct {
	state  vrrp.TrackerState
	change int
}

// checkWithin is how long it may take until a router knows the result of a check.
const checkWithin = 50 * time.Millisecond

// check returns the check of a name; nil if the router has none.
func (r *Router) check(name string) *check {
	for _, c := range r.checks {
		if c.name == name {
			return c
		}
	}
	return nil
}

// set changes what a check finds.
func (c *check) set(down bool, change int) {
	note := c.router.world.disturb
	if c.router.weighs(c.name) {
		note = c.router.world.shift
	}
	note()
	c.router.world.external.count++
	c.down, c.change = down, change
	c.reportLater(note)
}

// reportLater has the router learn what a check finds by then. note notes that it moves
// only then.
func (c *check) reportLater(note func()) {
	r := c.router
	r.later(r.world.between(0, checkWithin), func() {
		r.whenRunning(results, func() {
			note()
			c.known = result{vrrp.TrackerUp, c.change}
			if c.down {
				c.known.state = vrrp.TrackerDown
			}
			r.absorb(vrrp.Tracked{Cause: r.minter.Cause(r.world.now), Check: c.name, State: c.known.state, Change: c.change})
		})
	})
}

// trackers returns all entries of the lists of a group and its members.
func trackers(g *vrrp.Group) iter.Seq[vrrp.Tracker] {
	return func(yield func(vrrp.Tracker) bool) {
		for _, t := range g.Track {
			if !yield(t) {
				return
			}
		}
		for i := range g.Members {
			for _, t := range g.Members[i].Track {
				if !yield(t) {
					return
				}
			}
		}
	}
}

// weighs reports whether a check changes nothing but the priority.
func (r *Router) weighs(name string) bool {
	for t := range trackers(&r.cfg[0]) {
		if t.Kind == vrrp.TrackCheck && t.Name == name && t.Weight == 0 {
			return false
		}
	}
	return true
}

// reports reports whether a check reports what it adds to the priority.
func (r *Router) reports(name string) bool {
	for t := range trackers(&r.cfg[0]) {
		if t.Kind == vrrp.TrackCheck && t.Name == name && t.Reported {
			return true
		}
	}
	return false
}

// setWeight gives the first tracker of a router's group another weight; 0: its failure is
// a fault.
func (r *Router) setWeight(weight int) {
	r.Reload(func(g *vrrp.Group) { g.Track[0].Weight = weight })
}

// view says of a tracker whether it is down, and what it reports, as it is or as a router
// knows it; waits, that the router has no result yet.
type view func(t vrrp.Tracker) (down bool, change int, waits bool)

// truth is the view of somebody who sees all.
func (r *Router) truth(t vrrp.Tracker) (down bool, change int, waits bool) {
	if t.Kind == vrrp.TrackInterface {
		return !r.Port(t.Name).plugged, 0, false
	}
	c := r.check(t.Name)
	return c.down, c.change, false
}

// knowledge is the view of the router.
func (r *Router) knowledge(t vrrp.Tracker) (down bool, change int, waits bool) {
	if t.Kind == vrrp.TrackInterface {
		return !r.Port(t.Name).known, 0, false
	}
	k := r.check(t.Name).known
	return k.state == vrrp.TrackerDown, k.change, k.state == vrrp.TrackerWaiting
}

// barred reports whether a tracker without a weight keeps a router from serving: one of a
// member, or of the group any or all of them.
func (r *Router) barred(v view) bool {
	g := &r.cfg[0]
	for i := range g.Members {
		for _, t := range g.Members[i].Track {
			if down, _, waits := v(t); t.Weight == 0 && !waits && down != t.Reverse {
				return true
			}
		}
	}
	failed, of := 0, 0
	for _, t := range g.Track {
		down, _, waits := v(t)
		switch {
		case t.Weight != 0:
		case t.Reported && down:
			return true
		case t.Reported:
		default:
			of++
			if !waits && down != t.Reverse {
				failed++
			}
		}
	}
	return failed > 0 && (!g.FaultAll || failed == of)
}

// waits reports whether a check has no result yet.
func (r *Router) waits() bool {
	for t := range trackers(&r.cfg[0]) {
		if _, _, waits := r.knowledge(t); waits {
			return true
		}
	}
	return false
}

// weighed returns the priority that a router has by its configuration and what it knows of
// what it tracks: each tracker counts once, however often it is listed.
func (r *Router) weighed() uint8 {
	own := int(r.cfg[0].Members[0].Priority)
	if own == vrrp.Owner {
		return vrrp.Owner
	}
	counted := make(map[vrrp.Tracker]bool)
	for t := range trackers(&r.cfg[0]) {
		down, change, waits := r.knowledge(t)
		if counted[t] || waits {
			continue
		}
		counted[t] = true
		switch bad := down != t.Reverse; {
		case t.Reported && !bad:
			own += change
		case t.Weight > 0 && !bad, t.Weight < 0 && bad:
			own += t.Weight
		}
	}
	least := 1
	if r.cfg[0].LastStanding {
		least = vrrp.ImpairedLastStanding + 1
	}
	return uint8(min(max(own, least), vrrp.Owner-1))
}
