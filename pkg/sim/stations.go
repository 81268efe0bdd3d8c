package sim

import (
	"time"

	"ripcord/pkg/vrrp"
)

// again is how often stations are asked at least (docs/architecture.md#link-state).
const again = 500 * time.Millisecond

// meet remembers who is on the other side of a port, as the address worker does.
func (p *Port) meet(other *Port) {
	if p.router.core != nil {
		p.met[other.at] = true
	}
}

// ask asks the stations that are remembered at a port. Its question is heard by
// all, who so meet the router.
func (p *Port) ask() {
	s, life := p.segment, p.router.life
	if !p.forwards() || s.chance(p.Mute) {
		return
	}
	for _, to := range s.ports {
		if to == p || !to.forwards() || to.router.core == nil || to.router.frozen || s.chance(s.Loss) || s.chance(to.Deaf) {
			continue
		}
		to.meet(p)
		if p.met[to.at] && !s.chance(to.Mute) {
			p.answered(life)
		}
	}
	if s.Host && !s.chance(s.Loss) {
		p.answered(life)
	}
}

// answered delivers an answer after the way there and back.
func (p *Port) answered(life int) {
	s, r := p.segment, p.router
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
			p.proved = at
			r.absorb(vrrp.Forwards{Cause: r.minter.Cause(at), Interface: p.name})
		})
	})
}
