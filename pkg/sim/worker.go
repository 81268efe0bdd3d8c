package sim

import (
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
)

// worker is the address worker of a router, as far as its loop depends on it: it carries out
// orders, reports objects that cannot be put in place, and may hang.
type worker struct {
	router  *Router
	hung    bool
	queue   []order // orders that a hanging worker has yet to carry out
	carried uint64  // number of orders that it has carried out
	// attended is set while the loop turns because of the worker, as the real loop does several
	// times a second anyway: from when it hangs until it is trusted again.
	attended bool
	// trusted is when it was last trusted again. A worker that hangs often is only trusted after
	// a pause, which may end when the LAN has been quiet for a long time.
	trusted time.Time
}

// These are the times of pkg/addr: when missing objects are reported, and how often the kernel is
// asked again.
const (
	inPlaceWithin = time.Second
	againWithin   = 100 * time.Millisecond
	retryEvery    = 250 * time.Millisecond
)

// order is an order for addresses or, if ask is not empty, the links whose stations are asked.
type order struct {
	addr.Order
	ask  []string
	gone []*instance // for a new configuration: instances that the group no longer has
}

// order passes an order to the worker.
func (k *worker) order(o order) {
	if o.Kind == addr.Configure {
		o.gone = k.router.gone
	}
	for _, in := range o.gone {
		in.held = false
	}
	for _, name := range o.Instances {
		switch in := k.router.instance(name); o.Kind {
		case addr.Hold:
			in.held = true
		case addr.Release:
			in.held = false
		}
	}
	if k.hung {
		k.queue = append(k.queue, o)
		return
	}
	k.carryOut(o)
}

// carryOut carries out an order.
func (k *worker) carryOut(o order) {
	k.carried++
	for _, name := range o.Instances {
		switch in := k.router.instance(name); o.Kind {
		case addr.Hold:
			in.place()
		case addr.Release:
			in.release()
		}
	}
	for _, in := range o.gone {
		in.release()
	}
	for _, name := range o.ask {
		k.router.Port(name).ask()
	}
}

// attend ends the part of a turn of the loop that concerns the worker: its answers are read, and
// the next reading is planned.
func (k *worker) attend(out *router.Orders) {
	now := k.router.world.now
	k.router.core.Executed(now, k.carried, out)
	attended := k.hung || k.attended && (k.distrusted() || len(k.queue) > 0)
	if k.attended && !attended {
		k.trusted = now
	}
	k.attended = attended
}

// distrusted reports whether the loop does not trust the worker because it hung.
func (k *worker) distrusted() bool {
	if !k.attended {
		return false
	}
	for i := range k.router.groups {
		for _, m := range k.router.core.Group(i).Status(k.router.world.now).Members {
			for _, f := range m.Faults {
				if f.Reason == event.WorkerHung {
					return true
				}
			}
		}
	}
	return false
}

// hang stops the worker.
func (k *worker) hang() {
	k.hung = true
	k.router.loop.whenRunning(results, k.router.loop.endTurn)
}

// wake lets it continue with its orders.
func (k *worker) wake() {
	if !k.hung {
		return // it crashed meanwhile
	}
	queue := k.queue
	k.hung, k.queue = false, nil
	for _, in := range k.router.instances {
		if in.placed { // it examines what was lost meanwhile
			in.reportPlaced(inPlaceWithin)
		}
	}
	for _, o := range queue {
		k.carryOut(o)
	}
	k.router.loop.whenRunning(results, k.router.loop.endTurn)
}

// loopHangs lets the worker notice that the loop hangs: it wakes when the lease of an instance is
// lost, at the latest as long after the loop stopped.
func (k *worker) loopHangs() {
	r := k.router
	for _, in := range r.instances {
		hung := r.loop.hung
		r.later(k.limit(in)-k.unstamped(), func() {
			if r.loop.hung.Equal(hung) && !k.hung {
				k.loseLease(in, r.world.now.Sub(hung))
			}
		})
	}
}

// resume lets the worker wake after a pause of the process, for which it had not planned. Like the
// engine it takes the loop for hung only if its own wake-up was nearly in time, and it knows
// nothing of what the engine concludes.
func (k *worker) resume(since time.Time) {
	r := k.router
	planned := make(map[time.Duration]time.Time)
	for _, in := range r.instances {
		limit := k.limit(in)
		if planned[limit].IsZero() {
			planned[limit] = since.Add(r.world.between(0, limit))
		}
		var watch lease.Watch
		watch.Plan(planned[limit])
		watch.Woke(r.world.now)
		stamp := since.Add(-k.unstamped())
		if !planned[limit].After(r.world.now) && watch.Expired(r.world.now, stamp, limit) && !k.hung {
			k.loseLease(in, r.world.now.Sub(stamp))
		}
	}
}

// limit returns the age at which the lease of an instance is lost.
func (k *worker) limit(in *instance) time.Duration { return lease.Limit(in.Miss, in.Interval) }

// unstamped returns how long before it stopped the loop may have stamped its lease.
func (k *worker) unstamped() time.Duration {
	return k.router.world.between(0, k.router.core.StampEvery())
}

// loseLease releases an instance without an order. The loop, which stands still, reads the report
// when it runs again.
func (k *worker) loseLease(in *instance, gap time.Duration) {
	if !in.placed {
		return
	}
	in.release()
	in.held = false
	l := &k.router.loop
	lost := vrrp.LeaseLost{Cause: k.router.minter.Cause(k.router.world.now), Instance: in.Name, Gap: gap}
	l.queue[results] = append(l.queue[results], func() { l.absorb(lost) })
}

// place adds the addresses of an instance, and reports what is missing: sooner if something was
// missing when it last reported.
func (in *instance) place() {
	in.placed = true
	in.review()
	switch {
	case !in.reported:
		in.reportPlaced(inPlaceWithin)
	case in.fails:
		in.reportPlaced(againWithin)
	default:
		in.reportPlaced(time.Millisecond)
	}
}

func (in *instance) release() {
	in.placed = false
	in.review()
	in.plans++
}

// reportPlaced reports after a while what a held instance lacks, if that has changed.
func (in *instance) reportPlaced(after time.Duration) {
	in.plans++
	r, plan := in.router, in.plans
	r.later(after, func() {
		if in.plans != plan || r.worker.hung || !in.fails && !in.reported {
			return
		}
		placed := vrrp.Placed{Cause: r.minter.Cause(r.world.now), Instance: in.Name}
		if in.fails {
			placed.Missing, placed.Degree = []string{"something"}, in.missing
		}
		in.reported = in.fails
		r.loop.report(placed)
	})
}

// fail makes it impossible to put some or all of the objects of an instance in place: those that
// are in place are removed.
func (in *instance) fail(missing vrrp.Degree) {
	in.fails, in.missing = true, missing
	in.review()
	if in.router.core != nil && in.placed {
		in.reportPlaced(inPlaceWithin)
	}
}

// restore ends that. With seen the worker notices it, even if the instance is not held, as when
// an interface appears.
func (in *instance) restore(seen bool) {
	r := in.router
	in.fails = false
	in.review()
	switch {
	case r.core == nil:
	case in.placed:
		in.reportPlaced(r.world.between(0, retryEvery))
	case seen && in.reported:
		in.reported = false
		r.loop.report(vrrp.Placed{Cause: r.minter.Cause(r.world.now), Instance: in.Name})
	}
}
