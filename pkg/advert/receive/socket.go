package receive

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/advert/repeats"
	"ripcord/pkg/event"
	"ripcord/pkg/repeatfilter"
)

// socketKey identifies a receive socket: the link and family on which it hears adverts,
// and whether it is a raw socket or one of the packet sockets.
type socketKey struct {
	link   string
	family event.Family
	early  bool // a packet socket, for adverts that the kernel would drop for their source
	own    bool // a packet socket, for adverts that come from our own addresses
}

// socketKeysOf returns the sockets of a link. IPv6 has no early one: the owner's adverts
// come from a link-local address, and no kernel drops them for their source.
func socketKeysOf(link string) [5]socketKey {
	return [...]socketKey{
		{link: link, family: event.IPv4}, {link: link, family: event.IPv4, early: true}, {link: link, family: event.IPv6},
		{link: link, family: event.IPv4, own: true}, {link: link, family: event.IPv6, own: true},
	}
}

// socket is one that should be open, with its port if it could be opened.
type socket struct {
	socketKey
	port       *port
	link       event.Link // as it was last learned
	instances  []string
	filterSpec filterSpec // of these
	reach      reach      // of the link; only where it is early
	// deliveries is that of the link and family, which its sockets share.
	deliveries *deliveries
	// runs are those of its virtual routers whose repeated adverts its filter may drop; slots
	// are their places there.
	runs     repeats.Set
	slots    []*repeatfilter.Slot
	retry    time.Time // when to try again to open the port; zero: no need
	failures int       // in a row
	err      string    // why adverts are not heard; empty while they are
	mended   int       // how often the socket was opened anew since it would have heard nothing
	mendedAt time.Time // when that was last logged
}

// sockets are those that should be open.
type sockets map[socketKey]*socket

// rawOf returns the raw socket of the link and family of another.
func (s sockets) rawOf(w *socket) *socket {
	return s[socketKey{link: w.socketKey.link, family: w.family}]
}

// membership is that of a link, by its index, in a multicast group.
type membership struct {
	index int
	group netip.Addr
}

// membersFunc asks which links are members of groups of a family.
type membersFunc func(f event.Family, groups []netip.Addr) (map[membership]bool, error)

// groups returns the multicast groups that the sockets of a family have joined, once each.
func (s sockets) groups(f event.Family) (all []netip.Addr) {
	for _, w := range s {
		for _, group := range w.filterSpec.groups {
			if w.family == f && !slices.Contains(all, group) {
				all = append(all, group)
			}
		}
	}
	return all
}

// memberships are those that one audit looks up, once for each family.
type memberships struct {
	ask      membersFunc
	sockets  sockets
	byFamily map[event.Family]map[membership]bool
}

// of returns the memberships of a family; nil where they cannot be known.
func (m *memberships) of(f event.Family) map[membership]bool {
	all, known := m.byFamily[f]
	if !known {
		all, _ = m.ask(f, m.sockets.groups(f))
		m.byFamily[f] = all
	}
	return all
}

// deafness returns why an open socket would hear nothing; nil if nothing
// is known against it.
func (w *socket) deafness(members *memberships) error {
	if w.socketKey.early || w.socketKey.own {
		if !w.port.bound() {
			return errors.New("its packet socket has come off the link")
		}
		return nil
	}
	all := members.of(w.family)
	for _, group := range w.filterSpec.groups {
		if all != nil && !all[membership{w.port.index, group}] {
			return fmt.Errorf("the link is no member of %v any more", group)
		}
	}
	return nil
}
