package validate

import (
	"net/netip"
	"slices"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// linkPeers are our instances on a link. They are looked up once for each
// packet, of which there may be ten thousand a second.
type linkPeers struct {
	link event.Link // as it was last learned; zero before
	four []*peer    // by VRID, up to the greatest; nil where it is not ours
	six  []*peer
	// twins are the same link under its other names.
	twins []*linkPeers
	// shared are the addresses of our instances that another may own.
	shared map[netip.Addr]bool
	// withheld are the sources whose adverts the kernel does not deliver to IP sockets.
	withheld []netip.Addr
}

// peer is one of our own instances, as it is compared with others' adverts.
type peer struct {
	*vrrp.Instance
	stats *stats.Counters
	guard *guard // nil where nothing is authenticated
	// returned is the number of adverts that we had sent when one came from our own address.
	returned uint64
}

// unseen is a link of which nothing is known. It is only read.
var unseen linkPeers

// onLink returns the instances on a link, made if it is new.
func (a *Acceptor) onLink(link string) *linkPeers {
	s := a.links[link]
	if s == nil {
		s = &linkPeers{shared: make(map[netip.Addr]bool)}
		a.links[link] = s
	}
	return s
}

func (s *linkPeers) add(p *peer) {
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

func (s *linkPeers) peers(f event.Family) *[]*peer {
	if f == event.IPv6 {
		return &s.six
	}
	return &s.four
}

// peer returns our instance of a virtual router; nil if it is not ours.
func (s *linkPeers) peer(f event.Family, vrid uint8) *peer {
	if all := *s.peers(f); int(vrid) < len(all) {
		return all[vrid]
	}
	return nil
}

// early reports whether a packet of that source is one that is to be heard early.
func (s *linkPeers) early(f event.Family, source netip.Addr) bool {
	return f == event.IPv4 && (s.shared[source] || slices.Contains(s.withheld, source))
}

// Withhold notes from which sources adverts on a link are to be heard early, beside
// the shared addresses.
func (a *Acceptor) Withhold(link string, sources []netip.Addr) { a.onLink(link).withheld = sources }

// Learn notes which addresses are a link's own, if an instance is on it: there may be
// ever new links.
func (a *Acceptor) Learn(l event.Link) {
	s := a.links[l.Name]
	if s == nil {
		return
	}
	l.LinkLocal6 = l.LinkLocal6.WithZone("")
	if was := s.link.Owned; was != l.Owned {
		a.countOwn(was, -1)
		a.countOwn(l.Owned, 1)
	}
	if was := s.link.Index; was != l.Index {
		s.link = l
		a.pair(was)
		a.pair(l.Index)
	}
	s.link = l
}

// pair finds the names under which the link of an index is known.
func (a *Acceptor) pair(index int) {
	var same []*linkPeers
	for _, s := range a.links {
		if s.link.Index == index {
			s.twins = nil
			same = append(same, s)
		}
	}
	if index == 0 || len(same) < 2 {
		return
	}
	for _, s := range same {
		s.twins = same
	}
}

// elsewhere reports whether a virtual router is ours under another name of the link,
// where another socket hears it.
func (s *linkPeers) elsewhere(f event.Family, vrid uint8) bool {
	for _, twin := range s.twins {
		if twin.peer(f, vrid) != nil {
			return true
		}
	}
	return false
}
