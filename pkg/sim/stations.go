package sim

import (
	"time"

	"ripcord/pkg/vrrp"
)

// again is how often stations are asked at least (docs/architecture.md#link-state).
const again = 500 * time.Millisecond

// meet remembers who is on the other side of a port, as the address worker does.
func (r *Router) meet(p, other *Port) {
	if r.core == nil {
		return
	}
	if r.met[p] == nil {
		r.met[p] = make(map[*Port]bool)
	}
	r.met[p][other] = true
}

// ask asks the stations that are remembered at a port. Its question is heard by
// all, who so meet the router.
func (r *Router) ask(p *Port) {
	s, life := p.segment, r.life
	if !p.forwards() || s.chance(p.Mute) {
		return
	}
	for _, to := range s.ports {
		if to == p || !to.forwards() || to.router.core == nil || to.router.frozen || s.chance(s.Loss) || s.chance(to.Deaf) {
			continue
		}
		to.router.meet(to, p)
		if r.met[p][to] && !s.chance(to.Mute) {
			r.answered(p, life)
		}
	}
	if s.Host && !s.chance(s.Loss) {
		r.answered(p, life)
	}
}

// answered delivers an answer after the way there and back.
func (r *Router) answered(p *Port, life int) {
	s := p.segment
	if s.chance(s.Loss) || s.chance(p.Deaf) {
		return
	}
	s.world.After(s.world.between(100*time.Microsecond, 600*time.Microsecond+2*s.Delay), func() {
		if r.life != life || r.frozen || !p.forwards() {
			return
		}
		at := s.world.now
		r.whenRunning(results, func() {
			at := s.world.now.Add(-min(s.world.now.Sub(at), time.Second))
			r.absorb(vrrp.Forwards{Cause: r.minter.Cause(at), Interface: p.name})
		})
	})
}
