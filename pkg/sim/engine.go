package sim

import (
	"errors"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/vrrp"
)

// advertise gives orders to the plan and carries the turn out.
func (r *Router) advertise(orders []advert.Order) {
	if len(orders) == 0 {
		return
	}
	given := make([]advert.Given, len(orders))
	for i, o := range orders {
		given[i] = advert.Given{Order: o, At: r.world.now}
		switch in := r.instance(o.Instance); o.Kind {
		case advert.Start:
			if in.armed = o.When; o.When.IsZero() {
				in.advertised, in.begun = true, r.world.now
			}
		case advert.Resign, advert.Mute, advert.Disarm:
			in.advertised, in.silenced = false, r.world.now
		}
	}
	r.engine(given)
}

// engine is a turn of the advert engine. The lease was last stamped when the
// loop began to hang.
func (r *Router) engine(given []advert.Given) {
	now := r.world.now
	turn := r.plan.Turn(now, r.stamp(), given)
	for i := range turn.Batch {
		r.send(&turn.Batch[i])
	}
	r.settle()
	for _, rep := range turn.Reports {
		r.reportTurn(rep)
	}
	r.setAlarm()
}

// reportTurn reports what the engine found out. If the lease is lost, the address worker,
// which reads it too, releases.
func (r *Router) reportTurn(rep advert.Report) {
	cause := r.minter.Cause(r.world.now)
	if !rep.LeaseLost {
		r.report(vrrp.Stalled{Cause: cause, Instance: rep.Instance, Gap: rep.Gap})
		return
	}
	in := r.instance(rep.Instance)
	in.advertised = false
	in.release()
	in.held = false
	r.report(vrrp.LeaseLost{Cause: cause, Instance: rep.Instance, Gap: rep.Gap})
}

// setAlarm plans the next turn of the engine, in place of the one that was planned.
func (r *Router) setAlarm() {
	if at, ok := r.plan.Next(r.stamp()); ok {
		r.alarm.set(at.Sub(r.world.now))
	} else {
		r.alarm.stop()
	}
}

// due runs the engine if anything is due: the lease may have been stamped since.
func (r *Router) due() {
	if r.paused || r.core == nil {
		return
	}
	if at, ok := r.plan.Next(r.stamp()); ok && !at.After(r.world.now.Add(time.Nanosecond)) {
		r.engine(nil)
		return
	}
	r.setAlarm()
}

var errRefused = errors.New("refused")

// send hands a message to the kernel.
func (r *Router) send(m *advert.Message) {
	in := r.instance(m.Instance)
	if r.world.onFrame != nil {
		r.world.onFrame(in, m)
	}
	if p := in.port; p.Refuses {
		m.Err = errRefused
	} else {
		p.segment.carry(p, in.frameOf(m))
	}
}

// settle reports what became of the messages of a turn.
func (r *Router) settle() {
	for m, s := range r.plan.Settle {
		if s.Before > 0 || s.Now > 0 {
			r.report(vrrp.Sends{Cause: r.minter.Cause(r.world.now), Instance: m.Instance, To: m.To, InRow: s.Now})
		}
		if s.Last && (m.Occasion == advert.Trial || m.Occasion == advert.First) {
			r.report(r.plan.Probed(m, r.minter.Cause(r.world.now)))
		}
	}
}

// stamp returns when the loop last stamped the lease: a loop that does not hang does
// so all the time.
func (r *Router) stamp() time.Time {
	if r.hung.IsZero() {
		return r.world.now
	}
	return r.hung
}
