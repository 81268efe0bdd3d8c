package sim

import (
	"errors"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/vrrp"
)

// engine is the advert engine of a router: the plan, and its own thread, which wakes for the plan
// and sends.
type engine struct {
	router *Router
	plan   *advert.Plan
	alarm  *timer
}

// start begins with an empty plan.
func (e *engine) start() { e.plan = advert.NewPlan(e.router.clock.at) }

// advertise passes orders to the plan and carries out the turn.
func (e *engine) advertise(orders []advert.Order) {
	if len(orders) == 0 {
		return
	}
	now := e.router.world.now
	given := make([]advert.Given, len(orders))
	for i, o := range orders {
		given[i] = advert.Given{Order: o, At: now}
		switch in := e.router.instance(o.Instance); o.Kind {
		case advert.Start:
			if in.armed = o.When; o.When.IsZero() {
				in.advertised, in.begun = true, now
			}
		case advert.Resign, advert.Mute, advert.Disarm:
			in.advertised, in.silenced = false, now
			in.forget()
		}
	}
	e.turn(given)
}

// turn is a turn of the engine. The lease was last stamped when the loop began to hang.
func (e *engine) turn(given []advert.Given) {
	turn := e.plan.Turn(e.router.world.now, e.router.loop.stamped(), given)
	for i := range turn.Batch {
		e.send(&turn.Batch[i])
	}
	e.settle()
	for _, rep := range turn.Reports {
		e.report(rep)
	}
	e.setAlarm()
}

// report reports the findings of the engine. The address worker reads the lease by itself.
func (e *engine) report(rep advert.Report) {
	r := e.router
	cause := r.minter.Cause(r.world.now)
	if !rep.LeaseLost {
		r.loop.report(vrrp.Stalled{Cause: cause, Instance: rep.Instance, Gap: rep.Gap})
		return
	}
	in := r.instance(rep.Instance)
	in.advertised = false
	in.forget()
	r.loop.report(vrrp.LeaseLost{Cause: cause, Instance: rep.Instance, Gap: rep.Gap, Resigned: true})
}

// setAlarm plans the next turn of the engine, and replaces the planned one.
func (e *engine) setAlarm() {
	if at, ok := e.plan.Next(e.router.loop.stamped()); ok {
		e.alarm.set(at.Sub(e.router.world.now))
	} else {
		e.alarm.stop()
	}
}

// wake runs the engine if something is due: the lease may have been stamped since.
func (e *engine) wake() {
	r := e.router
	if r.paused || r.core == nil {
		return
	}
	if at, ok := e.plan.Next(r.loop.stamped()); ok && !at.After(r.world.now.Add(time.Nanosecond)) {
		e.turn(nil)
		return
	}
	e.setAlarm()
}

var errRefused = errors.New("refused")

// send passes a message to the kernel.
func (e *engine) send(m *advert.Message) {
	in := e.router.instance(m.Instance)
	if w := e.router.world; w.onFrame != nil {
		w.onFrame(in, m)
	}
	if p := in.port; p.Refuses {
		m.Err = errRefused
	} else {
		p.segment.carry(p, in.frameOf(m))
	}
}

// settle reports the outcomes of the messages of a turn.
func (e *engine) settle() {
	r := e.router
	for m, s := range e.plan.Settle {
		if s.Whole && (m.Occasion == advert.First || m.Occasion == advert.Repeat) {
			r.instance(m.Instance).note(m.Priority())
		}
		if s.Before > 0 || s.Now > 0 {
			r.loop.report(vrrp.Sends{Cause: r.minter.Cause(r.world.now), Instance: m.Instance, To: m.To, InRow: s.Now})
		}
		if s.Last && (m.Occasion == advert.Trial || m.Occasion == advert.First) {
			r.loop.report(e.plan.Probed(m, r.minter.Cause(r.world.now)))
		}
	}
}
