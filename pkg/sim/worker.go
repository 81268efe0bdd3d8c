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
	placed  map[string]bool // whose addresses stand, but for what is short
	missing map[string]bool // of which something was last reported to be missing
	turn    map[string]int  // counts what was planned to be reported: the last plan holds
	hung    bool
	queue   []addr.Order // what a worker that hangs has yet to carry out
	obeyed  uint64       // orders
	// attended is set while the loop turns for the worker's sake, as it does several
	// times a second anyway: from when it hangs until it is trusted again.
	attended bool
}

func newWorker() worker {
	return worker{placed: make(map[string]bool), missing: make(map[string]bool), turn: make(map[string]int)}
}

// The times of pkg/addr: what is not in place by then is reported, and how often the
// kernel is asked again.
const (
	inPlaceWithin = time.Second
	againWithin   = 100 * time.Millisecond
	retryEvery    = 250 * time.Millisecond
)

// order gives an order to the worker.
func (r *Router) order(o addr.Order) {
	for _, name := range o.Instances {
		switch o.Kind {
		case addr.Hold:
			r.Held[name] = true
		case addr.Release:
			delete(r.Held, name)
		}
	}
	if !r.worker.hung {
		r.obey(o)
		return
	}
	r.worker.queue = append(r.worker.queue, o)
}

// obey carries an order out.
func (r *Router) obey(o addr.Order) {
	w := &r.worker
	w.obeyed++
	for _, name := range o.Instances {
		switch o.Kind {
		case addr.Hold:
			w.placed[name] = true
			within := inPlaceWithin
			if _, short := r.short[name]; w.missing[name] && short {
				within = againWithin
			} else if w.missing[name] {
				within = time.Millisecond
			}
			r.reportPlaced(name, within)
		case addr.Release:
			delete(w.placed, name)
			w.turn[name]++
		}
	}
	for _, name := range o.Links {
		r.ask(r.ports[name])
	}
}

// reportPlaced reports after a while what an instance that is held lacks, if that is
// news.
func (r *Router) reportPlaced(name string, after time.Duration) {
	r.worker.turn[name]++
	turn := r.worker.turn[name]
	r.later(after, func() {
		w := &r.worker
		if w.turn[name] != turn || w.hung {
			return
		}
		in := vrrp.Placed{Cause: r.minter.Cause(r.world.now), Instance: name}
		degree, short := r.short[name]
		switch {
		case short:
			in.Missing, in.Degree = []string{"something"}, degree
		case !w.missing[name]:
			return
		}
		w.missing[name] = short
		r.report(in)
	})
}

// later does f after d, unless the router has crashed by then.
func (r *Router) later(d time.Duration, f func()) {
	life := r.life
	r.world.After(d, func() {
		if r.life == life && r.core != nil {
			f()
		}
	})
}

// attendSoon is a turn of the loop for its worker's sake. A loop that reads what was
// queued while it stood still ends with one turn for all.
func (r *Router) attendSoon() {
	if !r.reading {
		r.turn()
	}
}

// attend ends a turn of the loop as far as the worker is concerned: its answers are
// looked at, and it is when it next will be.
func (r *Router) attend(out *router.Orders) {
	r.core.Obeyed(r.world.now, r.worker.obeyed, out)
	w := &r.worker
	w.attended = w.hung || w.attended && (r.distrusts() || len(w.queue) > 0)
}

// distrusts reports whether the loop does not trust its worker, since it hung.
func (r *Router) distrusts() bool {
	for _, m := range r.core.Group(0).Status(r.world.now).Members {
		for _, f := range m.Faults {
			if f.Reason == event.WorkerHung {
				return true
			}
		}
	}
	return false
}

// Limp makes it impossible to put in place what an instance should hold, or some of
// it, by its degree: it goes if it is there.
func (r *Router) Limp(name string, degree vrrp.Degree) {
	r.world.disturb()
	r.short[name] = degree
	if r.core != nil && r.worker.placed[name] {
		r.reportPlaced(name, inPlaceWithin)
	}
}

// Mend ends that. Seen tells that the worker notices, of what is not held too, as when
// an interface appears.
func (r *Router) Mend(name string, seen bool) {
	r.world.disturb()
	delete(r.short, name)
	switch w := &r.worker; {
	case r.core == nil:
	case w.placed[name]:
		r.reportPlaced(name, r.world.between(0, retryEvery))
	case seen && w.missing[name]:
		w.missing[name] = false
		r.report(vrrp.Placed{Cause: r.minter.Cause(r.world.now), Instance: name})
	}
}

// HangWorker stops the worker alone.
func (r *Router) HangWorker() {
	r.world.disturb()
	r.worker.hung = true
	r.whenRunning(results, r.attendSoon)
}

// WakeWorker lets it go on with what it was ordered.
func (r *Router) WakeWorker() {
	r.world.disturb()
	if !r.worker.hung {
		return // it crashed meanwhile
	}
	queue := r.worker.queue
	r.worker.hung, r.worker.queue = false, nil
	for _, m := range r.cfg[0].Members {
		if r.worker.placed[m.Name] { // it looks at what went meanwhile
			r.reportPlaced(m.Name, inPlaceWithin)
		}
	}
	for _, o := range queue {
		r.obey(o)
	}
	r.whenRunning(results, r.attendSoon)
}

// serves reports whether clients are served by a router, of each instance at least
// something.
func (r *Router) serves() bool {
	if !r.active() || r.paused {
		return false
	}
	for _, m := range r.cfg[0].Members {
		if degree, short := r.short[m.Name]; short && degree == vrrp.Total || !r.worker.placed[m.Name] {
			return false
		}
	}
	return true
}

// useless reports whether a router can serve nothing of one of its instances.
func (r *Router) useless() bool {
	for _, degree := range r.short {
		if degree == vrrp.Total {
			return true
		}
	}
	return false
}

// priority returns the one that the router has now; that of its configuration while it
// is off.
func (r *Router) priority() uint8 {
	if r.core == nil {
		return r.cfg[0].Members[0].Priority
	}
	return r.core.Group(0).Status(r.world.now).Members[0].EffectivePriority
}
