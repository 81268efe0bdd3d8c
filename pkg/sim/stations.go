package sim

import (
	"time"

	"ripcord/pkg/vrrp"
)

// again is how often stations are asked at least (docs/architecture.md#link-state).
const again = 500 * time.Millisecond

// meet remembers the router on the other side of a port, as the address worker does.
func (p *Port) meet(other *Port) {
	if p.router.core == nil {
		return
	}
	for len(p.met) < len(p.segment.ports) { // a router may have been added since
		p.met = append(p.met, false)
	}
	p.met[other.at] = true
}

// ask asks the stations that are remembered at a port. All stations receive its request, and so
// remember the router.
func (p *Port) ask() {
	s, life := p.segment, p.router.life
	if !p.forwards() || s.world.chance(p.Mute) {
		return
	}
	for _, to := range s.ports {
		if to == p || s.cut(p, to) || !to.forwards() || !to.router.up() || to.router.frozen || s.world.chance(s.Loss) || s.world.chance(to.Deaf) {
			continue
		}
		to.meet(p)
		if to.at < len(p.met) && p.met[to.at] && !s.world.chance(to.Mute) {
			p.answered(life)
		}
	}
	if s.Host && !s.world.chance(s.Loss) {
		p.answered(life)
	}
}

// answered delivers an answer after the way there and back.
func (p *Port) answered(life int) {
	s, r := p.segment, p.router
	if s.world.chance(s.Loss) || s.world.chance(p.Deaf) {
		return
	}
	s.world.After(s.world.between(100*time.Microsecond, 600*time.Microsecond+2*s.Delay), func() {
		if r.life != life || r.frozen || !p.forwards() {
			return
		}
		at := s.world.now
		r.loop.whenRunning(results, func() {
			at := s.world.now.Add(-min(s.world.now.Sub(at), time.Second))
			p.proved = at
			r.loop.absorb(vrrp.Forwards{Cause: r.minter.Cause(at), Interface: p.name})
		})
	})
}
