package route

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
)

// MainTable is RT_TABLE_MAIN, the routing table that is used unless a rule selects another.
const MainTable = 254

// Entry is a Route or a Rule. Same compares two.
type Entry interface {
	fmt.Stringer
	// Links returns the interfaces that must exist first.
	Links() []string
}

// Same reports whether two entries are the same in all fields.
func Same(a, b Entry) bool {
	if _, isRule := a.(Rule); isRule {
		return a == b // reflect takes 20 times as long
	}
	return reflect.DeepEqual(a, b)
}

// Route is an entry of a routing table.
type Route struct {
	To        netip.Prefix // of length 0: the default route
	Via       netip.Addr   // the next hop; invalid if To is on the link
	Interface string       // empty: the kernel finds it by Via
	Table     uint32
	Metric    uint32     // 0: the kernel's default
	Source    netip.Addr // for the router's own traffic; invalid: the kernel chooses
	Type      Type
	Scope     uint8 // RT_SCOPE_* over IPv4, if Scoped; otherwise what ip route chooses
	Scoped    bool
	TOS       uint8 // over IPv4: of the packets for which it is; 0: of all that have no route of their own
	OnLink    bool  // Via is on the link, although none of our addresses shows that
	Hops      []Hop // instead of Via and Interface: traffic is divided among them
	Metrics   Metrics
	// Preference is an RFC 4191 preference over IPv6, if Preferred; otherwise the kernel's.
	Preference uint8
	Preferred  bool
}

// Hop is one of several next hops of a route.
type Hop struct {
	Via       netip.Addr // invalid: the destination is on the link
	Interface string     // empty: the kernel finds it by Via
	Weight    int        // the weight of its share, 1 to 256; 0 counts as 1
	OnLink    bool
}

// Type is the treatment of packets that match a route.
type Type uint8

// The types.
const (
	Unicast     Type = iota // it is forwarded
	Blackhole               // it is dropped
	Unreachable             // it is refused: host unreachable
	Prohibit                // it is refused: administratively prohibited
	Throw                   // the lookup continues in the next table
	Local                   // it is for this machine
	Broadcast               // it is sent to all on the link
	Anycast                 // it is for this machine, and sent like a broadcast
	Multicast               // it is sent to a group on the link
)

// Discards reports whether routes of the type lead nowhere: they have no Via, Interface or Source.
func (t Type) Discards() bool { return t >= Blackhole && t <= Throw }

// String returns ip route's word for the type.
func (t Type) String() string {
	return [...]string{"unicast", "blackhole", "unreachable", "prohibit", "throw", "local", "broadcast", "anycast", "multicast"}[t]
}

// scope returns the scope that ip route gives an IPv4 route without one.
func (r Route) scope() uint8 {
	const link, host = 253, 254
	switch {
	case r.Scoped:
		return r.Scope
	case r.Type == Local:
		return host
	case r.Type >= Broadcast, r.Type == Unicast && !r.Via.IsValid() && len(r.Hops) == 0:
		return link
	}
	return 0
}

// scopes are ip route's words for RT_SCOPE_*.
var scopes = map[uint8]string{0: "global", 200: "site", 253: "link", 254: "host"}

// ScopeName returns ip route's word or number for a scope.
func ScopeName(scope uint8) string {
	if name, ok := scopes[scope]; ok {
		return name
	}
	return strconv.Itoa(int(scope))
}

// Links returns the interfaces of the route and of its next hops.
func (r Route) Links() (all []string) {
	if r.Interface != "" {
		all = append(all, r.Interface)
	}
	for _, h := range r.Hops {
		if h.Interface != "" {
			all = append(all, h.Interface)
		}
	}
	return all
}

// Key identifies a route to the kernel, which keeps only one route per key.
type Key struct {
	To            netip.Prefix
	Table, Metric uint32
	TOS           uint8
}

// Key returns the route's.
func (r Route) Key() Key {
	const default6 = 1024 // IP6_RT_PRIO_USER
	if r.Metric == 0 && r.To.Addr().Is6() {
		r.Metric = default6 // the kernel's choice
	}
	return Key{To: r.To, Table: r.Table, Metric: r.Metric, TOS: r.TOS}
}

// collides reports whether two entries cannot coexist in the kernel.
func collides(a, b Entry) bool {
	r, isRoute := a.(Route)
	s, isOther := b.(Route)
	if !isRoute || !isOther {
		return Same(a, b)
	}
	return r.Key() == s.Key()
}

// Stands reports whether an entry is one that the kernel lists with the mark.
func Stands(e Entry, listed Op) bool { return collides(e, listed.Entry) }

// String writes the route as ip route does.
func (r Route) String() string {
	var b strings.Builder
	if r.Type != Unicast {
		b.WriteString(r.Type.String() + " ")
	}
	if r.To.Bits() == 0 {
		b.WriteString("default")
	} else {
		b.WriteString(r.To.String())
	}
	if r.TOS != 0 {
		fmt.Fprintf(&b, " tos %#x", r.TOS)
	}
	if r.Via.IsValid() {
		fmt.Fprintf(&b, " via %s", r.Via)
	}
	if r.Interface != "" {
		fmt.Fprintf(&b, " dev %s", r.Interface)
	}
	if r.Table != MainTable {
		fmt.Fprintf(&b, " table %d", r.Table)
	}
	if r.Scoped {
		b.WriteString(" scope " + ScopeName(r.Scope))
	}
	if r.Metric != 0 {
		fmt.Fprintf(&b, " metric %d", r.Metric)
	}
	if r.Source.IsValid() {
		fmt.Fprintf(&b, " src %s", r.Source)
	}
	if r.OnLink {
		b.WriteString(" onlink")
	}
	if r.Preferred {
		fmt.Fprintf(&b, " pref %d", r.Preference)
	}
	b.WriteString(r.Metrics.String())
	for _, h := range r.Hops {
		b.WriteString(h.String())
	}
	return b.String()
}

// String writes the next hop as ip route does, after a blank.
func (h Hop) String() string {
	text := " nexthop"
	if h.Via.IsValid() {
		text += " via " + h.Via.String()
	}
	if h.Interface != "" {
		text += " dev " + h.Interface
	}
	text += " weight " + strconv.Itoa(max(h.Weight, 1))
	if h.OnLink {
		text += " onlink"
	}
	return text
}

// Op is a route or rule to add or to remove.
type Op struct {
	Entry
	Index int   // ifindex of its interface; 0 if it has none
	Hops  []int // those of its next hops
}
