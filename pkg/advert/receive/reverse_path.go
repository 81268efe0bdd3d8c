package receive

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// Over IPv4 the kernel drops packets from a source to which it has no route back over the same
// link, if the reverse path filter is strict (rp_filter): a router whose own address is outside
// the subnet of the others receives nothing on an IP socket. ripcord does not change the settings
// of links. So the packet socket of a link first receives packets from an unknown source, and the
// kernel is asked whether it would deliver them, with RTM_GETROUTE, which applies rp_filter and
// the routing rules as to a packet. Adverts that it delivers are left to the raw socket, behind
// the firewall, and the packet socket's filter drops them from then on; those that it does not
// deliver are read from the packet socket. The kernel is asked again in each audit, and so before
// each takeover: routes come and go, including those of our own addresses.

// maxSources is the number of sources of each kind that are remembered on a link: a segment has a
// handful of routers. It also bounds the packet socket's filter, whose size must not grow with
// the configuration: older kernels give a socket 20 KiB for all filters.
const maxSources = 16

// questionEvery is the minimum time between two questions about unknown sources on a link: forged
// sources must cost little.
const questionEvery = 20 * time.Millisecond

// reach holds the sources of adverts on one link, and whether the kernel delivers their packets.
type reach struct {
	delivered []netip.Addr   // the kernel delivers their packets; the oldest first
	withheld  []withheldFrom // the kernel does not
	asked     time.Time      // when the kernel was last asked about an unknown source
}

// withheldFrom is a source whose adverts the kernel does not deliver.
type withheldFrom struct {
	source, dest netip.Addr
	since        time.Time
	heard        time.Time
}

// known reports whether a source is remembered, and records that it was heard.
func (s *reach) known(source netip.Addr, now time.Time) bool {
	for i := range s.withheld {
		if s.withheld[i].source == source {
			s.withheld[i].heard = now
			return true
		}
	}
	return slices.Contains(s.delivered, source)
}

// deliver remembers that the kernel delivers packets from a source.
func (s *reach) deliver(source netip.Addr) {
	if len(s.delivered) == maxSources {
		s.delivered = slices.Delete(s.delivered, 0, 1)
	}
	s.delivered = append(s.delivered, source)
}

// withhold remembers that the kernel does not deliver packets from a source. If there are too
// many, one that was not heard lately is forgotten; if there is none, the new one is not
// remembered.
func (s *reach) withhold(source, dest netip.Addr, now time.Time) {
	if len(s.withheld) == maxSources {
		oldest := slices.IndexFunc(s.withheld, func(w withheldFrom) bool { return now.Sub(w.heard) > time.Minute })
		if oldest < 0 {
			return
		}
		s.withheld = slices.Delete(s.withheld, oldest, oldest+1)
	}
	s.withheld = append(s.withheld, withheldFrom{source: source, dest: dest, since: now, heard: now})
}

// sources lists the sources whose adverts the kernel withholds.
func (s *reach) sources() (all []netip.Addr) {
	for _, w := range s.withheld {
		all = append(all, w.source)
	}
	return all
}

// deliversFunc asks whether the kernel delivers packets from a source on a link.
type deliversFunc func(index int, source, dest netip.Addr) (bool, error)

// examine finds out whether the kernel delivers packets from the source of a packet that a packet
// socket has received, if that is not known.
func (w *socket) examine(p *validate.Packet, acceptor *validate.Acceptor, delivers deliversFunc, now time.Time) {
	four := w.families[event.IPv4]
	h, payload, err := wire.SplitIPv4(p.Data)
	if err != nil || len(payload) < 2 || !slices.Contains(four.vrids, payload[1]) || slices.Contains(four.shared, h.Source) {
		return
	}
	if acceptor.Owns(w.socketKey.link, h.Source) || !slices.Contains(four.groups, h.Dest) && !w.link.Has(h.Dest) {
		return
	}
	if four.reach.known(h.Source, now) || now.Sub(four.reach.asked) < questionEvery {
		return
	}
	four.reach.asked = now
	switch delivered, err := delivers(w.link.Index, h.Source, h.Dest); {
	case err != nil: // the raw socket may receive it
	case delivered:
		four.reach.deliver(h.Source)
		_ = w.refilter() // if it fails, Accept ignores adverts that are read twice
	default:
		four.reach.withhold(h.Source, h.Dest, now)
		acceptor.Withhold(w.socketKey.link, four.reach.sources())
	}
}

// reexamine asks again about all known sources of a link. It reports whether an answer has
// changed, and whether the kernel no longer delivers packets that it delivered before.
func (w *socket) reexamine(delivers deliversFunc, now time.Time) (changed, lost bool) {
	four := w.families[event.IPv4]
	was := four.reach
	next := reach{asked: was.asked}
	ask := func(source, dest netip.Addr, delivered bool) bool {
		if answer, err := delivers(w.link.Index, source, dest); err == nil {
			return answer
		}
		return delivered
	}
	for _, source := range was.delivered {
		dest := four.groups[0]
		if four.unicast {
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
		} else if len(next.withheld) < maxSources {
			next.withheld = append(next.withheld, x)
		}
	}
	four.reach = next
	return !slices.Equal(next.delivered, was.delivered), lost
}
