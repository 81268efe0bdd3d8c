package control

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	iproute "ripcord/pkg/route"
	"ripcord/pkg/rtnl"
	"ripcord/pkg/vrrp"
)

// keepalivedAddress returns an address in the words of keepalived's dump, with `set` while it is in
// place.
func keepalivedAddress(a addr.Address, device string, m vrrp.InstanceStatus) string {
	text := a.Prefix.String()
	if a.Prefix.IsSingleIP() {
		text = a.Prefix.Addr().String()
	}
	if a.Broadcast.IsValid() {
		text += " brd " + a.Broadcast.String()
	}
	if a.Interface != "" {
		device = a.Interface
	}
	text += " dev " + device + " scope " + iproute.ScopeName(a.Scope)
	if a.Label != "" {
		text += " label " + a.Label
	}
	if a.Prefix.Addr().Is6() && !a.Preferred {
		text += " deprecated" // never the source of this router's own traffic
	}
	if m.State == event.Active && !slices.ContainsFunc(m.Missing, func(missing string) bool { return strings.HasPrefix(missing, a.Prefix.String()+" ") }) {
		text += " set"
	}
	return text
}

// keepalivedRoute returns a route in the words of keepalived's dump, which differ slightly from ip
// route's.
func keepalivedRoute(r iproute.Route) string {
	words := phrase{"prepend"}
	words.add(r.Type != iproute.Unicast, "%s", r.Type)
	words.add(r.To.Bits() == 0, "default")
	words.add(r.To.Bits() != 0, "%s", network(r.To))
	words.add(r.Source.IsValid(), "src %s", r.Source)
	words.add(r.TOS != 0, "tos %d", r.TOS)
	words.hop(r.Via, r.Interface)
	words.add(r.Table != iproute.MainTable, "table %d", r.Table)
	words.add(true, "proto %d", rtnl.Mark)
	words.add(r.Scoped && r.Scope != 0, "scope %d", r.Scope)
	words.add(r.Metric != 0, "metric %d", r.Metric)
	words.add(r.OnLink, "onlink")
	metrics := strings.TrimSpace(r.Metrics.String())
	words.add(metrics != "", "%s", metrics)
	words.add(r.Preferred, "pref %s", preference(r.Preference))
	for _, h := range r.Hops {
		words.add(true, "nexthop")
		words.hop(h.Via, h.Interface)
		words.add(h.Weight > 1, "weight %d", h.Weight)
		words.add(h.OnLink, "onlink")
	}
	return strings.Join(words, " ")
}

// keepalivedRule returns a rule in the words of keepalived's dump, which differ slightly from ip
// rule's.
func keepalivedRule(r iproute.Rule) string {
	var words phrase
	words.add(r.Family == event.IPv6 && !r.From.IsValid() && !r.To.IsValid(), "inet6")
	words.add(r.Not, "not")
	words.add(r.From.IsValid(), "from %s", network(r.From))
	words.add(!r.From.IsValid(), "from all")
	words.add(r.To.IsValid(), "to %s", network(r.To))
	words.add(true, "priority %d tos %#x", r.Priority, r.TOS)
	words.add(r.Mask == ^uint32(0), "fwmark %#x", r.Fwmark)
	words.add(r.Mask != 0 && r.Mask != ^uint32(0), "fwmark %#x/%#x", r.Fwmark, r.Mask)
	words.add(r.Iif != "", "iif %s", r.Iif)
	words.add(r.Oif != "", "oif %s", r.Oif)
	words.add(r.HasSuppress, "suppress_prefixlen %d", r.Suppress)
	words.add(r.HasUIDs, "uidrange %d-%d", r.UIDs.First, r.UIDs.Last)
	words.add(r.L3MDev, "l3mdev")
	words.add(true, "protocol %d", rtnl.Mark)
	words.add(r.Protocol != 0, "ipproto %d", r.Protocol)
	words.add(r.Sport != iproute.Range{}, "sport %d-%d", r.Sport.First, r.Sport.Last)
	words.add(r.Dport != iproute.Range{}, "dport %d-%d", r.Dport.First, r.Dport.Last)
	switch r.Action {
	case iproute.Lookup:
		words.add(true, "lookup %d", r.Table)
	case iproute.Goto:
		words.add(true, "goto %d", r.Goto)
	case iproute.GoOn:
		words.add(true, "nop")
	default:
		words.add(true, "type %s", r.Action)
	}
	return strings.Join(words, " ")
}

// A phrase is a line of the dump, as a list of its parts.
type phrase []string

// add adds words on a condition.
func (p *phrase) add(wanted bool, format string, args ...any) {
	if wanted {
		*p = append(*p, fmt.Sprintf(format, args...))
	}
}

// hop adds a next hop.
func (p *phrase) hop(via netip.Addr, device string) {
	p.add(via.Is4(), "via inet %s", via)
	p.add(via.Is6(), "via inet6 %s", via)
	p.add(device != "", "dev %s", device)
}

// network returns a prefix, without the length if it is a single address.
func network(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// preference returns the word for a preference of RFC 4191, whose two bits are a signed number.
func preference(p uint8) string {
	switch p {
	case 1:
		return "high"
	case 3:
		return "low"
	}
	return "medium"
}

// quoted returns a command as keepalived writes it: each word in quotes, as for a shell.
func quoted(argv []string) string {
	words := make([]string, len(argv))
	for i, w := range argv {
		words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}
