package sim

import (
	"math/bits"
	"slices"
	"time"

	"ripcord/pkg/vrrp"
)

// moves counts the transitions of a router that followed one disturbance of a LAN that is
// sound.
type moves struct {
	after uint64 // the number of disturbances until then
	count int
}

const (
	// mostMoves is how often a router moves at most for one disturbance: out of Active and
	// into Backup, and the same once more where three routers of equal priority sort
	// themselves out.
	mostMoves = 4
	// mostTries is how much more often it moves each time that a router which lacks something,
	// or whose sends have failed, tries anew, or is switched off by a fence.
	mostTries = 3
	// leastHoldOff is the first hold-off of such a router; each is twice as long as the one
	// before.
	leastHoldOff = 10 * time.Second
)

// moved counts a transition of a router, and checks that the disturbance before it has not
// caused too many. While frames get lost, or are late, each loss may move it.
func (c *Check) moved(r *Router) {
	w, m := c.World, &c.routers[r.at].moves
	if w.calm() == 0 || w.now.Before(w.late) {
		return
	}
	if m.after != w.external.count {
		*m = moves{after: w.external.count}
	}
	m.count++
	most, since := mostMoves+mostTries*w.external.fenced, w.now.Sub(w.external.at)
	if slices.ContainsFunc(w.Routers, (*Router).triesAgain) {
		most += mostTries * bits.Len(1+uint(since/leastHoldOff))
	}
	if m.count > most {
		c.violate("%s has moved %d times in %v since the last disturbance, want at most %d%s", r.Name, m.count, since, most, c.describe())
	}
}

// triesAgain reports whether a router may find out again and again that it lacks something, or
// that its sends fail.
func (r *Router) triesAgain() bool {
	return r.lacks() || slices.ContainsFunc(r.ports, func(p *Port) bool { return r.world.now.Before(p.mended.Add(longestHoldOff)) })
}

// rested checks that a router which becomes Active again was not for its Skew_Time at least,
// whatever is lost: only an owner, and the only Backup of a resigned Active, wait for
// nothing.
func (c *Check) rested(r *Router, priority uint8) {
	if c.World.now.Sub(r.resumed) < r.instances[0].Interval || r.instances[0].Routers == 2 || c.routers[r.at].changed.After(c.routers[r.at].leftAt) {
		return // what it has just read is older, or its Skew_Time was another
	}
	least := vrrp.SkewTime(priority, c.World.shortest())
	if ago := c.World.now.Sub(c.routers[r.at].leftAt); ago < least && priority != vrrp.Owner {
		c.violate("%s is Active again after %v, and its Skew_Time is %v", r.Name, ago, least)
	}
}
