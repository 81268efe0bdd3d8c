package sim

import (
	"errors"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/vrrp"
)

// advertise gives orders to the plan and carries the turn out.
func (r *Router) advertise(orders []advert.Order) {
	for _, o := range orders {
		switch o.Kind {
		case advert.Start:
			if r.armed[o.Instance] = o.When; o.When.IsZero() {
				r.Sending[o.Instance] = true
			}
		case advert.Resign, advert.Mute, advert.Disarm:
			delete(r.Sending, o.Instance)
			r.silenced[o.Instance] = r.world.now
		}
	}
	if len(orders) > 0 {
		given := make([]advert.Given, len(orders))
		for i, o := range orders {
			given[i] = advert.Given{Order: o, At: r.world.now}
		}
		r.engine(given)
	}
}

// engine is a turn of the advert engine. The lease was last stamped when the
// loop began to hang.
func (r *Router) engine(given []advert.Given) {
	now := r.world.now
	turn := r.plan.Turn(now, r.stamp(), given)
	for i := range turn.Batch {
		r.send(&turn.Batch[i])
	}
	for _, rep := range turn.Reports {
		in := vrrp.Result(vrrp.Stalled{Cause: r.minter.Cause(now), Instance: rep.Instance, Gap: rep.Gap})
		if rep.LeaseLost { // the address worker, which reads the lease too, releases
			in = vrrp.LeaseLost{Cause: r.minter.Cause(now), Instance: rep.Instance, Gap: rep.Gap}
			delete(r.Sending, rep.Instance)
			delete(r.Held, rep.Instance)
			delete(r.worker.placed, rep.Instance)
			r.worker.turn[rep.Instance]++
		}
		r.report(in)
	}
	r.rest()
}

// rest plans the next turn of the engine; the one that was planned before is void.
func (r *Router) rest() {
	at, ok := r.plan.Next(r.stamp())
	if !ok {
		return
	}
	r.alarm++
	alarm, life := r.alarm, r.life
	r.world.After(at.Sub(r.world.now), func() {
		if r.life == life && r.alarm == alarm && !r.paused {
			r.due()
		}
	})
}

var errRefused = errors.New("refused")

// send hands a message to the kernel.
func (r *Router) send(m *advert.Message) {
	p := r.places[m.Instance]
	if r.world.OnFrame != nil {
		r.world.OnFrame(r, m.Instance, m.Occasion)
	}
	if p.Refuses {
		m.Err = errRefused
	} else {
		p.segment.carry(p, newFrame(m))
	}
	s := m.Settle()
	if s.Before > 0 || s.Now > 0 {
		r.report(vrrp.Sends{Cause: r.minter.Cause(r.world.now), Instance: m.Instance, To: m.To, InRow: s.Now})
	}
	if s.Last && (m.Occasion == advert.Trial || m.Occasion == advert.First) {
		r.report(m.Probed(r.minter.Cause(r.world.now)))
	}
}

// report gives a result to the loop, after what it does now.
func (r *Router) report(in vrrp.Result) {
	life := r.life
	r.world.After(0, func() {
		if r.life == life {
			r.whenRunning(results, func() { r.absorb(in) })
		}
	})
}

// due runs the engine if anything is due: the lease may have been stamped since.
func (r *Router) due() {
	if at, ok := r.plan.Next(r.stamp()); ok && !at.After(r.world.now.Add(time.Nanosecond)) {
		r.engine(nil)
		return
	}
	r.rest()
}

// stamp is when the loop last stamped the lease: a loop that does not hang does
// so all the time.
func (r *Router) stamp() time.Time {
	if r.hung.IsZero() {
		return r.world.now
	}
	return r.hung
}
