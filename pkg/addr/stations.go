package addr

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
)

// stationsMax is how many stations are remembered on a link: those heard last.
const stationsMax = 32

// stations are those remembered on the links that carry adverts. The kernel's
// own neighbour table is emptied when the carrier goes, just when one wants to
// know whom to ask.
type stations struct {
	links map[string]*segment
	// there are the segments whose link is there, by its index: of each neighbor that
	// the kernel knows it is asked which it is on.
	there map[int]*segment
	ours  map[netip.Addr]bool // held while Active: whoever has them says nothing of the segment to us
}

// segment is what is known of one link.
type segment struct {
	link  event.Link
	group []netip.Addr // that its instances are members of
	known []station    // heard last first
	whom  []netip.Addr // those last asked; none: one has answered since
	asked time.Time    // when
	heard time.Time    // when a station was last heard; zero: none ever was
}

// station is one that is remembered.
type station struct {
	address netip.Addr
	// resolved is set once the station was heard by ARP or neighbor discovery, so that
	// an answer can be expected of it: not of a unicast peer behind a router, nor of
	// one that is known from the kernel's neighbor table alone.
	resolved bool
}

func newStations(sets []Set) *stations {
	s := &stations{links: make(map[string]*segment), there: make(map[int]*segment), ours: make(map[netip.Addr]bool)}
	for _, set := range sets {
		at := s.links[set.Link]
		if at == nil {
			at = &segment{link: event.Link{Name: set.Link}}
			s.links[set.Link] = at
		}
		if set.Group.IsValid() && !slices.Contains(at.group, set.Group) {
			at.group = append(at.group, set.Group)
		}
		for _, a := range set.Addresses {
			s.ours[a.Prefix.Addr()] = true
		}
	}
	return s
}

// see takes what is known of a link now.
func (s *stations) see(l event.Link) {
	if at := s.links[l.Name]; at != nil {
		if was := at.link.Index; was != l.Index && s.there[was] == at {
			delete(s.there, was)
		}
		if at.link = l; l.Index != 0 {
			s.there[l.Index] = at
		}
		if !l.Usable {
			at.whom = nil
		}
	}
}

// on finds the segment of a link that is there by its index.
func (s *stations) on(index int) *segment { return s.there[index] }

// notice remembers a station, and reports whether it has answered the question
// that was last asked on the link. One that was heard just before a loss may be
// read after it, and is all that is known if nobody else is there.
func (s *stations) notice(seen neigh.Sighting) (link string, answers bool) {
	at := s.on(seen.Index)
	if at == nil {
		return "", false
	}
	if seen.Answer && !seen.At.Before(at.asked) && slices.Contains(at.whom, seen.Address) {
		at.whom, answers = nil, true
	}
	if s.remember(at, seen.Address, !seen.FromTable) && !seen.FromTable {
		at.hear(seen.At)
	}
	return at.link.Name, answers
}

// remember puts a station in front of the others; resolved reports whether it was
// heard by ARP or neighbor discovery. It returns false if the address is not one of
// another station. One that never was resolved takes the place of none that was.
func (s *stations) remember(at *segment, a netip.Addr, resolved bool) bool {
	a = a.WithZone("")
	if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() || s.ours[a] || at.link.Has(a) {
		return false
	}
	i := slices.IndexFunc(at.known, func(known station) bool { return known.address == a })
	switch {
	case i >= 0:
		resolved = resolved || at.known[i].resolved
	case len(at.known) < stationsMax:
		at.known = append(at.known, station{})
		i = len(at.known) - 1
	default:
		i = len(at.known) - 1
		if at.known[i].resolved && !resolved {
			return true
		}
	}
	copy(at.known[1:i+1], at.known[:i])
	at.known[0] = station{a, resolved}
	return true
}

// hear notes that a station was heard.
func (at *segment) hear(when time.Time) {
	if when.After(at.heard) {
		at.heard = when
	}
}

// resolved counts the stations of which an answer can be expected.
func (at *segment) resolved() (n int) {
	for _, known := range at.known {
		if known.resolved {
			n++
		}
	}
	return n
}

// askable returns up to n stations that can be asked on the link, those first of which
// an answer can be expected.
func (at *segment) askable(n int) (whom []netip.Addr) {
	if !at.link.Usable || !at.link.Resolves() {
		return nil
	}
	for _, resolved := range []bool{true, false} {
		for _, known := range at.known {
			if known.resolved == resolved && at.canAsk(known.address) && len(whom) < n {
				whom = append(whom, known.address)
			}
		}
	}
	return whom
}

func (at *segment) canAsk(a netip.Addr) bool { return a.Is4() || at.link.LinkLocal6.IsValid() }

// ask gives whom to ask on a link, where it is usable, at the instant now.
func (s *stations) ask(name string, now time.Time) (event.Link, []netip.Addr) {
	at := s.links[name]
	if at == nil || !at.link.Usable || !at.link.Resolves() {
		return event.Link{}, nil // a tunnel proves by adverts alone that it forwards
	}
	at.asked, at.whom = now, nil
	for _, known := range at.known {
		if at.canAsk(known.address) {
			at.whom = append(at.whom, known.address)
		}
	}
	return at.link, at.whom
}

// groups returns what is known of a link, and the multicast groups that the instances
// on it are members of.
func (s *stations) groups(name string) (event.Link, []netip.Addr) {
	if at := s.links[name]; at != nil {
		return at.link, at.group
	}
	return event.Link{}, nil
}
