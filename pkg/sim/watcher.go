package sim

import (
	"net/netip"

	"ripcord/pkg/event"
	"ripcord/pkg/liveness"
	"ripcord/pkg/vrrp"
)

// watcher watches the machines of Actives for a router: the daemon's table, on this LAN. A loop
// that hangs does not block it.
type watcher struct {
	router *Router
	table  *liveness.Table
	wakeUp *timer
}

// start discards what an earlier run of the router knew.
func (v *watcher) start() {
	v.table = liveness.NewTable(v.router.world.now, v.beside)
	v.wakeUp.stop()
}

// mac returns the MAC of a machine, on any of its links; the number of a host is above those of
// routers.
func mac(n int) [6]byte { return [6]byte{0: 2, 5: byte(n + 1)} }

// host returns the address of the host of a segment.
func (s *Segment) host() netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, 1}) }

// see passes the state of a link to the table.
func (v *watcher) see(p *Port, l event.Link) {
	l.Index, l.HardwareAddr = p.index(), mac(v.router.at)
	v.table.Link(l)
}

// index returns the number of a port among those of its router.
func (p *Port) index() int {
	for i, o := range p.router.links {
		if o == p {
			return i + 1
		}
	}
	return 0
}

// beside returns the stations that the router has met on a link, except the given machine.
func (v *watcher) beside(link string, machine [6]byte, n int) (list []netip.Addr) {
	p := v.router.Port(link)
	for _, o := range p.segment.ports {
		if a := o.sources.first(v.router.all[0].Family); o.at < len(p.met) && p.met[o.at] && a.IsValid() && mac(o.router.at) != machine {
			list = append(list, a)
		}
	}
	if p.segment.Host {
		list = append(list, p.segment.host())
	}
	return list[:min(n, len(list))]
}

// watch carries out orders of the loop.
func (v *watcher) watch(orders []vrrp.Watch) {
	for _, o := range orders {
		v.table.Watch(v.router.world.now, o)
	}
	if len(orders) > 0 {
		v.turn()
	}
}

// turn handles what is due and asks again, unless the process is stopped.
func (v *watcher) turn() {
	r := v.router
	if r.core == nil || r.paused {
		return
	}
	questions := v.table.Turn(r.world.now)
	for i := range questions {
		questions[i].Sent(r.world.now)
		v.ask(&questions[i])
	}
	for _, w := range v.table.Results() {
		w.Cause = r.minter.Cause(r.world.now)
		r.loop.report(w)
	}
	if at, ok := v.table.Deadline(); ok {
		v.wakeUp.set(at.Sub(r.world.now))
	} else {
		v.wakeUp.stop()
	}
}

// ask sends a request, which each machine with the address answers, since its kernel answers
// whatever its process does.
func (v *watcher) ask(q *liveness.Question) {
	p, w := v.router.Port(q.Link.Name), v.router.world
	s := p.segment
	if !p.forwards() || w.chance(p.Mute) {
		return
	}
	all := q.MAC == [6]byte{}
	for _, to := range s.ports {
		machine := mac(to.router.at)
		if to == p || !to.sources.has(q.Station) || !all && q.MAC != machine || s.cut(p, to) {
			continue
		}
		v.cross(p, to, q.Station, machine)
	}
	host := mac(len(w.Routers))
	if (s.Host && q.Station == s.host() || s.Proxy) && (all || q.MAC == host) {
		v.cross(p, nil, q.Station, host)
	}
}

// cross carries a request to the machine at a port, or to the host of the segment, and its answer
// back if the machine gives one when the request arrives.
func (v *watcher) cross(p, to *Port, station netip.Addr, machine [6]byte) {
	r, s, w := v.router, p.segment, v.router.world
	if s.losesQuestion() {
		return
	}
	life := r.life
	w.After(s.transit(), func() {
		if to != nil && !to.answers() || s.losesQuestion() {
			return
		}
		w.After(s.transit(), func() {
			if r.life == life && r.core != nil && !r.frozen && p.forwards() && !w.chance(p.Deaf) {
				v.table.Heard(liveness.Answer{Index: p.index(), Address: station, MAC: machine})
			}
		})
	})
}

// losesQuestion reports whether a request, or its answer, is lost.
func (s *Segment) losesQuestion() bool { return s.world.chance(s.Loss) || s.world.chance(s.ARPLoss) }

// answers reports whether the machine of a port answers a request that has just arrived.
func (p *Port) answers() bool {
	w, r := p.segment.world, p.router
	return p.forwards() && r.up() && !r.frozen && !w.chance(p.Deaf) && !w.chance(p.Mute)
}
