package sim

import (
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/vrrp"
)

// advertise gives orders to the plan and carries the turn out.
func (r *Router) advertise(orders []advert.Order) {
	for _, o := range orders {
		switch o.Kind {
		case advert.Start:
			r.Sending[o.Instance] = true
		case advert.Resign, advert.Mute:
			delete(r.Sending, o.Instance)
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

// engine is a turn of the advert engine. The loop of this world never hangs, so
// that the lease is always fresh.
func (r *Router) engine(given []advert.Given) {
	now := r.world.now
	turn := r.plan.Turn(now, now, given)
	for i := range turn.Batch {
		m := &turn.Batch[i]
		for _, g := range r.cfg {
			for _, in := range g.Members {
				if in.Virtual.Instance == m.Instance {
					p := r.ports[in.Interface]
					p.segment.carry(p, frame{append([]byte(nil), m.Payload...), m.Source})
				}
			}
		}
	}
	reports := append([]advert.Report(nil), turn.Reports...)
	if at, ok := r.plan.Next(now); ok {
		life := r.life
		r.world.After(at.Sub(now), func() {
			if r.life == life {
				r.whenRunning(func() { r.due() })
			}
		})
	}
	for _, rep := range reports {
		r.world.After(0, func() {
			r.whenRunning(func() {
				r.absorb(vrrp.Stalled{Cause: r.minter.Cause(r.world.now), Instance: rep.Instance, Gap: rep.Gap})
			})
		})
	}
}

// due runs the engine if anything is due: an earlier wake-up may have done it.
func (r *Router) due() {
	if at, ok := r.plan.Next(r.world.now); ok && !at.After(r.world.now.Add(time.Nanosecond)) {
		r.engine(nil)
	}
}
