package sim

import (
	"net/netip"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// BeDeaf makes a port hear nothing, though its link is up, and the receiver notices it
// (a membership that is gone, a filter).
func (p *Port) BeDeaf() {
	w := p.segment.world
	w.disturb()
	p.Deaf, p.noticed = 1, true
	p.router.later(w.between(0, inPlaceWithin), p.tellDeaf)
}

// Listen makes it hear again.
func (p *Port) Listen() {
	w := p.segment.world
	w.disturb()
	p.Deaf, p.noticed = 0, false
	p.router.later(w.between(0, inPlaceWithin), p.tellDeaf)
}

// tellDeaf reports for the instances on a port whether they are deaf.
func (p *Port) tellDeaf() {
	r := p.router
	r.world.disturb() // it moves only now
	for _, m := range r.cfg[0].Members {
		if m.Interface == p.name {
			r.report(vrrp.Condition{
				Cause: r.minter.Cause(r.world.now), Instance: m.Name, Reason: event.Deaf, On: p.noticed,
			})
		}
	}
}

// SetAddress gives a port another source address: that of another router, if two
// machines are cloned.
func (p *Port) SetAddress(a netip.Addr) {
	p.segment.world.disturb()
	p.router.addrs[p.name] = a
	p.router.look(p)
}

// cloned reports whether two ports of a segment have one address, so that their
// routers take each other's adverts for their own.
func (s *Segment) cloned() bool {
	for i, p := range s.ports {
		for _, o := range s.ports[:i] {
			if p.address() == o.address() {
				return true
			}
		}
	}
	return false
}
