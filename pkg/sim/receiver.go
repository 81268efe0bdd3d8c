package sim

import (
	"time"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// receiver checks the adverts that reach a router.
type receiver struct {
	router *Router
	judge  *validate.Acceptor
	packet validate.Packet // the present packet
	filter filter
}

// start checks for all instances, without any memory.
func (v *receiver) start() {
	r := v.router
	v.judge = validate.New(r.configs(), stats.Map(nil), new(stats.Counters), r.minter, r.clock.at)
	v.filter.start()
}

// reconfigure checks for the present instances; what is known of links and senders stays.
func (v *receiver) reconfigure() {
	v.judge = v.judge.Succeed(v.router.configs(), stats.Map(nil))
	for _, p := range v.router.links {
		v.judge.Learn(p.seen)
	}
	v.filter.reconfigure()
}

// receive receives a frame from the wire. A loop that hangs does not keep the receiver from
// checking it.
func (v *receiver) receive(p *Port, f *frame) {
	r := v.router
	if r.core == nil || r.frozen {
		return
	}
	if v.filter.drops(p, f) {
		return
	}
	at, stamp, l := r.world.now, r.clock.at(r.world.now), &r.loop
	if r.paused {
		v.filter.waiting++
		l.queue[adverts] = append(l.queue[adverts], func() {
			v.filter.waiting--
			if h, ok := v.hear(p, f, at, stamp); ok {
				v.absorb(h)
			}
		})
		return
	}
	h, ok := v.hear(p, f, at, stamp)
	switch {
	case !ok:
	case !l.hung.IsZero():
		l.queue[adverts] = append(l.queue[adverts], func() { v.absorb(h) })
	default:
		v.absorb(h)
	}
}

// absorb passes an accepted advert to the loop.
func (v *receiver) absorb(h vrrp.Heard) {
	if w := v.router.world; w.onHear != nil {
		w.onHear(v.router, h)
	}
	v.router.loop.absorb(h)
}

// hear checks a frame that arrived at the instant at, when the wall clock was stamp, and is read
// now.
func (v *receiver) hear(p *Port, f *frame, at, stamp time.Time) (vrrp.Heard, bool) {
	now := v.router.world.now
	f.packet(&v.packet, p.name, now.Add(-min(now.Sub(at), time.Second)), stamp)
	if s := v.filter.slotOf(p, f); s != nil && s.run.Expecting() {
		v.filter.take()
	}
	verdict := v.judge.Accept(&v.packet, now)
	if verdict.Valid && verdict.Heard.Priority == 0 {
		v.filter.take()
	}
	v.filter.read(p, f, &verdict)
	v.router.publish(verdict.Events)
	return verdict.Heard, verdict.Valid
}
