package receive

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
)

// A firewall of this machine may drop adverts between the link and the raw socket. ripcord
// accepts that: the dropped adverts are not received, and an instance may be Active at the same
// time as another router. But it is reported. If the raw socket has delivered nothing for a
// virtual router lately, the packet socket, which is before the firewall, receives all adverts of
// its VRID. For an Active that is alone there are none, and for a Backup that hears its Active
// they are not watched, so this costs nothing.
//
// Over IPv6 the raw socket also delivers adverts from an address of ours. Only the packet socket
// provides the MAC of their sender, so it receives the next ones.

const (
	// minUndelivered is how many adverts in a row, with none delivered, prove a firewall.
	minUndelivered = 2
	// deliveryTakes is how long the raw socket may take to deliver an advert that the packet
	// socket has received.
	deliveryTakes = 100 * time.Millisecond
	// undeliveredFor is how long an undelivered advert keeps the report in force.
	undeliveredFor = 10 * time.Second
	// maxUndelivered is how many sources are remembered for one virtual router.
	maxUndelivered = 4
	// maxArrivals is how many packets of a link the packet socket reads between two audits. After
	// that it looks for no more adverts until the next audit: it is a flood.
	maxArrivals = 256
)

// deliveries records what the raw socket of a link and family delivers for each virtual router,
// compared with what arrives on the link.
type deliveries struct {
	routers map[string]*delivery // by instance name
	heard   int                  // packets read from the packet socket since the last audit
}

// delivery is the record of one virtual router.
type delivery struct {
	limit    time.Duration // how long no advert is delivered until the packet socket looks for them
	last     time.Time     // when the last one was delivered
	own      time.Time     // when the last one from an address of ours was received
	arrived  time.Time     // when the kernel received that one
	vrid     uint8
	instance string
	missed   int       // adverts that arrived since, at most minUndelivered
	since    time.Time // when there were minUndelivered
	sources  []undeliveredFrom
	dropped  bool // whether a firewall is reported
}

// undeliveredFrom is a router whose adverts arrive and are not delivered.
type undeliveredFrom struct {
	source, dest netip.Addr
	until        time.Time // after which its silence means that it is gone
}

func newDeliveries() *deliveries { return &deliveries{routers: make(map[string]*delivery)} }

// add adds the virtual router of an instance.
func (d *deliveries) add(vrid uint8, instance string, interval time.Duration) {
	d.routers[instance] = &delivery{vrid: vrid, instance: instance, limit: max(auditEvery, 3*interval)}
}

// deliver records that a packet for an instance was delivered, valid or not, which the kernel
// received at the instant arrived. It returns the virtual router if that ends a report.
func (d *deliveries) deliver(instance string, arrived, now time.Time) (over *delivery) {
	v := d.routers[instance]
	if v == nil {
		return nil
	}
	v.last, v.arrived = now, arrived
	if v.missed == 0 && !v.dropped {
		return nil
	}
	return v.end()
}

// receiveOwn records that an advert from an address of ours was received.
func (d *deliveries) receiveOwn(instance string, now time.Time) {
	if v := d.routers[instance]; v != nil {
		v.own = now
	}
}

// end resets the record, and returns the virtual router if a firewall was reported for it.
func (v *delivery) end() (over *delivery) {
	if v.dropped {
		over = v
	}
	v.missed, v.since, v.sources, v.dropped = 0, time.Time{}, nil, false
	return over
}

// succeed moves the records of the virtual routers that stay on the link to next, which may be nil,
// and returns those whose reports end because they are gone.
func (d *deliveries) succeed(next *deliveries) (over []*delivery) {
	for name, v := range d.routers {
		if next != nil && next.routers[name] != nil && next.routers[name].vrid == v.vrid {
			v.limit = next.routers[name].limit
			next.routers[name] = v
		} else if ended := v.end(); ended != nil {
			over = append(over, ended)
		}
	}
	return over
}

// see records an advert that the packet socket received, and that the kernel received at the
// instant arrived. The raw socket delivers it too, sooner or later, unless the firewall drops it.
// If a later one was delivered, so was this one: after a pause of this process, both sockets have
// many.
func (d *deliveries) see(x validate.Arrival, arrived, now time.Time) {
	v := d.routers[x.Instance]
	if v == nil || !arrived.After(v.arrived) {
		return
	}
	if v.missed < minUndelivered {
		if v.missed++; v.missed == minUndelivered {
			v.since = now
		}
	}
	from := undeliveredFrom{x.Source, x.Dest, now.Add(max(undeliveredFor, 3*x.Interval))}
	switch i := slices.IndexFunc(v.sources, func(u undeliveredFrom) bool { return u.source == x.Source }); {
	case i >= 0:
		v.sources[i] = from
	case len(v.sources) < maxUndelivered:
		v.sources = append(v.sources, from)
	}
}

// audit returns the virtual routers whose adverts are dropped, and those whose report ends
// because no adverts arrive any more.
func (d *deliveries) audit(now time.Time) (dropped, over []*delivery) {
	d.heard = 0
	for _, v := range d.routers {
		v.sources = slices.DeleteFunc(v.sources, func(u undeliveredFrom) bool { return now.After(u.until) })
		switch {
		case len(v.sources) == 0:
			if ended := v.end(); ended != nil {
				over = append(over, ended)
			}
		case v.missed == minUndelivered && now.Sub(v.since) >= deliveryTakes:
			dropped = append(dropped, v)
		}
	}
	return dropped, over
}

// restart restarts the count, because the raw socket was closed or its buffer was full. Reports
// stay in force.
func (d *deliveries) restart() {
	for _, v := range d.routers {
		if !v.dropped {
			v.end()
		}
	}
}

// reset resets all records because the link is gone, and returns those that were reported.
func (d *deliveries) reset() (over []*delivery) {
	for _, v := range d.routers {
		v.last = time.Time{}
		if ended := v.end(); ended != nil {
			over = append(over, ended)
		}
	}
	return over
}

// watch returns the VRIDs whose adverts the packet socket must receive: nothing was delivered for
// them lately, or an advert from an address of ours.
func (d *deliveries) watch(now time.Time) (set vridSet) {
	for _, v := range d.routers {
		if now.Sub(v.last) > v.limit || now.Sub(v.own) <= v.limit {
			set.add(v.vrid)
		}
	}
	return set
}

// vridSet is a set of VRIDs.
type vridSet [8]uint32

func (s *vridSet) add(vrid uint8) { s[vrid/32] |= 1 << (vrid % 32) }

func (s *vridSet) has(vrid uint8) bool { return s[vrid/32]&(1<<(vrid%32)) != 0 }

// routable reports whether the kernel delivers packets from source if no firewall drops them. The
// kernel is only asked over IPv4, and not if a report is in force.
func (w *socket) routable(source, dest netip.Addr, reported bool, delivers deliversFunc) bool {
	if w.family == event.IPv6 || reported {
		return true
	}
	delivered, err := delivers(w.link.Index, source, dest)
	return err != nil || delivered
}

// watch makes a packet socket receive the adverts of the given VRIDs of a family.
func (w *socket) watch(f event.Family, set vridSet) {
	a := w.families[f]
	if w.port == nil || a.watched == set {
		return
	}
	a.watched = set
	if w.port.filter() != nil {
		a.watched = vridSet{} // the attached filter stays, and is as good for the sources
	}
}

// watches reports whether the packet socket receives the adverts of an instance from any source.
func (a *adverts) watches(instance string) bool {
	v := a.deliveries.routers[instance]
	return v != nil && a.watched.has(v.vrid)
}
