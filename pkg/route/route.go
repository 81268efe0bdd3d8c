package route

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"ripcord/pkg/event"
)

// MainTable is RT_TABLE_MAIN, the routing table that is asked unless a rule says
// otherwise.
const MainTable = 254

// Entry is a Route or a Rule. Both can be compared.
type Entry interface {
	fmt.Stringer
	// Link returns the interface that must exist first; empty if none must.
	Link() string
}

// Route is an entry of a routing table.
type Route struct {
	To        netip.Prefix // of length 0: the default route
	Via       netip.Addr   // the next hop; invalid if To is on the link
	Interface string
	Table     uint32
	Metric    uint32     // 0: the kernel's default
	Source    netip.Addr // for traffic of the router's own; invalid: the kernel chooses
	Type      Type
	Scope     uint8 // RT_SCOPE_* over IPv4, if Scoped; otherwise global, or link without Via
	Scoped    bool
}

// Type is what happens to what a route takes in.
type Type uint8

// The types. Only Unicast has Via, Interface and Source.
const (
	Unicast     Type = iota // it is forwarded
	Blackhole               // it is dropped
	Unreachable             // it is refused: host unreachable
	Prohibit                // it is refused: administratively prohibited
)

// String returns the word that ip route has for it.
func (t Type) String() string {
	return [...]string{"unicast", "blackhole", "unreachable", "prohibit"}[t]
}

// scopes are the words that ip route has for RT_SCOPE_*.
var scopes = map[uint8]string{0: "global", 200: "site", 253: "link", 254: "host"}

// ScopeName returns the word or the number that ip route has for a scope.
func ScopeName(scope uint8) string {
	if name, ok := scopes[scope]; ok {
		return name
	}
	return strconv.Itoa(int(scope))
}

// Rule sends the traffic that it selects to a routing table.
type Rule struct {
	Family       event.Family
	From, To     netip.Prefix // invalid: any
	Iif          string       // the interface that it came in by; empty: any
	Fwmark, Mask uint32       // Mask 0: any
	Table        uint32
	Priority     uint32 // the lower is asked first
}

// Link returns the route's interface.
func (r Route) Link() string { return r.Interface }

// Link returns none: the kernel accepts the name of an interface that does not exist yet.
func (r Rule) Link() string { return "" }

// Key returns the fields that identify a route to the kernel: it keeps no two routes of one
// key.
func (r Route) Key() Route {
	const default6 = 1024 // IP6_RT_PRIO_USER
	if r.Metric == 0 && r.To.Addr().Is6() {
		r.Metric = default6 // the kernel's choice
	}
	return Route{To: r.To, Table: r.Table, Metric: r.Metric}
}

// collides reports whether two entries cannot stand beside each other.
func collides(a, b Entry) bool {
	r, isRoute := a.(Route)
	s, isOther := b.(Route)
	if !isRoute || !isOther {
		return a == b
	}
	return r.Key() == s.Key()
}

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
	return b.String()
}

// String writes the rule as ip rule does.
func (r Rule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rule %d: from ", r.Priority)
	if r.From.IsValid() {
		b.WriteString(r.From.String())
	} else {
		b.WriteString("all")
	}
	if r.To.IsValid() {
		fmt.Fprintf(&b, " to %s", r.To)
	}
	if r.Mask != 0 {
		fmt.Fprintf(&b, " fwmark %#x", r.Fwmark)
		if r.Mask != ^uint32(0) {
			fmt.Fprintf(&b, "/%#x", r.Mask)
		}
	}
	if r.Iif != "" {
		fmt.Fprintf(&b, " iif %s", r.Iif)
	}
	fmt.Fprintf(&b, " lookup %d", r.Table)
	return b.String()
}

// Op is a route or rule to add or to remove.
type Op struct {
	Entry
	Index int // ifindex of its interface; 0 if it has none
}
