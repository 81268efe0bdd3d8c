package receive

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
	"ripcord/pkg/rawsock"
)

// A firewall of this machine may drop adverts behind the link and ahead of the raw
// socket. It is respected: what it drops is not heard, and an instance may be Active beside
// another router. But that is reported. The adverts of virtual routers of which the raw
// socket has delivered nothing lately are looked for by the packet socket that hears what
// comes from our own addresses, too, which is ahead of the firewall: for an Active that
// is alone and for a Backup that hears its Active there are none, so looking costs
// nothing.

const (
	// undeliveredEnough is how many adverts in a row, with none delivered, are a firewall.
	undeliveredEnough = 2
	// deliveryTakes is how long the raw socket may take to deliver what the packet socket
	// has heard.
	deliveryTakes = 100 * time.Millisecond
	// undeliveredLasts is for how long an advert that was not delivered stands for more.
	undeliveredLasts = 10 * time.Second
	// undeliveredSources is how many sources are remembered of one virtual router.
	undeliveredSources = 4
	// arrivalsMost is how much the packet socket hears of a link between two audits
	// before it looks for nothing until the next: it is a flood.
	arrivalsMost = 256
)

// deliveries is what the raw socket of a link and family delivers of each virtual router,
// compared with what arrives on the link.
type deliveries struct {
	routers map[string]*delivery // by the names of their instances
	heard   int                  // by the packet socket, since the last audit
}

// delivery is that of one virtual router.
type delivery struct {
	limit    time.Duration // how long nothing is delivered until its adverts are looked for
	last     time.Time     // when one was delivered
	vrid     uint8
	instance string
	missed   int       // adverts that arrived since, at most undeliveredEnough
	since    time.Time // when there were enough
	sources  []undeliveredFrom
	dropped  bool // as reported
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

// deliver notes that something for an instance was delivered, valid or not. It returns the
// virtual router if that ends a report.
func (d *deliveries) deliver(instance string, now time.Time) (over *delivery) {
	v := d.routers[instance]
	if v == nil {
		return nil
	}
	v.last = now
	if v.missed == 0 && !v.dropped {
		return nil
	}
	return v.end()
}

// end forgets what was not delivered, and returns the virtual router if it was reported.
func (v *delivery) end() (over *delivery) {
	if v.dropped {
		over = v
	}
	v.missed, v.since, v.sources, v.dropped = 0, time.Time{}, nil, false
	return over
}

// see notes what the packet socket heard. The raw socket delivers it too, sooner or later,
// unless the firewall drops it.
func (d *deliveries) see(x validate.Arrival, now time.Time) {
	v := d.routers[x.Instance]
	if v == nil {
		return
	}
	if v.missed < undeliveredEnough {
		if v.missed++; v.missed == undeliveredEnough {
			v.since = now
		}
	}
	from := undeliveredFrom{x.Source, x.Dest, now.Add(max(undeliveredLasts, 3*x.Interval))}
	switch i := slices.IndexFunc(v.sources, func(u undeliveredFrom) bool { return u.source == x.Source }); {
	case i >= 0:
		v.sources[i] = from
	case len(v.sources) < undeliveredSources:
		v.sources = append(v.sources, from)
	}
}

// audit returns the virtual routers whose adverts are dropped, and those whose report ends,
// since nobody sends adverts any more.
func (d *deliveries) audit(now time.Time) (dropped, over []*delivery) {
	d.heard = 0
	for _, v := range d.routers {
		v.sources = slices.DeleteFunc(v.sources, func(u undeliveredFrom) bool { return now.After(u.until) })
		switch {
		case len(v.sources) == 0:
			if ended := v.end(); ended != nil {
				over = append(over, ended)
			}
		case v.missed == undeliveredEnough && now.Sub(v.since) >= deliveryTakes:
			dropped = append(dropped, v)
		}
	}
	return dropped, over
}

// restart begins the count anew, since the raw socket was closed, or had no room. Reports
// stay in force.
func (d *deliveries) restart() {
	for _, v := range d.routers {
		if !v.dropped {
			v.end()
		}
	}
}

// reset forgets all, as the link is gone, and returns what was reported.
func (d *deliveries) reset() (over []*delivery) {
	for _, v := range d.routers {
		v.last = time.Time{}
		if ended := v.end(); ended != nil {
			over = append(over, ended)
		}
	}
	return over
}

// silent returns the VRIDs of which nothing was delivered lately.
func (d *deliveries) silent(now time.Time) (set vridSet) {
	for _, v := range d.routers {
		if now.Sub(v.last) > v.limit {
			set.add(v.vrid)
		}
	}
	return set
}

// vridSet is a set of VRIDs.
type vridSet [8]uint32

func (s *vridSet) add(vrid uint8) { s[vrid/32] |= 1 << (vrid % 32) }

// routable reports whether the kernel delivers what comes from source where no firewall
// drops it. It is asked over IPv4, and not again for what is reported.
func (w *socket) routable(source, dest netip.Addr, reported bool, delivers deliversFunc) bool {
	if w.family == event.IPv6 || reported {
		return true
	}
	delivered, err := delivers(w.link.Index, source, dest)
	return err != nil || delivered
}

// watchVRIDs has a packet socket hear the adverts of VRIDs.
func (w *socket) watchVRIDs(set vridSet) {
	if w.port == nil || w.filterSpec.watched == set {
		return
	}
	w.filterSpec.watched = set
	w.port.filterSpec = w.filterSpec
	if rawsock.Attach(w.port.fd, w.filterSpec.program(false)) != nil {
		// The filter that is attached stays, and is as good for our own addresses.
		w.filterSpec.watched = vridSet{}
	}
}
