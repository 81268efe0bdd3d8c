package event

import (
	"net/netip"
	"slices"
	"time"
)

// Source is the origin of a report about a link.
type Source string

// The sources of a link's state, as the log names them.
const (
	Notification Source = "notification" // RTM_NEWLINK, RTM_DELLINK
	Confirm      Source = "confirm"      // the answer of the confirmer
	Ethtool      Source = "ethtool"      // the answer of the poller, by ETHTOOL_GLINK
	MII          Source = "mii"          // the answer of the transceiver to the poller or the confirmer
	Resync       Source = "resync"       // a dump after lost messages, or the audit
)

// Hinting is how far the hints about a link can be used: the kernel's own reports of changes of
// its carrier flag, by eBPF (pkg/hint).
type Hinting string

// These values appear in `ripcord status`.
const (
	HintsOff      Hinting = "off"      // hints are ignored by configuration
	HintsNone     Hinting = "none"     // there are none: the event link.hints has the reason
	HintsUnproven Hinting = "unproven" // after a hint the link is asked at once; it is not known yet whether a hint precedes each loss
	HintsUsed     Hinting = "used"     // a hint precedes each loss: after it the link is asked at once, and rarely otherwise
	HintsLate     Hinting = "late"     // a loss was found by asking before any hint: the link is asked as often as without hints
)

// OperState is the operational state of an interface (RFC 2863, IFLA_OPERSTATE).
type OperState uint8

// The operational states, numbered as in linux/if.h.
const (
	OperUnknown OperState = iota
	OperNotPresent
	OperDown
	OperLowerLayerDown
	OperTesting
	OperDormant
	OperUp
)

// String returns the words of iproute2, in lower case.
func (o OperState) String() string {
	names := [...]string{"unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"}
	if int(o) < len(names) {
		return names[o]
	}
	return "unknown"
}

// Link is the present state of one interface: a fact, which replaces the previous one.
// pkg/link/monitor publishes it, retained by name, at each change.
type Link struct {
	Cause Cause
	// Seq orders the changes of all links; a greater one is newer.
	Seq  uint64
	Name string
	// Device is the interface's own name if Name is an alternative one (IFLA_ALT_IFNAME);
	// otherwise empty.
	Device string
	// Index is the ifindex; 0 if no such interface exists.
	Index int
	// Usable reports whether the link is administratively up, with a carrier and operstate UP or
	// UNKNOWN, and its parent is as well; whether no source reports down
	// (docs/architecture.md#link-state); and whether the link is no port of another device.
	Usable           bool
	AdminUp, Carrier bool
	OperState        OperState
	MTU              int
	HardwareAddr     [6]byte
	NoARP            bool       // IFF_NOARP: a tunnel, or a link whose neighbors are configured
	Primary4         netip.Addr // primary IPv4 address; zero if there is none
	LinkLocal6       netip.Addr // link-local IPv6 address that may be used as a source; zero if there is none
	// Sources are the addresses that adverts may have as their source, with their subnets: the
	// best one of each subnet of the link, and all that instances name, including those on a
	// loopback link. The best come first; nil if there are none. A different list has a different
	// pointer.
	Sources *[]netip.Prefix
	// Owned are the addresses of the link from which no other router may advertise: all its own
	// addresses except shared ones. Nil if there are too many to list.
	Owned *[]netip.Addr
	// Duplicate is an address of the link that would be a source if duplicate address detection
	// had not found it on another station as well; zero if there is none.
	Duplicate netip.Addr
	// Master is the device whose port the link is and which takes everything that arrives on it,
	// with its kind: "br0 (bridge)"; empty if there is none.
	Master             string
	Monitor            string // what reports the link's state: "netlink", "ethtool", "mii", or "none"
	UpCount, DownCount uint32 // IFLA_CARRIER_UP_COUNT, IFLA_CARRIER_DOWN_COUNT
	// Reason is why there is no carrier, in the driver's words (ethtool's extended state: "no
	// cable"); empty if the driver reports none. It arrives after the loss.
	Reason     string
	LastChange time.Time
	LastSource Source
	// Unchanged reports that LastChange is only when the daemon first saw the link in this state.
	Unchanged bool
	// Confirm and Poll are the periods at which the link is asked for its carrier beside the
	// kernel's notifications, 0 if it is not; Stretched reports that one of them is longer than
	// configured. Only Table.Links sets them: a change of them is not published.
	Confirm, Poll time.Duration
	Stretched     bool
	Hinting       Hinting // only Table.Links sets it, too
	// Downs counts the losses since the subscriber last took this link, so that merging in a
	// backlog never hides a flap.
	Downs int
}

// Key returns the link's name: a backlog holds one entry for each name.
func (l Link) Key() string { return l.Name }

// Merge returns the combination of l and newer: the fact with the greater Seq, with the losses of
// both. If there was a loss, the Cause of the first loss is kept, even if the link is usable
// again, since elapsed times count from the first loss that was read. The order of arrival does
// not matter.
func (l Link) Merge(newer Link) Link {
	if newer.Seq < l.Seq {
		l, newer = newer, l
	}
	if l.Downs > 0 && (newer.Downs == 0 || !newer.Cause.At.Before(l.Cause.At)) {
		newer.Cause = l.Cause
	}
	newer.Downs += l.Downs
	return newer
}

// Rest returns the link without the count of its losses (bus.Mergeable).
func (l Link) Rest() Link {
	l.Downs = 0
	return l
}

// Own returns the interface's own name, which files and old system calls need.
func (l Link) Own() string {
	if l.Device != "" {
		return l.Device
	}
	return l.Name
}

// Resolves reports whether stations on the link are found by ARP or neighbor discovery: not on a
// tunnel (tun, WireGuard, GRE), which carries no Ethernet frames.
func (l Link) Resolves() bool { return !l.NoARP && l.HardwareAddr != [6]byte{} }

// Has reports whether adverts of this router may have the address as their source on this link.
func (l Link) Has(a netip.Addr) bool {
	return a.IsValid() && (a == l.Primary4 || a == l.LinkLocal6 ||
		l.Sources != nil && slices.ContainsFunc(*l.Sources, func(p netip.Prefix) bool { return p.Addr() == a }))
}

// Address returns the source address of adverts of a family; zero if there is none.
func (l Link) Address(f Family) netip.Addr {
	if f == IPv6 {
		return l.LinkLocal6
	}
	return l.Primary4
}

// Near returns the source whose subnet contains the station, with the longest prefix if there are
// several; zero if there is none.
func (l Link) Near(station netip.Addr) netip.Addr {
	var near netip.Prefix
	if l.Sources == nil {
		return netip.Addr{}
	}
	for _, p := range *l.Sources {
		if p.Contains(station) && (!near.IsValid() || p.Bits() > near.Bits()) {
			near = p
		}
	}
	return near.Addr()
}

// Address is the state of one address in the kernel: a fact, which replaces the previous one.
// pkg/link/monitor publishes each RTM_NEWADDR and RTM_DELADDR.
type Address struct {
	Cause   Cause
	Index   int
	Prefix  netip.Prefix // the address with its prefix length
	Present bool
	Marked  bool // has IFA_PROTO 112: ripcord added it
	// Removals counts how often it was removed since the subscriber last took it.
	Removals int
}

// AddressKey identifies an address on a link.
type AddressKey struct {
	Index  int
	Prefix netip.Prefix
}

// Key returns the key of the address.
func (a Address) Key() AddressKey { return AddressKey{a.Index, a.Prefix} }

// Merge returns the newer fact with the removals of both.
func (a Address) Merge(newer Address) Address {
	newer.Removals += a.Removals
	return newer
}

// Rest returns the fact without the count of its removals.
func (a Address) Rest() Address {
	a.Removals = 0
	return a
}
