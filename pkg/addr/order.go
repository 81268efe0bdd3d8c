package addr

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/route"
)

// Address is one address that an instance holds while Active.
type Address struct {
	Prefix    netip.Prefix
	Interface string     // the link to which it is added; empty: the Device of its Set
	Label     string     // IFA_LABEL, IPv4 only
	Scope     uint8      // RT_SCOPE_*
	Broadcast netip.Addr // IFA_BROADCAST, IPv4 only; invalid: none
	Extra     bool       // not advertised
	Preferred bool       // IPv6: the router may use it as the source of its own traffic
}

// Announce configures how addresses are announced by gratuitous ARP or unsolicited neighbor
// advertisements.
type Announce struct {
	Count      int           // for each address, in rounds
	AgainAfter time.Duration // a second set of rounds after this; 0: none
	Refresh    time.Duration // the period of single rounds while the addresses are held; 0: never
	Spacing    time.Duration // between two frames
}

// Set is everything that an instance holds: its configuration.
type Set struct {
	Instance  string
	Link      string          // carries its adverts: the stations on it are remembered
	Group     netip.Addr      // the multicast group of the adverts; zero if they are unicast
	Device    *macvlan.Device // the device with its virtual MAC; nil: it has none
	Interval  time.Duration   // of its adverts, for the lease
	Miss      int
	Addresses []Address     // advertised or not
	Routes    []route.Entry // in the order in which they are added
	Owner     bool          // its addresses are those of this router itself (priority 255)
	Refuse    bool          // Accept_Mode is False (RFC 9568 §6.1): packets for its addresses are dropped
	Announce  Announce
	// Static says that the set belongs to no instance: it is held without an order from the start
	// to the end of the worker, and not announced.
	Static bool
	// Tolerant instances serve without addresses that the kernel refuses as long as they have one,
	// and have a warning: keepalived does the same.
	Tolerant bool
}

// StaticName is the name of the Static set in place of an instance's.
const StaticName = "(static)"

// onDevice returns the name in the ledger for the device of a set, on which its addresses without
// an Interface are. No link can have such a name.
func onDevice(s *Set) string { return s.Link + "/" + s.Device.Name }

// onLinks returns the set with every address on a link or a device.
func onLinks(s *Set) *Set {
	if s.Device == nil {
		return s
	}
	own := *s
	own.Addresses = slices.Clone(s.Addresses)
	for i := range own.Addresses {
		if own.Addresses[i].Interface == "" {
			own.Addresses[i].Interface = onDevice(s)
		}
	}
	return &own
}

// macvlansOf returns the devices of the instances that have a virtual MAC.
func macvlansOf(sets []Set) (all []macvlan.Wanted) {
	for _, s := range sets {
		if s.Device == nil {
			continue
		}
		is6 := func(a Address) bool { return a.Interface == "" && a.Prefix.Addr().Is6() }
		all = append(all, macvlan.Wanted{
			Device: *s.Device, Instance: s.Instance, Below: s.Link, IPv6: slices.ContainsFunc(s.Addresses, is6),
		})
	}
	return all
}

// routesOf returns the routes and rules of each instance that has any.
func routesOf(sets []Set) map[string][]route.Entry {
	all := make(map[string][]route.Entry)
	for _, set := range sets {
		if len(set.Routes) > 0 {
			all[set.Instance] = set.Routes
		}
	}
	return all
}

// Kind is the kind of an Order.
type Kind uint8

// The kinds.
const (
	// Hold adds the addresses of the instances in one batch, announces them, and adds the routes
	// and rules.
	Hold Kind = iota
	// Release cancels pending announcements and removes the addresses in one batch, after the
	// routes and rules.
	Release
	// Reannounce announces the held addresses again.
	Reannounce
	// Configure replaces the sets of the worker. Held addresses that are in none of them are
	// removed; a set that is held is changed in place, and only new addresses are announced.
	Configure
)

// Order is a request to the worker for some instances, executed in one batch.
type Order struct {
	Kind      Kind
	Cause     event.Cause
	Instances []string
	Sets      []Set // for Configure, instead of instances
}
