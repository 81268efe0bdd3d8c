package receive

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/wire"
)

// Over IPv4 the kernel drops what comes from a source to which it has no route back over the
// same link, where the reverse path filter is strict (rp_filter): a router whose own address
// lies outside the subnet of the others hears nobody on an IP socket. Other links' settings
// are not ours to change. So the packet socket of a link hears first what comes from an
// unknown source; the kernel is asked whether it would deliver that, by RTM_GETROUTE, which
// passes rp_filter and the routing rules as a packet does. Adverts that it delivers are left
// to the raw socket, behind the firewall, and the packet socket's filter drops them from then
// on; those that it does not deliver are heard by the packet socket. The answers are asked
// for again in each audit, and so ahead of each takeover: routes come and go, with our own
// addresses too.

// sourcesMost is the number of sources of each kind that are remembered on a link: a segment
// has a handful of routers. It bounds the packet socket's filter, too, whose size must
// not grow with the configuration: older kernels give a socket 20 KiB for all filters.
const sourcesMost = 16

// questionEvery is the least time between two questions about unknown sources on a link:
// forged sources must cost little.
const questionEvery = 20 * time.Millisecond

// reach holds the sources of adverts on one link and whether their adverts are delivered.
type reach struct {
	delivered []netip.Addr   // the kernel delivers what they send; the oldest first
	withheld  []withheldFrom // it does not
	asked     time.Time      // when it was last asked about an unknown one
}

// withheldFrom is a source whose adverts the kernel does not deliver.
type withheldFrom struct {
	source, dest netip.Addr
	since        time.Time
	heard        time.Time
}

// known reports whether a source is remembered, and notes that it was heard.
func (s *reach) known(source netip.Addr, now time.Time) bool {
	for i := range s.withheld {
		if s.withheld[i].source == source {
			s.withheld[i].heard = now
			return true
		}
	}
	return slices.Contains(s.delivered, source)
}

// deliver remembers that the kernel delivers what a source sends.
func (s *reach) deliver(source netip.Addr) {
	if len(s.delivered) == sourcesMost {
		s.delivered = slices.Delete(s.delivered, 0, 1)
	}
	s.delivered = append(s.delivered, source)
}

// withhold remembers that the kernel does not deliver what a source sends. If there are too
// many, one that was not heard lately is forgotten; if there is none, the new one is not
// remembered.
func (s *reach) withhold(source, dest netip.Addr, now time.Time) {
	if len(s.withheld) == sourcesMost {
		oldest := slices.IndexFunc(s.withheld, func(w withheldFrom) bool { return now.Sub(w.heard) > time.Minute })
		if oldest < 0 {
			return
		}
		s.withheld = slices.Delete(s.withheld, oldest, oldest+1)
	}
	s.withheld = append(s.withheld, withheldFrom{source: source, dest: dest, since: now, heard: now})
}

// sources lists those whose adverts the kernel withholds.
func (s *reach) sources() (all []netip.Addr) {
	for _, w := range s.withheld {
		all = append(all, w.source)
	}
	return all
}

// deliversFunc asks whether the kernel delivers what comes from a source on a link.
type deliversFunc func(index int, source, dest netip.Addr) (bool, error)

// examine finds out whether the kernel delivers what comes from the source of a
// packet that a packet socket has heard, where that is not known.
func (w *socket) examine(p *validate.Packet, acceptor *validate.Acceptor, delivers deliversFunc, now time.Time) {
	h, payload, err := wire.SplitIPv4(p.Data)
	if err != nil || len(payload) < 2 || !slices.Contains(w.filterSpec.vrids, payload[1]) || slices.Contains(w.filterSpec.shared, h.Source) {
		return
	}
	if acceptor.Owns(w.socketKey.link, h.Source) || !slices.Contains(w.filterSpec.groups, h.Dest) && !w.link.Has(h.Dest) {
		return
	}
	if w.reach.known(h.Source, now) || now.Sub(w.reach.asked) < questionEvery {
		return
	}
	w.reach.asked = now
	switch delivered, err := delivers(w.link.Index, h.Source, h.Dest); {
	case err != nil: // the raw socket may hear it
	case delivered:
		w.reach.deliver(h.Source)
		w.refilter()
	default:
		w.reach.withhold(h.Source, h.Dest, now)
		acceptor.Withhold(w.socketKey.link, w.reach.sources())
	}
}

// reexamine asks again about all sources that are known on a link. It reports whether an
// answer has changed, and whether the kernel does not deliver any more what it did.
func (w *socket) reexamine(delivers deliversFunc, now time.Time) (changed, lost bool) {
	was := w.reach
	next := reach{asked: was.asked}
	ask := func(source, dest netip.Addr, delivered bool) bool {
		if answer, err := delivers(w.link.Index, source, dest); err == nil {
			return answer
		}
		return delivered
	}
	for _, source := range was.delivered {
		dest := w.filterSpec.groups[0]
		if w.filterSpec.unicast {
			dest = w.link.Primary4
		}
		if ask(source, dest, true) {
			next.deliver(source)
			continue
		}
		next.withhold(source, dest, now)
		lost = true
	}
	for _, x := range was.withheld {
		if ask(x.source, x.dest, false) {
			next.deliver(x.source)
		} else if len(next.withheld) < sourcesMost {
			next.withheld = append(next.withheld, x)
		}
	}
	w.reach = next
	return !slices.Equal(next.delivered, was.delivered), lost
}

// refilter has the kernel drop at a packet socket what the raw socket hears.
func (w *socket) refilter() {
	if w.port == nil {
		return
	}
	w.filterSpec.delivered = w.reach.delivered
	w.port.filterSpec.delivered = w.filterSpec.delivered
	// If it fails, Accept ignores adverts that are heard twice.
	_ = w.port.filter()
}
