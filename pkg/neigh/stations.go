package neigh

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// maxStations is the number of stations remembered on a link: those heard last.
const maxStations = 32

// stations holds the stations on the links that carry adverts. The kernel empties its own neighbor
// table when the carrier is lost, just when ripcord has to know which stations to ask.
type stations struct {
	links   map[string]*linkStations
	byIndex map[int]*linkStations // those whose link exists, by its ifindex
	// holders maps addresses to their instances. A message from such an address shows no other
	// station: it is ours while we are Active.
	holders holders
}

// linkStations holds the stations on one link.
type linkStations struct {
	link    event.Link
	group   []netip.Addr // the groups of which the instances on it are members
	known   []station    // in the order in which they were last heard, the latest first
	asked   []netip.Addr // the stations of the last question; empty after the first answer
	askedAt time.Time
	heardAt time.Time // when a station was last heard; zero: never
}

// station is one remembered station.
type station struct {
	address netip.Addr
	// resolved is set when the station was heard by ARP or neighbor discovery, so that it should
	// answer: unlike a unicast peer behind a router, or a station known only from the kernel's
	// neighbor table.
	resolved bool
	// mac is its last known MAC; zero if no message contained it.
	mac [6]byte
	// router is set when an advert of the station was accepted.
	router bool
}

func newStations(sets []Set, all holders) *stations {
	s := &stations{links: make(map[string]*linkStations), byIndex: make(map[int]*linkStations), holders: all}
	for _, set := range sets {
		at := s.links[set.Link]
		if at == nil {
			at = &linkStations{link: event.Link{Name: set.Link}}
			s.links[set.Link] = at
		}
		if set.Group.IsValid() && !slices.Contains(at.group, set.Group) {
			at.group = append(at.group, set.Group)
		}
	}
	return s
}

// with returns the stations for new sets: those known on the links that stay. It drops a station
// whose address now belongs to an instance.
func (s *stations) with(sets []Set, all holders) *stations {
	next := newStations(sets, all)
	for name, at := range next.links {
		was := s.links[name]
		if was == nil {
			continue
		}
		at.link, at.asked, at.askedAt, at.heardAt = was.link, was.asked, was.askedAt, was.heardAt
		at.known = slices.DeleteFunc(was.known, func(one station) bool { return len(all.of(one.address)) > 0 })
		if index := at.link.Index; index != 0 && s.byIndex[index] == was {
			next.byIndex[index] = at
		}
	}
	return next
}

// setLink records a fact about a link.
func (s *stations) setLink(l event.Link) {
	at := s.links[l.Name]
	if at == nil {
		return
	}
	if was := at.link.Index; was != l.Index && s.byIndex[was] == at {
		delete(s.byIndex, was)
	}
	if at.link = l; l.Index != 0 {
		s.byIndex[l.Index] = at
	}
	if !l.Usable {
		at.asked = nil
	}
}

// notice records a sighting, and reports whether it answers the last question on the link. A
// message from just before a carrier loss may be read after it, and is all that is known if no
// other station is present.
func (s *stations) notice(seen Sighting) (link string, answers bool) {
	at := s.byIndex[seen.Index]
	if at == nil {
		return "", false
	}
	if seen.Answer && !seen.At.Before(at.askedAt) && slices.Contains(at.asked, seen.Address) {
		at.asked, answers = nil, true
	}
	if s.remember(at, seen.Address, seen.MAC, !seen.FromTable) && !seen.FromTable {
		at.heard(seen.At)
	}
	return at.link.Name, answers
}

// remember moves a station to the front; resolved reports whether it was heard by ARP or neighbor
// discovery. It returns false if the address is not that of another station. A station that was
// never resolved does not displace one that was.
func (s *stations) remember(at *linkStations, a netip.Addr, mac [6]byte, resolved bool) bool {
	a = a.WithZone("")
	if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() || len(s.holders.of(a)) > 0 || at.link.Has(a) {
		return false
	}
	one := station{address: a, resolved: resolved, mac: mac}
	i := slices.IndexFunc(at.known, func(known station) bool { return known.address == a })
	switch {
	case i >= 0:
		known := at.known[i]
		one.resolved, one.router = resolved || known.resolved, known.router
		if mac == [6]byte{} {
			one.mac = known.mac
		}
	case len(at.known) < maxStations:
		at.known = append(at.known, station{})
		i = len(at.known) - 1
	default:
		i = len(at.known) - 1
		if at.known[i].resolved && !resolved {
			return true
		}
	}
	copy(at.known[1:i+1], at.known[:i])
	at.known[0] = one
	return true
}

// ask returns the stations to ask on a link, and records them.
func (s *stations) ask(name string, now time.Time) (event.Link, []netip.Addr) {
	at := s.links[name]
	if at == nil || !at.canAsk() {
		return event.Link{}, nil
	}
	at.askedAt, at.asked = now, nil
	for _, known := range at.known {
		if at.canAskFor(known.address) {
			at.asked = append(at.asked, known.address)
		}
	}
	return at.link, at.asked
}

// groups returns the last fact about a link, and the multicast groups of which the instances on it
// are members.
func (s *stations) groups(name string) (event.Link, []netip.Addr) {
	if at := s.links[name]; at != nil {
		return at.link, at.group
	}
	return event.Link{}, nil
}

// heard records that a station was heard.
func (l *linkStations) heard(at time.Time) {
	if at.After(l.heardAt) {
		l.heardAt = at
	}
}

// resolved counts the stations that should answer.
func (l *linkStations) resolved() (n int) {
	for _, known := range l.known {
		if known.resolved {
			n++
		}
	}
	return n
}

// askable returns up to n stations that can be asked on the link, first those that should answer.
func (l *linkStations) askable(n int) (stations []netip.Addr) {
	if !l.canAsk() {
		return nil
	}
	for _, resolved := range []bool{true, false} {
		for _, known := range l.known {
			if known.resolved == resolved && l.canAskFor(known.address) && len(stations) < n {
				stations = append(stations, known.address)
			}
		}
	}
	return stations
}

// otherStations returns up to n stations that can be asked on the link and are not known to have a
// MAC, first those that should answer.
func (l *linkStations) otherStations(mac [6]byte, n int) []netip.Addr {
	all := slices.DeleteFunc(l.askable(len(l.known)), func(a netip.Addr) bool {
		return mac != [6]byte{} && slices.ContainsFunc(l.known, func(known station) bool { return known.address == a && known.mac == mac })
	})
	return all[:min(n, len(all))]
}

// canAsk reports whether stations can be asked on the link now. A tunnel, which has no ARP, proves
// only by adverts that it forwards.
func (l *linkStations) canAsk() bool { return l.link.Usable && l.link.Resolves() }

// canAskFor reports whether the link has an address from which a station can be asked.
func (l *linkStations) canAskFor(a netip.Addr) bool { return a.Is4() || l.link.LinkLocal6.IsValid() }
