package advert

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// segment is what an acceptor knows of a link. It is looked up once for each
// packet, of which there may be ten thousand a second.
type segment struct {
	link event.Link // as it was last learned; zero before
	four []*peer    // by VRID, up to the greatest; nil where it is not ours
	six  []*peer
	// shared are the addresses of our instances that another may own.
	shared map[netip.Addr]bool
}

// peer is one of our own instances, as it is compared with others' adverts.
type peer struct {
	*vrrp.Instance
	stats *vrrp.Stats
	guard *guard // nil where nothing is authenticated
}

// unseen is a link of which nothing is known. It is only read.
var unseen segment

// segment is that of a link, made if it is not there.
func (a *Acceptor) segment(link string) *segment {
	s := a.segments[link]
	if s == nil {
		s = &segment{shared: make(map[netip.Addr]bool)}
		a.segments[link] = s
	}
	return s
}

func (s *segment) add(p *peer) {
	all := s.peers(p.Family)
	if more := int(p.VRID) + 1 - len(*all); more > 0 {
		*all = append(*all, make([]*peer, more)...)
	}
	(*all)[p.VRID] = p
	if p.Priority == vrrp.Owner {
		return // there is one owner
	}
	for _, ip := range p.Addresses {
		s.shared[ip] = true
	}
}

func (s *segment) peers(f event.Family) *[]*peer {
	if f == event.IPv6 {
		return &s.six
	}
	return &s.four
}

// peer is our instance of a virtual router; nil if it is not ours.
func (s *segment) peer(f event.Family, vrid uint8) *peer {
	if all := *s.peers(f); int(vrid) < len(all) {
		return all[vrid]
	}
	return nil
}

// early reports whether a packet of that source is one that is to be heard early.
func (s *segment) early(f event.Family, source netip.Addr) bool {
	return f == event.IPv4 && s.shared[source]
}

// Learn notes which addresses are a link's own, if an instance is on it: there may be
// ever new links.
func (a *Acceptor) Learn(l event.Link) {
	if s := a.segments[l.Name]; s != nil {
		l.LinkLocal6 = l.LinkLocal6.WithZone("")
		s.link = l
	}
}

// SetAhead says how far the wall clock is ahead of the instants that the acceptor
// is given. Only a simulation does: elsewhere an instant bears its wall clock.
func (a *Acceptor) SetAhead(d time.Duration) {
	for _, s := range a.segments {
		for _, all := range [...][]*peer{s.four, s.six} {
			for _, p := range all {
				if p != nil && p.guard != nil {
					p.guard.replay.ahead = d
				}
			}
		}
	}
}
