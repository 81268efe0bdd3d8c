package sim

import (
	"time"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/router"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// read is the first turn of a loop that stood still.
func (r *Router) read() {
	queued := r.queue
	r.queue = [classes][]func(){}
	r.reading = true
	for _, class := range queued {
		for _, do := range class {
			do()
		}
	}
	r.reading = false
	r.turn()
}

// running reports whether the router's loop runs.
func (r *Router) running() bool { return r.core != nil && !r.paused && r.hung.IsZero() }

// whenRunning does f now, or when the loop goes on.
func (r *Router) whenRunning(c class, f func()) {
	switch {
	case r.core == nil:
	case !r.running():
		r.queue[c] = append(r.queue[c], f)
	default:
		f()
	}
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

// report gives a result to the loop, after what it does now.
func (r *Router) report(in vrrp.Result) {
	r.later(0, func() { r.whenRunning(results, func() { r.absorb(in) }) })
}

// look makes the router see what a link is like.
func (r *Router) look(p *Port) {
	r.whenRunning(links, func() {
		r.seq++
		link := event.Link{
			Cause: r.minter.Cause(r.world.now), Seq: r.seq, Name: p.name, Index: 1,
			Usable: p.plugged, AdminUp: true, Carrier: p.plugged, Downs: p.downs - p.counted,
		}
		if p.address.Is4() {
			link.Primary4 = p.address
		} else {
			link.LinkLocal6 = p.address
		}
		r.judge.Learn(link)
		p.known, p.counted, p.seen = p.plugged, p.downs, link
		p.seen.Downs = 0
		r.absorb(vrrp.LinkSeen{Link: link})
	})
}

// receive takes a frame from the wire. A loop that hangs does not keep the
// receiver from judging it.
func (r *Router) receive(p *Port, f *frame) {
	if r.core == nil || r.frozen {
		return
	}
	at, stamp := r.world.now, r.wall(r.world.now)
	switch {
	case r.paused:
		r.queue[adverts] = append(r.queue[adverts], func() {
			if h, ok := r.hear(p, f, at, stamp); ok {
				r.absorbHeard(h)
			}
		})
	case !r.hung.IsZero():
		if h, ok := r.hear(p, f, at, stamp); ok {
			r.queue[adverts] = append(r.queue[adverts], func() { r.absorbHeard(h) })
		}
	default:
		if h, ok := r.hear(p, f, at, stamp); ok {
			r.absorbHeard(h)
		}
	}
}

func (r *Router) absorbHeard(h vrrp.Heard) {
	if r.world.onHear != nil {
		r.world.onHear(r, &h)
	}
	r.absorb(h)
}

// hear judges a frame that came at the instant at, when the wall clock was stamp, and is
// read now.
func (r *Router) hear(p *Port, f *frame, at, stamp time.Time) (vrrp.Heard, bool) {
	now := r.world.now
	f.packet(&r.packet, p.name, now.Add(-min(now.Sub(at), time.Second)), stamp)
	v := r.judge.Accept(&r.packet, now)
	r.publish(v.Events)
	return v.Heard, v.Valid
}

func (r *Router) publish(events []event.Event) {
	if r.world.OnEvent == nil {
		return
	}
	for _, e := range events {
		r.world.OnEvent(r, e)
	}
}

// acceptor judges the adverts for all instances, and remembers nothing yet.
func (r *Router) acceptor() *validate.Acceptor {
	return validate.New(r.configs(), stats.Map(nil), new(stats.Counters), r.minter, r.wall)
}

// absorb is a turn of the router's loop for one input, or a part of one.
func (r *Router) absorb(in vrrp.Input) {
	r.core.Absorb(r.world.now, in, r.collect())
	r.give()
	if !r.reading {
		r.turn()
	}
}

// waking is how late the loop wakes at the most, where the engine, which has a
// thread of its own, is in time.
const waking = 300 * time.Microsecond

// wake is a turn of the loop since a timer has ended.
func (r *Router) wake() {
	if r.running() {
		r.turn()
	}
}

// turn ends timers, and plans the next wake-up.
func (r *Router) turn() {
	w := r.world
	out := r.collect()
	r.attend(out)
	r.core.Tick(w.now, out)
	r.give()
	if w.OnTurn != nil {
		w.OnTurn(r)
	}
	at, ok := r.core.Deadline()
	if !ok {
		at = w.now.Add(time.Hour)
	}
	if next := w.now.Add(lease.StampEvery); r.worker.attended && next.Before(at) {
		at = next
	}
	r.wakeUp.set(at.Sub(w.now) + w.between(0, waking))
}

// collect returns the orders of the router, empty: whatever the core wants done next is
// added to them.
func (r *Router) collect() *router.Orders {
	o := &r.orders
	*o = router.Orders{Adverts: o.Adverts[:0], Addresses: o.Addresses[:0], Events: o.Events[:0]}
	return o
}

// give carries the orders out: the engine, the addresses and the verifiers.
func (r *Router) give() {
	out := &r.orders
	r.advertise(out.Adverts)
	r.core.Ordered(r.world.now, out)
	for _, o := range out.Addresses {
		r.order(order{Order: o})
	}
	if len(out.Ask) > 0 {
		r.order(order{ask: out.Ask})
	}
	r.publish(out.Events)
	for _, f := range out.Fences {
		r.fence(f)
	}
	if v := out.Verify; v != nil {
		r.verify(v)
	}
}

// verify answers when the links have been asked; the sockets of this world
// have no backlog.
func (r *Router) verify(v *router.Verify) {
	life := r.life
	var answer func()
	answer = func() {
		switch {
		case r.life != life:
			return
		case r.paused:
			r.asleep = append(r.asleep, answer)
			return
		}
		for _, name := range v.Interfaces {
			if p := r.Port(name); p.plugged != p.known {
				r.look(p)
			}
		}
		for _, by := range []vrrp.Verifier{vrrp.Confirmer, vrrp.Receiver} {
			r.whenRunning(results, func() { r.absorb(vrrp.Answered{Ticket: v.Ticket, By: by}) })
		}
	}
	took := r.world.between(50*time.Microsecond, time.Millisecond)
	if w := r.world; w.Slow > 0 && w.rng.Float64() < w.Slow {
		took = w.between(took, max(took, min(patience, w.shortest())/2))
	}
	r.world.After(took, answer)
}

// patience is how long the verifiers are waited for at most (docs/architecture.md#link-state).
const patience = 100 * time.Millisecond
