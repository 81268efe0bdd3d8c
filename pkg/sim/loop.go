package sim

import (
	"time"

	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
)

// loop is the loop of a router: it reads inputs in the order of their classes, passes them to the
// core, and sends out the orders.
type loop struct {
	router  *Router
	orders  router.Orders
	queue   [classes][]func() // inputs that arrived while it stood still
	reading bool              // the queue: no timer ends before all inputs are read
	wakeUp  *timer
	hung    time.Time // since when it hangs; zero if it does not
}

// class is a kind of inputs, in the order in which the loop reads them.
type class int

const (
	links class = iota
	results
	adverts
	classes
)

// start discards what an earlier run of the router left.
func (l *loop) start() { l.queue, l.hung = [classes][]func(){}, time.Time{} }

// running reports whether the loop runs.
func (l *loop) running() bool { return l.router.core != nil && !l.router.paused && l.hung.IsZero() }

// whenRunning calls f now, or when the loop runs again.
func (l *loop) whenRunning(c class, f func()) {
	switch {
	case l.router.core == nil:
	case !l.running():
		l.queue[c] = append(l.queue[c], f)
	default:
		f()
	}
}

// report reports a result to the loop, after its present work.
func (l *loop) report(in vrrp.Result) {
	l.router.later(0, func() { l.whenRunning(results, func() { l.absorb(in) }) })
}

// absorb is a turn of the loop for one input, or a part of one.
func (l *loop) absorb(in vrrp.Input) {
	l.router.core.Absorb(l.router.world.now, in, l.collect())
	l.give()
	l.endTurn()
}

// endTurn ends a turn. A loop that reads inputs that were queued while it stood still ends with
// one turn for all of them.
func (l *loop) endTurn() {
	if !l.reading {
		l.turn()
	}
}

// read is the first turn of a loop that stood still.
func (l *loop) read() {
	queued := l.queue
	l.queue = [classes][]func(){}
	l.reading = true
	for _, class := range queued {
		for _, do := range class {
			do()
		}
	}
	l.reading = false
	l.turn()
}

// slept lets the loop find out that it has stood still since some instant: its alarm was set to a
// while after that.
func (l *loop) slept(since time.Time) {
	w := l.router.world
	core := l.router.core
	if late := w.now.Sub(since) - w.between(0, core.StampEvery()); late > 0 {
		core.Slept(w.now, late, late+core.StampEvery(), l.collect())
		l.give()
	}
}

// waking is how late the loop wakes at most while the engine, which has its own thread, is in
// time.
const waking = 300 * time.Microsecond

// wake is a turn of the loop after a timer has ended.
func (l *loop) wake() {
	if l.running() {
		l.turn()
	}
}

// turn ends timers, and plans the next wake-up.
func (l *loop) turn() {
	r, w := l.router, l.router.world
	out := l.collect()
	r.worker.attend(out)
	r.core.Tick(w.now, out)
	l.give()
	if w.OnTurn != nil {
		w.OnTurn(r)
	}
	at, ok := r.core.Deadline()
	if !ok {
		at = w.now.Add(time.Hour)
	}
	if r.worker.attended {
		at = r.core.Wake(w.now)
	}
	l.wakeUp.set(at.Sub(w.now) + w.between(0, waking))
}

// collect returns the orders of the router, empty: the next effects of the core are added to
// them.
func (l *loop) collect() *router.Orders {
	o := &l.orders
	*o = router.Orders{Adverts: o.Adverts[:0], Addresses: o.Addresses[:0], Events: o.Events[:0]}
	return o
}

// give sends out the orders: to the engine, the address worker, the verifiers and the fence
// command.
func (l *loop) give() {
	r, out := l.router, &l.orders
	r.engine.advertise(out.Adverts)
	r.core.Ordered(r.world.now, out)
	for _, o := range out.Addresses {
		r.worker.order(order{Order: o})
	}
	if len(out.Ask) > 0 {
		r.worker.order(order{ask: out.Ask})
	}
	r.watcher.watch(out.Watches)
	r.publish(out.Events)
	for _, e := range out.Records {
		r.instance(e.Instance.Name).recorded = e.Actives
	}
	for _, f := range out.Fences {
		r.fence.run(f)
	}
	r.receiver.filter.order(out.Summaries)
	if v := out.Verify; v != nil {
		r.monitor.verify(v)
	}
}

// stamped returns when the loop last stamped the lease: a loop that does not hang does so all the
// time.
func (l *loop) stamped() time.Time {
	if l.hung.IsZero() {
		return l.router.world.now
	}
	return l.hung
}
