package router

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/machine"
)

// The address worker may be stuck in a system call, and then judges nothing any more,
// not even that an address is missing. So the loop waits for each order to be carried
// out, and for no longer than workerLimit: a group that moved and whose addresses did
// not move with it gives up being Active, and no other group takes over meanwhile.
// A group that was Active before the worker hung stays so: its addresses stand, and
// could not be removed either.

const (
	// workerLimit is how long an order may take. After half of it the worker itself
	// reports what is not in place.
	workerLimit = 2 * time.Second
	// A worker that hangs again within hangsAgain is not trusted as soon as it goes
	// on, but after a pause that doubles each time.
	hangsAgain, leastPause, mostPause = 5 * time.Minute, 10 * time.Second, 5 * time.Minute
)

// awaited are the orders for the address worker that are not carried out yet.
type awaited struct {
	given uint64                    // number of orders, so far
	open  []waiting                 // the oldest first
	hung  map[*machine.Machine]bool // groups that were told; nil while the worker goes on
	since time.Time                 // hung: when the oldest order was given

	looked time.Time     // when the loop last turned
	goesOn time.Time     // hung: when all was carried out after all; zero: it is not
	ended  time.Time     // when the worker last stopped being hung; zero: it never hung
	pause  time.Duration // from goesOn until it is trusted
}

// waiting is an order that was given and not carried out yet.
type waiting struct {
	number uint64
	at     time.Time
	moves  []*machine.Machine // groups whose addresses it adds or removes
}

// Ordered notes the orders for the address worker that were given at now.
func (c *Core) Ordered(now time.Time, out *Orders) {
	for _, o := range out.Addresses {
		w := waiting{at: now}
		if o.Kind == addr.Hold || o.Kind == addr.Release {
			for _, name := range o.Instances {
				i, ok := c.byInstance[name]
				if ok && (len(w.moves) == 0 || w.moves[len(w.moves)-1] != c.groups[i]) {
					w.moves = append(w.moves, c.groups[i])
				}
			}
		}
		c.awaited.add(w)
	}
	if len(out.Ask) > 0 {
		c.awaited.add(waiting{at: now})
	}
}

func (a *awaited) add(w waiting) {
	a.given++
	w.number = a.given
	a.open = append(a.open, w)
}

// Executed learns that the worker has carried out so many orders by now, and raises or
// ends the fault of a worker that hangs.
func (c *Core) Executed(now time.Time, orders uint64, out *Orders) {
	a := &c.awaited
	a.look(now)
	for len(a.open) > 0 && a.open[0].number <= orders {
		a.open[0] = waiting{}
		a.open = a.open[1:]
	}
	overdue := len(a.open) > 0 && now.Sub(a.open[0].at) >= workerLimit
	switch {
	case overdue:
		c.workerHangs(now, out)
	case a.hung == nil:
	case len(a.open) > 0:
		a.goesOn = time.Time{}
	case a.goesOn.IsZero():
		a.goesOn = now
		fallthrough
	default:
		if !now.Before(a.goesOn.Add(a.pause)) {
			c.workerGoesOn(now, out)
		}
	}
}

// workerHangs raises the fault in each group that waits for its addresses, and in
// each that might take over.
func (c *Core) workerHangs(now time.Time, out *Orders) {
	a := &c.awaited
	if a.hung == nil {
		a.hung, a.since = make(map[*machine.Machine]bool), a.open[0].at
		switch {
		case a.ended.IsZero() || now.Sub(a.ended) > hangsAgain:
			a.pause = 0
		default:
			a.pause = min(max(leastPause, 2*a.pause), mostPause)
		}
	}
	a.goesOn = time.Time{}
	for _, w := range a.open {
		if now.Sub(w.at) < workerLimit {
			break
		}
		for _, g := range w.moves {
			c.workerFault(g, now, true, out)
		}
	}
	for _, g := range c.groups {
		if !g.Serving() {
			c.workerFault(g, now, true, out)
		}
	}
}

func (c *Core) workerGoesOn(now time.Time, out *Orders) {
	for _, g := range c.groups { // not the map, whose order is chance
		if c.awaited.hung[g] {
			c.workerFault(g, now, false, out)
		}
	}
	c.awaited.hung, c.awaited.ended, c.awaited.goesOn = nil, now, time.Time{}
}

// workerFault raises the fault in all members of a group, or ends it.
func (c *Core) workerFault(g *machine.Machine, now time.Time, on bool, out *Orders) {
	i := slices.Index(c.groups, g)
	if i < 0 || on && c.awaited.hung[g] { // a reload may have removed it
		return
	}
	c.awaited.hung[g] = on
	why := ""
	if on {
		why = fmt.Sprintf("addresses are neither added nor removed: the kernel has kept the thread that does so in a system call for %v; "+
			"look for what holds the kernel's network lock (stacks in /proc/PID/task/*/stack), and restart ripcord if it does not end",
			now.Sub(c.awaited.since).Round(time.Millisecond))
	}
	cause := c.minter.Cause(now)
	for _, m := range g.Config().Members {
		c.step(i, now, vrrp.Condition{Cause: cause, Instance: m.Name, Reason: event.WorkerHung, Err: why, On: on}, out)
	}
}

// look notes that the loop turns. It does so several times a second: if it has not,
// the process stood still, and the worker had no time either.
func (a *awaited) look(now time.Time) {
	if gap := now.Sub(a.looked); !a.looked.IsZero() && gap > 2*lease.StampEvery {
		for i := range a.open {
			a.open[i].at = a.open[i].at.Add(gap)
		}
	}
	a.looked = now
}
