package sim

import (
	"time"

	"ripcord/pkg/advert"
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

// whenRunning does f now, or when the loop goes on.
func (r *Router) whenRunning(c class, f func()) {
	switch {
	case r.core == nil:
	case r.paused || !r.hung.IsZero():
		r.queue[c] = append(r.queue[c], f)
	default:
		f()
	}
}

// look makes the router see what a link is like.
func (r *Router) look(p *Port) {
	r.whenRunning(links, func() {
		r.seq++
		link := event.Link{
			Cause: r.minter.Cause(r.world.now), Seq: r.seq, Name: p.name, Index: 1,
			Usable: p.plugged, AdminUp: true, Carrier: p.plugged, Downs: p.downs - r.downs[p.name],
		}
		if a := r.addrs[p.name]; a.Is4() {
			link.Primary4 = a
		} else {
			link.LinkLocal6 = a
		}
		r.judge.Learn(link)
		r.known[p.name], r.downs[p.name] = p.plugged, p.downs
		r.absorb(vrrp.LinkSeen{Link: link})
	})
}

// receive takes a frame from the wire. A loop that hangs does not keep the
// receiver from judging it.
func (r *Router) receive(p *Port, f frame) {
	if r.core == nil || r.frozen {
		return
	}
	at := r.world.now
	if r.paused {
		r.whenRunning(adverts, func() {
			if h, ok := r.hear(p, f, at); ok {
				r.absorb(h)
			}
		})
	} else if h, ok := r.hear(p, f, at); ok {
		r.whenRunning(adverts, func() { r.absorb(h) })
	}
}

// hear judges a frame that came at the instant at, and is read now.
func (r *Router) hear(p *Port, f frame, at time.Time) (vrrp.Heard, bool) {
	now := r.world.now
	v := r.judge.Accept(f.packet(p.name, now.Add(-min(now.Sub(at), time.Second))), now)
	if r.world.OnEvent != nil {
		for _, e := range v.Events {
			r.world.OnEvent(r, e)
		}
	}
	return v.Heard, v.Valid
}

// acceptor judges the adverts for all instances, and remembers nothing yet.
func (r *Router) acceptor() *advert.Acceptor {
	var all []*vrrp.Instance
	for _, g := range r.cfg {
		for i := range g.Members {
			all = append(all, &g.Members[i])
		}
	}
	return advert.NewAcceptor(all, nil, new(stats.Counters), r.minter)
}

// absorb is a turn of the router's loop for one input, or a part of one.
func (r *Router) absorb(in vrrp.Input) {
	var out router.Orders
	r.core.Absorb(r.world.now, in, &out)
	r.give(&out)
	if !r.reading {
		r.turn()
	}
}

// waking is how late the loop wakes at the most, where the engine, which has a
// thread of its own, is in time.
const waking = 300 * time.Microsecond

// turn ends timers, and plans the next wake-up.
func (r *Router) turn() {
	var out router.Orders
	r.attend(&out)
	r.core.Tick(r.world.now, &out)
	r.give(&out)
	if r.world.OnTurn != nil {
		r.world.OnTurn(r)
	}
	at, ok := r.core.Deadline()
	if !ok {
		at = r.world.now.Add(time.Hour)
	}
	if next := r.world.now.Add(lease.StampEvery); r.worker.attended && next.Before(at) {
		at = next
	}
	r.wake = at
	life := r.life
	r.world.After(at.Sub(r.world.now)+r.world.between(0, waking), func() {
		if r.life == life && !r.paused && r.hung.IsZero() && r.wake.Equal(at) {
			r.turn()
		}
	})
}

// give carries out orders: the engine, the addresses and the verifiers.
func (r *Router) give(out *router.Orders) {
	r.advertise(out.Adverts)
	r.core.Ordered(r.world.now, out.Addresses)
	for _, o := range out.Addresses {
		r.order(o)
	}
	for _, e := range out.Events {
		if r.world.OnEvent != nil {
			r.world.OnEvent(r, e)
		}
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
			if p := r.ports[name]; p.plugged != r.known[name] {
				r.look(p)
			}
		}
		for _, by := range []vrrp.Verifier{vrrp.Confirmer, vrrp.Receiver} {
			r.whenRunning(results, func() { r.absorb(vrrp.Answered{Ticket: v.Ticket, By: by}) })
		}
	}
	took := r.world.between(50*time.Microsecond, time.Millisecond)
	if w := r.world; w.Slow > 0 && w.rng.Float64() < w.Slow {
		took = w.between(took, max(took, min(patience, r.cfg[0].Members[0].Interval)/2))
	}
	r.world.After(took, answer)
}

// patience is how long the verifiers are waited for at most (docs/architecture.md#link-state).
const patience = 100 * time.Millisecond
