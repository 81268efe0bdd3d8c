package router

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/machine"
)

// The address worker may be stuck in a system call. Then it reports nothing any more, not even
// that an address is missing. So the loop waits for each order to be carried out, and for no
// longer than workerLimit: a group that moved and whose addresses did not move with it yields,
// and no other group takes over meanwhile. A group that was Active before the worker hung stays
// Active: its addresses are in place, and could not be removed either.

const (
	// workerLimit is how long an order may take. After half of it the worker itself reports which
	// objects are not in place.
	workerLimit = 2 * time.Second
	// A worker that hangs again within hangsAgain is not trusted as soon as it works again, but
	// after a pause that doubles each time.
	hangsAgain, minPause, maxPause = 5 * time.Minute, 10 * time.Second, 5 * time.Minute
	// lookEvery is how often the loop turns at least while it waits for the worker.
	lookEvery = 250 * time.Millisecond
)

// awaited are the orders for the address worker that have not been carried out yet.
type awaited struct {
	given uint64                    // the number of orders so far
	open  []waiting                 // the oldest first
	hung  map[*machine.Machine]bool // groups with the fault worker-hung; nil while the worker works
	since time.Time                 // if hung: when the oldest order was sent

	turned   time.Time     // when the loop last turned
	finished time.Time     // if hung: when all orders had been carried out after all; zero if they have not
	ended    time.Time     // when the worker last stopped being hung; zero if it never hung
	pause    time.Duration // from finished until the worker is trusted again
}

// any reports whether the loop waits for the worker, or does not trust it yet.
func (a *awaited) any() bool { return len(a.open) > 0 || a.hung != nil }

// waiting is an order that has not been carried out yet.
type waiting struct {
	number uint64
	at     time.Time
	moves  []*machine.Machine // groups whose addresses it adds or removes
}

// Ordered records the orders that the address worker received at now.
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

// Executed records that the worker has carried out the given number of orders by now, and raises
// or ends the fault of a worker that hangs.
func (c *Core) Executed(now time.Time, orders uint64, out *Orders) {
	a := &c.awaited
	a.noteTurn(now)
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
		a.finished = time.Time{}
	case a.finished.IsZero():
		a.finished = now
		fallthrough
	default:
		if !now.Before(a.finished.Add(a.pause)) {
			c.workerRecovered(now, out)
		}
	}
}

// workerHangs raises the fault in each group that waits for its addresses, and in each that might
// take over.
func (c *Core) workerHangs(now time.Time, out *Orders) {
	a := &c.awaited
	if a.hung == nil {
		a.hung, a.since = make(map[*machine.Machine]bool), a.open[0].at
		switch {
		case a.ended.IsZero() || now.Sub(a.ended) > hangsAgain:
			a.pause = 0
		default:
			a.pause = min(max(minPause, 2*a.pause), maxPause)
		}
	}
	a.finished = time.Time{}
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

func (c *Core) workerRecovered(now time.Time, out *Orders) {
	for _, g := range c.groups { // not over the map, whose order is random
		if c.awaited.hung[g] {
			c.workerFault(g, now, false, out)
		}
	}
	c.awaited.hung, c.awaited.ended, c.awaited.finished = nil, now, time.Time{}
}

// workerFault raises or ends the fault worker-hung in all members of a group.
func (c *Core) workerFault(g *machine.Machine, now time.Time, on bool, out *Orders) {
	i := slices.Index(c.groups, g)
	if i < 0 || on && c.awaited.hung[g] { // a reload may have removed it
		return
	}
	c.awaited.hung[g] = on
	why := ""
	if on {
		why = fmt.Sprintf("addresses are neither added nor removed: the system call that does so has not returned for %v; "+
			"find out what holds the kernel's network lock (stacks in /proc/PID/task/*/stack), and restart ripcord if the call does not return",
			now.Sub(c.awaited.since).Round(time.Millisecond))
	}
	cause := c.minter.Cause(now)
	for _, m := range g.Config().Members {
		c.step(i, now, vrrp.Condition{Cause: cause, Instance: m.Name, Reason: event.WorkerHung, Err: why, On: on}, out)
	}
}

// noteTurn records that the loop turns, which it does in each lookEvery while it waits. If it has not,
// the process stood still, and the worker had no time either.
func (a *awaited) noteTurn(now time.Time) {
	if gap := now.Sub(a.turned); !a.turned.IsZero() && gap > 2*lookEvery {
		for i := range a.open {
			w := &a.open[i]
			w.at = w.at.Add(min(gap, now.Sub(w.at))) // an order may have been given since
		}
	}
	a.turned = now
}
