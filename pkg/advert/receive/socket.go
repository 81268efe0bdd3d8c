package receive

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/advert/repeats"
	"ripcord/pkg/event"
	"ripcord/pkg/repeatfilter"
	"ripcord/pkg/vrrp"
)

// socketKey identifies a receive socket: the raw socket of a link and family or, without a family,
// the packet socket of the link.
type socketKey struct {
	link   string
	family event.Family
}

// packet reports whether it is a packet socket.
func (k socketKey) packet() bool { return k.family == 0 }

// socketKeysOf returns the sockets of a link.
func socketKeysOf(link string) [3]socketKey {
	return [...]socketKey{{link, event.IPv4}, {link, event.IPv6}, {link: link}}
}

// adverts are the adverts of one family on a link: which of them the sockets receive, and what is
// known of them.
type adverts struct {
	filterSpec
	reach      reach   // of the sources; only over IPv4
	watched    vridSet // the VRIDs whose adverts the packet socket receives from any source
	deliveries *deliveries
}

// add adds one more instance of the family.
func (a *adverts) add(in *vrrp.Instance) {
	a.filterSpec.add(in)
	a.deliveries.add(in.VRID, in.Name, in.Interval)
}

// forget forgets what is known because the link is gone, and returns the virtual routers for which
// a firewall was reported.
func (a *adverts) forget() (over []*delivery) {
	a.reach = reach{}
	return a.deliveries.reset()
}

// families are the adverts on a link. Its sockets share them: their filters and reports depend on
// each other.
type families map[event.Family]*adverts

// socket is a socket that should be open, with its port if it could be opened.
type socket struct {
	socketKey
	port      *port
	link      event.Link // its last known state
	families  families
	instances []string // the instances that are deaf without this socket
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

// refilter attaches the filter again, after the adverts that it keeps have changed.
func (w *socket) refilter() error {
	if w.port == nil {
		return nil
	}
	return w.port.filter()
}

// sockets are the sockets that should be open.
type sockets map[socketKey]*socket

// packetOf returns the packet socket of a link.
func (s sockets) packetOf(link string) *socket { return s[socketKey{link: link}] }

// whyDeaf returns why an instance on a link is deaf; empty if it is not.
func (s sockets) whyDeaf(link, instance string) string {
	var errs []string
	for _, at := range socketKeysOf(link) {
		if w := s[at]; w != nil && w.err != "" && slices.Contains(w.instances, instance) {
			errs = append(errs, w.err)
		}
	}
	return strings.Join(errs, "; ")
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
	for at, w := range s {
		if at.family != f {
			continue
		}
		for _, group := range w.families[f].groups {
			if !slices.Contains(all, group) {
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
	if w.packet() {
		if !w.port.bound() {
			return errors.New("its packet socket has come off the link")
		}
		return nil
	}
	all := members.of(w.family)
	for _, group := range w.families[w.family].groups {
		if all != nil && !all[membership{w.port.index, group}] {
			return fmt.Errorf("the link is no member of %v any more", group)
		}
	}
	return nil
}
