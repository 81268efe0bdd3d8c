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
	// Version is the version of VRRP; adverts of the other version are rejected.
	Version wire.Version
	// Priority is 1 to 254, or 255 for the address owner; it is the same in all
	// members of a group.
	Priority uint8
	// Interval is the Advertisement_Interval, one of Version.Intervals.
	Interval time.Duration
	// Miss is how many adverts may be missed before the Active counts as gone.
	Miss int
	// Routers is the number of routers that share the virtual router; 0 if unknown. With 2 the
	// only Backup replaces an Active that resigned without waiting Skew_Time.
	Routers int
	// ReadsEach makes the receiver read each advert as it arrives, even if the kernel could count
	// adverts that repeat the last one.
	ReadsEach bool
	// Watching configures how the machine of the Active is watched.
	Watching Watching
	// Preempt is Preempt_Mode (RFC 9568 §6.1).
	Preempt bool
	// PreemptDelay is the time after a start, the end of the last fault, or the return of a weight
	// in which no Active of lower priority is preempted; StartupDelay is the time after the start
	// in which the group does not become Active at all.
	PreemptDelay, StartupDelay time.Duration
	// Addresses are the virtual addresses, in the order in which they are advertised.
	Addresses []netip.Addr
	// Extra are the addresses that are held but not advertised: they may be of the other family.
	Extra []netip.Addr
	// Checksum is the checksum form of adverts sent over IPv4. With AutoChecksum it is only the
	// form at the start, and the form of another Active that is heard is adopted.
	Checksum     wire.Checksum
	AutoChecksum bool
	// Auth is the authentication of VRRPv2; VRRPv3 has none.
	Auth wire.Auth
	// HMAC authenticates adverts of either version; nil if they are not authenticated.
	HMAC *HMAC
	// Unicast lists the routers to which adverts are sent and from which they are accepted,
	// instead of the multicast group.
	Unicast Unicast
	// Multicast is the multicast group to which adverts are sent; zero for that of RFC 9568.
	Multicast netip.Addr
	// Source is the source address of adverts; zero for the link's own. With IgnoreSource it is
	// used even if it is not on this machine.
	Source       netip.Addr
	IgnoreSource bool
	// VirtualMAC puts the addresses on a macvlan with the virtual router's own MAC (RFC 9568
	// §7.3), from which adverts leave as well unless LinkMACAdverts.
	VirtualMAC, LinkMACAdverts bool
	// Recovery is the proof that is required of the link after a return.
	Recovery Recovery
	// IgnoreLink keeps a missing carrier from being a fault, as long as the link exists and is
	// administratively up.
	IgnoreLink bool
	// Track lists the trackers of the instance beside its own link.
	Track []Tracker
	// Weighted reports whether weights may change the priority that the instance advertises: its
	// own, or those of its group and the other members.
	Weighted bool
}

// Unicast is the exchange of adverts with single routers. Its zero value stands for multicast.
type Unicast struct {
	Peers []netip.Addr // of the instance's family
	// TTL is the TTL or hop limit of our adverts, MinTTL the minimum of theirs: 255 proves that
	// they were sent on the segment itself.
	TTL, MinTTL uint8
}

// Recovery configures how a link that was down proves that its segment forwards. A switch port
// does not forward for the 30 s of a spanning tree (docs/architecture.md#link-state). The zero
// value requires no proof.
type Recovery struct {
	Adverts int           // adverts of the current Active that are a proof
	Wait    time.Duration // the longest wait for any proof; 0 if none is required
}

// Group is the configuration of virtual routers that move as one. An instance outside any group
// is a group of one without a name.
type Group struct {
	Name    string
	Members []Instance
	// Track lists the trackers of the group as a whole. With FaultAll only the failure of all of
	// them that have no weight is a fault.
	Track    []Tracker
	FaultAll bool
	// LastStanding lets a member without a fault of its own serve while the group is in Fault, if
	// no other router serves.
	LastStanding bool
	Fence        *Fence // nil if the group has none
}

// Weighs reports whether any tracker of the group or of a member has a weight.
func (g *Group) Weighs() bool {
	weighs := func(t Tracker) bool { return t.Weight != 0 || t.Reported }
	return slices.ContainsFunc(g.Track, weighs) ||
		slices.ContainsFunc(g.Members, func(in Instance) bool { return slices.ContainsFunc(in.Track, weighs) })
}

// Title returns the name of the group in orders and answers: its own name, or that of its only
// instance.
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

// Impaired is the priority that a router advertises while it lacks something that it should hold.
// A router that hears it and lacks nothing takes over, whatever its Preempt_Mode.
const Impaired = 1

// ImpairedLastStanding is that priority in a group with LastStanding, where a member that serves
// alone advertises 1: an impaired router is still better.
const ImpairedLastStanding = 2

// Impaired returns the priority that the group advertises while it lacks something.
func (g *Group) Impaired() uint8 {
	if g.LastStanding {
		return ImpairedLastStanding
	}
	return Impaired
}

// HMAC is the authentication of adverts by a trailer (wire.Key). It is introduced on all routers
// of a LAN in three steps without an outage: ReceiveOnly, Permissive, Enforce.
type HMAC struct {
	Keys   map[uint8]wire.Secret // by their ids
	Active uint8                 // the id of the key that signs
	Mode   AuthMode
	// Window bounds the difference between the time in an advert and this router's; 0 if the time
	// is not compared: then an advert must only be later than the last one.
	Window time.Duration
}

// AuthMode selects which adverts are signed, and which must be.
type AuthMode uint8

// The modes.
const (
	Enforce     AuthMode = iota // adverts that are not signed are discarded
	Permissive                  // adverts that are not signed are accepted
	ReceiveOnly                 // adverts that are not signed are accepted, and ours are not signed
)

// Signs reports whether our adverts are signed. h may be nil.
func (h *HMAC) Signs() bool { return h != nil && h.Mode != ReceiveOnly }

// Key returns a new instance of the key that signs.
func (h *HMAC) Key() *wire.Key { return wire.NewKey(h.Active, h.Keys[h.Active]) }

// Same reports whether two configurations are of the same virtual router, so that one can replace
// the other while it runs.
func (in *Instance) Same(o *Instance) bool {
	return in.Name == o.Name && in.Interface == o.Interface && in.VRID == o.VRID && in.Family == o.Family && in.VirtualMAC == o.VirtualMAC
}

// FromVirtualMAC reports whether the instance's adverts leave from the virtual MAC.
func (in *Instance) FromVirtualMAC() bool { return in.VirtualMAC && !in.LinkMACAdverts }

// IsUnicast reports whether adverts are sent to single routers.
func (in *Instance) IsUnicast() bool { return len(in.Unicast.Peers) > 0 }

// MulticastGroup returns the multicast group to which adverts go, unless the instance is unicast.
func (in *Instance) MulticastGroup() netip.Addr {
	if in.Multicast.IsValid() {
		return in.Multicast
	}
	return wire.GroupOf(in.Family)
}

func (in *Instance) hasPeer(a netip.Addr) bool { return slices.Contains(in.Unicast.Peers, a) }

// Fit returns how well the path of an advert fits an instance with its VRID. Several instances on
// a link may have the same VRID and family, and the advert belongs to the one with the best fit.
// An advert to a multicast group fits the instance of that group. Any other advert fits a unicast instance, better
// if its sender is a peer, and best if it was sent to the instance's own source address.
func (in *Instance) Fit(path wire.Path) int {
	single := !path.Dest.IsMulticast()
	switch {
	case in.IsUnicast() != single, !single && path.Dest != in.MulticastGroup():
		return 0
	case single && !in.hasPeer(path.Source):
		return 1
	case single && path.Dest != in.Source:
		return 2
	}
	return 3
}

// PacketLen returns the length of the instance's adverts including their IP header.
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

// Fence is the command that must succeed before a group takes over from a silent Active.
type Fence struct {
	Argv    []string // the program and its arguments
	Timeout time.Duration
	Proceed bool // take over even if the command fails or cannot be run
}

// TrackerKind is the kind of object that a tracker watches.
type TrackerKind uint8

// The kinds.
const (
	TrackInterface TrackerKind = iota // a link, by its name
	TrackCheck                        // a check, by its name
)

// Tracker is one entry of the `track` list of an instance or a group.
type Tracker struct {
	Kind TrackerKind
	Name string
	// Weight is added to the priority while the tracker is up if it is positive, while the
	// tracker is down if it is negative. With 0 the failure of the tracker is a fault.
	Weight int
	// Reverse exchanges the two states: a positive weight is added while the tracker is down, and
	// without a weight the tracker is a fault while it is up.
	Reverse bool
	// Reported is set if the tracker itself reports how much it adds to the priority, as a check
	// of a file does; Weight is not used then. While such a tracker is down it is a fault,
	// with FaultAll, too.
	Reported bool
	// Neutral is set where the group does not wait for the tracker's first result: until then it
	// adds nothing to the priority.
	Neutral bool
}

// TrackerState is the state of a tracker.
type TrackerState uint8

// The states.
const (
	TrackerWaiting TrackerState = iota // it has no result yet
	TrackerUp
	TrackerDown
)
