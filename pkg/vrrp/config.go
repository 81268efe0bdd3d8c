package vrrp

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// Instance is the configuration of one virtual router.
type Instance struct {
	event.Virtual
	// Version is the version of VRRP; adverts of the other are not believed.
	Version wire.Version
	// Priority is 1 to 254, or 255 for the address owner; it is the same in all
	// members of a group.
	Priority uint8
	// Interval is the Advertisement_Interval, one of Version.Intervals.
	Interval time.Duration
	// Miss is how many adverts may be missed before the Active counts as gone.
	Miss int
	// Routers is how many routers share the virtual router; 0: unknown. With 2 the only
	// Backup replaces an Active that resigned without waiting Skew_Time.
	Routers int
	// ReadsEach has each advert read as it comes, also where the kernel could count those that
	// repeat the last one.
	ReadsEach bool
	// Watching configures how the machine of the Active is watched.
	Watching Watching
	// Preempt is Preempt_Mode (RFC 9568 §6.1).
	Preempt bool
	// PreemptDelay is the time after a start or the last fault in which no Active of lower
	// priority is preempted; StartupDelay is the time after the start in which the group
	// does not become Active at all.
	PreemptDelay, StartupDelay time.Duration
	// Addresses are the virtual addresses, in the order in which they are advertised.
	Addresses []netip.Addr
	// Extra are held with them and not advertised: they may be of the other
	// family, and the protocol knows nothing of them.
	Extra []netip.Addr
	// Checksum is the form to send over IPv4; with AutoChecksum it is only the
	// form to begin with, and another Active that is heard to use the other is
	// followed.
	Checksum     wire.Checksum
	AutoChecksum bool
	// Auth is the authentication of VRRPv2; none in VRRPv3.
	Auth wire.Auth
	// HMAC authenticates adverts of either version; nil: nothing is.
	HMAC *HMAC
	// Unicast lists the routers to which adverts go, and from which they are taken,
	// instead of the multicast group.
	Unicast Unicast
	// Source is the address that adverts bear; zero: the link's own. With IgnoreSource they
	// bear it also while it is not on this machine.
	Source       netip.Addr
	IgnoreSource bool
	// VirtualMAC puts the addresses on a macvlan with the virtual router's own MAC (RFC 9568
	// §7.3), from which adverts leave as well unless LinkMACAdverts.
	VirtualMAC, LinkMACAdverts bool
	// Recovery is the proof that the link has to give after a return.
	Recovery Recovery
	// IgnoreLink makes a missing carrier no fault, as long as the link exists and is
	// administratively up.
	IgnoreLink bool
	// Track lists what the instance tracks beside its link.
	Track []Tracker
	// Weighted reports whether weights may change the priority that its adverts bear: its
	// own, or those of its group and the other members.
	Weighted bool
}

// Unicast is the exchange of adverts with single routers. The zero value is the
// multicast of RFC 9568 §5.1.1.2.
type Unicast struct {
	Peers []netip.Addr // of the instance's family
	// TTL is the TTL or hop limit of our adverts, MinTTL the least of theirs: 255
	// proves that they come from the segment itself.
	TTL, MinTTL uint8
}

// Recovery configures how a link that was down proves that its segment forwards, as a
// switch port does not for the 30 s of a spanning tree (docs/architecture.md#link-state). The
// zero value asks for no proof.
type Recovery struct {
	Adverts int           // of the current Active that prove it
	Wait    time.Duration // the longest wait for any proof; 0: no proof is asked for
}

// Group is the configuration of virtual routers that move as one. An instance
// outside any group is a group of one without a name.
type Group struct {
	Name    string
	Members []Instance
	// Track lists what the group tracks as a whole. FaultAll makes only the failure of all
	// those without a weight a fault.
	Track    []Tracker
	FaultAll bool
	// LastStanding lets a member without a fault of its own serve while the group is in
	// Fault, where nobody else does.
	LastStanding bool
	Fence        *Fence // nil: there is none
}

// Weighs reports whether anything that the group or a member tracks has a weight.
func (g *Group) Weighs() bool {
	weighs := func(t Tracker) bool { return t.Weight != 0 || t.Reported }
	return slices.ContainsFunc(g.Track, weighs) ||
		slices.ContainsFunc(g.Members, func(in Instance) bool { return slices.ContainsFunc(in.Track, weighs) })
}

// Title returns the name by which orders and answers call the group: its own, or that of
// its only instance.
func (g *Group) Title() string { return title(g.Name, g.Members[0].Name) }

func title(group, instance string) string {
	if group != "" {
		return group
	}
	return instance
}

// Links returns the links of the members, once each.
func (g *Group) Links() (links []string) {
	for i := range g.Members {
		if name := g.Members[i].Interface; !slices.Contains(links, name) {
			links = append(links, name)
		}
	}
	return links
}

// Owner is the priority of the router that owns the addresses (RFC 9568 §5.2.4).
const Owner = 255

// Impaired is the priority that a router advertises while it lacks something of
// what it should hold. A router that hears it and lacks nothing takes over,
// whatever its Preempt_Mode.
const Impaired = 1

// ImpairedLastStanding is that priority in a group with LastStanding, where 1 is that of a
// member which serves alone: a router that lacks something is still better.
const ImpairedLastStanding = 2

// Impaired returns the priority that the group advertises while it lacks something.
func (g *Group) Impaired() uint8 {
	if g.LastStanding {
		return ImpairedLastStanding
	}
	return Impaired
}

// HMAC is the authentication of adverts by a trailer (wire.Key). It is
// introduced on all routers of a LAN in three steps without an outage: ReceiveOnly, Permissive,
// Enforce.
type HMAC struct {
	Keys   map[uint8]wire.Secret // by their ids
	Active uint8                 // the id of the key that signs
	Mode   AuthMode
	// Window bounds the difference between the time in an advert and ours; 0: the time is
	// not compared, and an advert has only to be later than the last.
	Window time.Duration
}

// AuthMode selects which adverts are signed, and which have to be.
type AuthMode uint8

// The modes.
const (
	Enforce     AuthMode = iota // adverts that are not signed are discarded
	Permissive                  // they are believed
	ReceiveOnly                 // they are believed, and ours are not signed
)

// Signs reports whether our adverts are signed. h may be nil.
func (h *HMAC) Signs() bool { return h != nil && h.Mode != ReceiveOnly }

// Key returns a new instance of the key that signs.
func (h *HMAC) Key() *wire.Key { return wire.NewKey(h.Active, h.Keys[h.Active]) }

// Same reports whether two configurations are of one virtual router, so that one can
// take the place of the other while it runs.
func (in *Instance) Same(o *Instance) bool {
	return in.Name == o.Name && in.Interface == o.Interface && in.VRID == o.VRID && in.Family == o.Family && in.VirtualMAC == o.VirtualMAC
}

// FromVirtualMAC reports whether the instance's adverts leave from the virtual MAC.
func (in *Instance) FromVirtualMAC() bool { return in.VirtualMAC && !in.LinkMACAdverts }

// IsUnicast reports whether adverts go to single routers.
func (in *Instance) IsUnicast() bool { return len(in.Unicast.Peers) > 0 }

func (in *Instance) hasPeer(a netip.Addr) bool { return slices.Contains(in.Unicast.Peers, a) }

// Fit returns how well the path of an advert fits an instance of its VRID. Several may have one
// VRID and family on a link, and the one that it fits best is meant: what is sent to the group is
// for a multicast instance; all else is for a unicast one that has its sender for a peer, at
// best at its own source.
func (in *Instance) Fit(path wire.Path) int {
	single := path.Dest != wire.GroupOf(in.Family)
	switch {
	case in.IsUnicast() != single:
		return 0
	case single && !in.hasPeer(path.Source):
		return 1
	case single && path.Dest != in.Source:
		return 2
	}
	return 3
}

// PacketLen returns the length of the instance's adverts with their IP header.
func (in *Instance) PacketLen() int {
	n := 20
	if in.Family == event.IPv6 {
		n = 40
	}
	if in.HMAC.Signs() {
		n += wire.TrailerLen
	}
	return n + wire.AdvertLen(in.Version, in.Family, len(in.Addresses))
}

// Fence is what has to succeed before a group takes over from a silent Active.
type Fence struct {
	Argv    []string // the program and its arguments
	Timeout time.Duration
	Proceed bool // take over also where it fails or cannot be run
}

// TrackerKind is what a tracker watches.
type TrackerKind uint8

// The kinds.
const (
	TrackInterface TrackerKind = iota // a link, by its name
	TrackCheck                        // a check, by its name
)

// Tracker is one entry of the list `track` of an instance or a group.
type Tracker struct {
	Kind TrackerKind
	Name string
	// Weight is added to the priority while the tracker is up if it is positive, while
	// it is down if it is negative. 0: the failure is a fault.
	Weight int
	// Reverse adds it while the tracker is in the other state; without a weight, the
	// fault is that it is up.
	Reverse bool
	// Reported is set where the tracker itself reports how much it adds to the priority, as
	// a check of a file does; Weight is not used then. While it is down it is a fault,
	// whatever FaultAll says.
	Reported bool
}

// TrackerState is what is known of what a tracker watches.
type TrackerState uint8

// The states.
const (
	TrackerWaiting TrackerState = iota // it has no result yet
	TrackerUp
	TrackerDown
)
