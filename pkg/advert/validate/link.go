package validate

import (
	"net/netip"
	"slices"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// linkPeers are our instances on a link. They are looked up once for each packet, at up to ten
// thousand packets a second.
type linkPeers struct {
	link event.Link // its last known state; zero before the first
	four []routers  // by VRID, up to the greatest; empty for VRIDs that are not ours
	six  []routers
	// twins are the same link under its alternative names.
	twins []*linkPeers
	// shared are addresses of our instances that another router may own.
	shared map[netip.Addr]bool
	// withheld are the sources whose adverts the kernel does not deliver to IP sockets.
	withheld []netip.Addr
}

// peer is one of our own instances, with which adverts of others are compared.
type peer struct {
	*vrrp.Instance
	stats         *stats.Counters
	authenticator *authenticator // nil if adverts are not authenticated
	// returned is the number of adverts that we had sent when the last one from our own address
	// arrived.
	returned uint64
}

// routers are our instances with one VRID and family on a link: usually one, or several if their
// adverts can be distinguished by destination and source.
type routers []*peer

// of returns the instance to which an advert on the given path belongs; if it fits none, the one
// that rejects it; nil if there is no instance.
func (all routers) of(path wire.Path) (best *peer) {
	bestFit := -1
	for _, p := range all {
		if n := p.Fit(path); n > bestFit {
			best, bestFit = p, n
		}
	}
	return best
}

// unseen stands for a link without instances. It is only read.
var unseen linkPeers

func (s *linkPeers) add(p *peer) {
	all := s.peers(p.Family)
	if more := int(p.VRID) + 1 - len(*all); more > 0 {
		*all = append(*all, make([]routers, more)...)
	}
	(*all)[p.VRID] = append((*all)[p.VRID], p)
	if p.Priority == vrrp.Owner {
		return // no other router owns the addresses
	}
	for _, ip := range p.Addresses {
		s.shared[ip] = true
	}
}

func (s *linkPeers) peers(f event.Family) *[]routers {
	if f == event.IPv6 {
		return &s.six
	}
	return &s.four
}

// routers returns our instances of a VRID.
func (s *linkPeers) routers(f event.Family, vrid uint8) routers {
	if all := *s.peers(f); int(vrid) < len(all) {
		return all[vrid]
	}
	return nil
}

// peer returns the instance to which an advert with the VRID on the given path belongs; nil if
// there is none.
func (s *linkPeers) peer(f event.Family, vrid uint8, path wire.Path) *peer {
	return s.routers(f, vrid).of(path)
}

// early reports whether packets from the source are read early.
func (s *linkPeers) early(f event.Family, source netip.Addr) bool {
	return f == event.IPv4 && (s.shared[source] || slices.Contains(s.withheld, source))
}

// elsewhere reports whether an advert fits an instance under another name of the link, where
// another socket receives it, better than it fits the instance here.
func (s *linkPeers) elsewhere(ours *peer, f event.Family, vrid uint8, path wire.Path) bool {
	fits := -1
	if ours != nil && len(s.twins) > 0 {
		fits = ours.Fit(path)
	}
	return slices.ContainsFunc(s.twins, func(twin *linkPeers) bool {
		other := twin.peer(f, vrid, path)
		return other != nil && other != ours && other.Fit(path) > fits
	})
}

// links are the links of our instances.
type links struct {
	byName map[string]*linkPeers
	// own are our addresses that count on every link, with the number of links that have them.
	own map[netip.Addr]int
}

func newLinks() links { return links{make(map[string]*linkPeers), make(map[netip.Addr]int)} }

// on returns the instances on a link, and creates the entry if it is new.
func (l *links) on(name string) *linkPeers {
	s := l.byName[name]
	if s == nil {
		s = &linkPeers{shared: make(map[netip.Addr]bool)}
		l.byName[name] = s
	}
	return s
}

// find returns the instances on a link; unseen if there are none.
func (l *links) find(name string) *linkPeers {
	if on := l.byName[name]; on != nil {
		return on
	}
	return &unseen
}

// learn records the addresses of a link, if an instance is on it.
func (l *links) learn(link event.Link) {
	s := l.byName[link.Name]
	if s == nil {
		return // ignored, since any number of links may appear
	}
	link.LinkLocal6 = link.LinkLocal6.WithZone("")
	if was := s.link.Owned; was != link.Owned {
		l.countOwn(was, -1)
		l.countOwn(link.Owned, 1)
	}
	if was := s.link.Index; was != link.Index {
		s.link = link
		l.pair(was)
		l.pair(link.Index)
	}
	s.link = link
}

// pair sets the twins of all names of the link with the given index.
func (l *links) pair(index int) {
	var same []*linkPeers
	for _, s := range l.byName {
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

// owns reports whether an address is ours on a link. A shared address is not: its owner
// advertises from it.
func (l *links) owns(on *linkPeers, source netip.Addr) bool {
	if on.shared[source] {
		return false
	}
	return on.link.Has(source) || l.own[source] > 0 || on.link.Owned != nil && slices.Contains(*on.link.Owned, source)
}

// countOwn counts the addresses of a link that are ours on every link: a link-local address may
// belong to another machine on another link.
func (l *links) countOwn(owned *[]netip.Addr, n int) {
	if owned == nil {
		return
	}
	for _, ip := range *owned {
		if ip.IsLinkLocalUnicast() {
			continue
		}
		if l.own[ip] += n; l.own[ip] <= 0 {
			delete(l.own, ip)
		}
	}
}
