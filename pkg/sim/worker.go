package sim

import (
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
)

// worker is the address worker of a router, as far as its loop has to do with it: it
// carries out orders, reports what cannot be put in place, and may hang.
type worker struct {
	hung    bool
	queue   []order // what a worker that hangs has yet to carry out
	carried uint64  // number of orders that it has carried out
	// attended is set while the loop turns for the worker's sake, as it does several
	// times a second anyway: from when it hangs until it is trusted again.
	attended bool
	// trusted is when it last was trusted again. One that hangs often is only after a
	// pause, which may end when all has been quiet for long.
	trusted time.Time
}

// The times of pkg/addr: what is not in place by then is reported, and how often the
// kernel is asked again.
const (
	inPlaceWithin = time.Second
	againWithin   = 100 * time.Millisecond
	retryEvery    = 250 * time.Millisecond
)

// order is an order for addresses or, if ask is not empty, the links whose stations are
// asked.
type order struct {
	addr.Order
	ask  []string
	gone []*instance // that the group has no more, of a new configuration
}

// order gives an order to the worker.
func (r *Router) order(o order) {
	if o.Kind == addr.Configure {
		o.gone = r.gone()
	}
	for _, in := range o.gone {
		in.held = false
	}
	for _, name := range o.Instances {
		switch in := r.instance(name); o.Kind {
		case addr.Hold:
			in.held = true
		case addr.Release:
			in.held = false
		}
	}
	if r.worker.hung {
		r.worker.queue = append(r.worker.queue, o)
		return
	}
	r.carryOut(o)
}

// carryOut carries an order out.
func (r *Router) carryOut(o order) {
	r.worker.carried++
	for _, name := range o.Instances {
		switch in := r.instance(name); o.Kind {
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
		r.Port(name).ask()
	}
}

// place adds the addresses of an instance, and reports what is missing: sooner if
// something was when it last reported.
func (in *instance) place() {
	in.placed = true
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
	in.plans++
}

// reportPlaced reports after a while what an instance that is held lacks, if that is
// news.
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
		r.report(placed)
	})
}

// turnForWorker is a turn of the loop for its worker's sake. A loop that reads what was
// queued while it stood still ends with one turn for all.
func (r *Router) turnForWorker() {
	if !r.reading {
		r.turn()
	}
}

// attend ends a turn of the loop as far as the worker is concerned: its answers are
// looked at, and it is decided when they next will be.
func (r *Router) attend(out *router.Orders) {
	r.core.Executed(r.world.now, r.worker.carried, out)
	w := &r.worker
	attended := w.hung || w.attended && (r.distrusts() || len(w.queue) > 0)
	if w.attended && !attended {
		w.trusted = r.world.now
	}
	w.attended = attended
}

// distrusts reports whether the loop does not trust its worker, since it hung.
func (r *Router) distrusts() bool {
	if !r.worker.attended {
		return false
	}
	for _, m := range r.group().Status(r.world.now).Members {
		for _, f := range m.Faults {
			if f.Reason == event.WorkerHung {
				return true
			}
		}
	}
	return false
}

// FailPlacement makes it impossible to put in place some of what an instance should
// hold, or all of it: what stands of that goes.
func (r *Router) FailPlacement(name string, missing vrrp.Degree) {
	r.world.disturb()
	in := r.instance(name)
	in.fails, in.missing = true, missing
	if r.core != nil && in.placed {
		in.reportPlaced(inPlaceWithin)
	}
}

// RestorePlacement ends that. With seen the worker notices it, of what is not held
// too, as when an interface appears.
func (r *Router) RestorePlacement(name string, seen bool) {
	r.world.disturb()
	in := r.instance(name)
	in.fails = false
	switch {
	case r.core == nil:
	case in.placed:
		in.reportPlaced(r.world.between(0, retryEvery))
	case seen && in.reported:
		in.reported = false
		r.report(vrrp.Placed{Cause: r.minter.Cause(r.world.now), Instance: name})
	}
}

// HangWorker stops the worker alone.
func (r *Router) HangWorker() {
	r.world.disturb()
	r.worker.hung = true
	r.whenRunning(results, r.turnForWorker)
}

// WakeWorker lets it go on with what it was ordered.
func (r *Router) WakeWorker() {
	r.world.disturb()
	if !r.worker.hung {
		return // it crashed meanwhile
	}
	queue := r.worker.queue
	r.worker.hung, r.worker.queue = false, nil
	for _, in := range r.instances {
		if in.placed { // it looks at what went meanwhile
			in.reportPlaced(inPlaceWithin)
		}
	}
	for _, o := range queue {
		r.carryOut(o)
	}
	r.whenRunning(results, r.turnForWorker)
}

// serves reports whether clients are served by a router, of each instance at least
// something.
func (r *Router) serves() bool {
	if r.core == nil || r.paused || !r.active() {
		return false
	}
	for _, in := range r.instances {
		if in.fails && in.missing == vrrp.Total || !in.placed {
			return false
		}
	}
	return true
}

// servesNothing reports whether a router can put in place nothing of what one of its
// instances advertises.
func (r *Router) servesNothing() bool {
	for _, in := range r.instances {
		if in.fails && in.missing == vrrp.Total {
			return true
		}
	}
	return false
}

// lacks reports whether a router lacks anything of what it should hold.
func (r *Router) lacks() bool {
	for _, in := range r.instances {
		if in.fails {
			return true
		}
	}
	return false
}

// mayBeImpaired reports whether a router lacks something as far as it knows.
func (r *Router) mayBeImpaired() bool {
	for _, m := range r.group().Status(r.world.now).Members {
		if len(m.Missing) > 0 {
			return true
		}
	}
	return false
}

// priority returns the one that the router has now; that of its configuration while it
// is off.
func (r *Router) priority() uint8 {
	if r.core == nil {
		return r.instances[0].Priority
	}
	return r.group().Priority()
}
