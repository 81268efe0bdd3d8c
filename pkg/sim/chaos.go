package sim

import (
	"slices"
	"time"

	"ripcord/pkg/wire"
)

// Chaos disturbs a LAN again and again: cables, frames, crashes and pauses, with quiet times
// between.
type Chaos struct {
	World *World
	// Quiet is the duration of the quiet time after some disturbances.
	Quiet time.Duration
	// OnQuiet is called at the end of each quiet time, OnResume when a router that was stopped
	// has just resumed.
	OnQuiet  func()
	OnResume func(*Router)
	// OnDisturbance is called when a disturbance begins or ends, if set.
	OnDisturbance func(what string)
	// Counts has the number of disturbances of each kind.
	Counts map[string]int
	// kinds are the possible disturbances, lasting those that may last through a quiet time.
	kinds, lasting []disturbance
}

// Begin starts the disturbances.
func (c *Chaos) Begin() {
	c.Counts = make(map[string]int)
	c.kinds, c.lasting = slices.Concat(disturbances, orders), slices.Concat([]disturbance{placementFails, deafNoticed}, orders)
	if c.World.window() > 0 {
		c.kinds, c.lasting = slices.Concat(c.kinds, clocks, clocks), append(c.lasting, clocks[0])
	}
	if len(c.World.Routers[0].trackers.checks) > 0 {
		c.kinds, c.lasting = slices.Concat(c.kinds, tracking, tracking), slices.Concat(c.lasting, tracking)
	}
	if c.World.Routers[0].born[0].Fence != nil {
		c.kinds, c.lasting = slices.Concat(c.kinds, fenceTroubles, fenceTroubles), slices.Concat(c.lasting, fenceTroubles)
	}
	if c.World.Routers[0].instances[0].Watching.On() {
		c.kinds, c.lasting = slices.Concat(c.kinds, probing, probing), append(c.lasting, proxy)
	}
	if c.World.Routers[0].instances[0].Version == wire.V3 && c.World.sameInterval() && !c.World.mixed() {
		c.kinds = append(c.kinds, slower)
	}
	c.World.After(c.Quiet, c.burst)
}

// latestStart is the latest start of the last disturbance of a burst.
const latestStart = 20 * time.Second

// long returns how long a disturbance lasts: often too short for a timer to end, rarely longer
// than a hold-off.
func (c *Chaos) long() time.Duration {
	switch n := c.World.rng.IntN(6); {
	case n < 3:
		return c.World.between(5*time.Millisecond, 500*time.Millisecond)
	case n < 5:
		return c.World.between(500*time.Millisecond, 8*time.Second)
	}
	return c.World.between(8*time.Second, 30*time.Second)
}

// burst disturbs the LAN a few times in a row, and repairs everything.
func (c *Chaos) burst() {
	w := c.World
	until := time.Duration(0)
	for range 1 + w.rng.IntN(4) {
		start, long, d := w.between(0, latestStart), c.long(), c.draw()
		begin, end := c.logged(d)
		w.After(start, func() { begin(); w.disturb() })
		w.After(start+long, func() { w.disturb(); end() })
		if d.late > 0 {
			w.After(start+long+d.late, w.disturb)
		}
		until = max(until, start+long+d.late)
	}
	// Sometimes a cable stays out, or another problem remains, while everything else is quiet.
	var out *Port
	mend := func() {}
	switch n := w.rng.IntN(2 + len(c.lasting)); {
	case n == 0:
		out = c.link()
		w.After(until, out.Pull)
		mend = out.Plug
	case n > 1:
		begin, end := c.logged(c.lasting[n-2])
		w.After(until, begin)
		mend = end
	}
	w.After(until+time.Millisecond, func() { c.rest(out, mend) })
}

// draw draws a kind of disturbance.
func (c *Chaos) draw() disturbance {
	d := c.kinds[c.World.rng.IntN(len(c.kinds))]
	c.Counts[d.name]++
	return d
}

// logged returns the functions that begin and end a disturbance, and that call OnDisturbance.
func (c *Chaos) logged(d disturbance) (begin, end func()) {
	where, b, e := d.of(c)
	if c.OnDisturbance == nil {
		return b, e
	}
	what := d.name + " at " + where
	return func() { c.OnDisturbance("begin " + what); b() }, func() { c.OnDisturbance("end " + what); e() }
}

// rest lets the LAN be quiet, checks it, and repairs the remaining problem: the cable that is
// out, if any.
func (c *Chaos) rest(out *Port, mend func()) {
	w := c.World
	for _, s := range w.Segments {
		for _, p := range s.ports {
			if p != out {
				p.Plug()
			}
		}
	}
	w.After(max(w.disturbed.Sub(w.now), 0)+c.Quiet, func() {
		c.OnQuiet()
		c.check(func() {
			mend()
			w.After(w.between(0, latestStart/2), c.burst)
		})
	})
}

// check lets a check fail and recover while everything else is quiet, if the routers have any,
// and then continues: only the priority of a router may change meanwhile.
func (c *Chaos) check(then func()) {
	w := c.World
	if len(w.Routers[0].trackers.checks) == 0 {
		then()
		return
	}
	begin, end := c.logged(tracking[0])
	begin()
	w.After(c.Quiet/2, end)
	w.After(c.Quiet, then)
}

func (c *Chaos) router() *Router { return c.World.Routers[c.World.rng.IntN(len(c.World.Routers))] }

func (c *Chaos) instance() *instance {
	r := c.router()
	return r.instances[c.World.rng.IntN(len(r.instances))]
}

func (c *Chaos) port() *Port { return c.instance().port }

// link returns a port of an instance, or one that is tracked.
func (c *Chaos) link() *Port {
	r := c.router()
	return r.links[c.World.rng.IntN(len(r.links))]
}
