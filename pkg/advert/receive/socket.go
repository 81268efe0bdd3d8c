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

// socketKey identifies a receive socket: its link and family, and whether it is a raw socket or
// one of the packet sockets.
type socketKey struct {
	link   string
	family event.Family
	early  bool // a packet socket, for adverts that the kernel would drop for their source
	own    bool // a packet socket, for adverts that come from our own addresses
}

// socketKeysOf returns the sockets of a link. IPv6 needs no early one: the owner's adverts have a
// link-local source, and no kernel drops them because of it.
func socketKeysOf(link string) [5]socketKey {
	return [...]socketKey{
		{link: link, family: event.IPv4}, {link: link, family: event.IPv4, early: true}, {link: link, family: event.IPv6},
		{link: link, family: event.IPv4, own: true}, {link: link, family: event.IPv6, own: true},
	}
}

// socket is a socket that should be open, with its port if it could be opened.
type socket struct {
	socketKey
	port       *port
	link       event.Link // its last known state
	instances  []string
	filterSpec filterSpec // of the instances
	reach      reach      // of the link; only for an early socket
	// deliveries belongs to the link and family, and is shared by their sockets.
	deliveries *deliveries
	// runs are the runs of the virtual routers whose repeated adverts the filter may drop; slots
	// are their slots.
	runs     repeats.Set
	slots    []*repeatfilter.Slot
	retry    time.Time // when to try again to open the port; zero if there is no need
	failures int       // failed attempts in a row
	err      string    // why adverts are not received; empty while they are
	mended   int       // how often the socket was opened again because it would have received nothing
	mendedAt time.Time // when that was last logged
}

// sockets are the sockets that should be open.
type sockets map[socketKey]*socket

// rawOf returns the raw socket for the link and family of another socket.
func (s sockets) rawOf(w *socket) *socket {
	return s[socketKey{link: w.socketKey.link, family: w.family}]
}

// membership is the membership of a link in a multicast group.
type membership struct {
	index int
	group netip.Addr
}

// membersFunc returns which links are members of the given groups of a family.
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

// memberships are the memberships that one audit looks up, once for each family.
type memberships struct {
	ask      membersFunc
	sockets  sockets
	byFamily map[event.Family]map[membership]bool
	errs     map[event.Family]error
}

// of returns the memberships of a family; nil if they cannot be known.
func (m *memberships) of(f event.Family) map[membership]bool {
	all, known := m.byFamily[f]
	if !known {
		all, m.errs[f] = m.ask(f, m.sockets.groups(f))
		m.byFamily[f] = all
	}
	return all
}

// deafness returns why an open socket would receive nothing; nil if no reason is known.
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
