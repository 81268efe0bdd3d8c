package route

import (
	"net"
	"net/netip"
	"slices"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/rtnl"
)

// types are the kernel's numbers of the types of routes.
var types = [...]uint8{Unicast: unix.RTN_UNICAST, Blackhole: unix.RTN_BLACKHOLE, Unreachable: unix.RTN_UNREACHABLE, Prohibit: unix.RTN_PROHIBIT}

// routeMessage returns the rtmsg of a route to add.
func routeMessage(r Route, index int) ([]byte, error) {
	scope := uint8(unix.RT_SCOPE_UNIVERSE)
	switch {
	case r.Scoped:
		scope = r.Scope
	case r.Type == Unicast && !r.Via.IsValid() && r.To.Addr().Is4():
		scope = unix.RT_SCOPE_LINK
	}
	return scopedMessage(r, index, scope)
}

// removalMessage returns the rtmsg of a route to remove, of whatever scope.
func removalMessage(r Route, index int) ([]byte, error) {
	return scopedMessage(r, index, unix.RT_SCOPE_NOWHERE)
}

func scopedMessage(r Route, index int, scope uint8) ([]byte, error) {
	af := uint8(unix.AF_INET6)
	if r.To.Addr().Is4() {
		af = unix.AF_INET
	}
	m := rtnetlink.RouteMessage{
		Family: af, DstLength: uint8(r.To.Bits()), Protocol: rtnl.Mark, Type: types[r.Type], Scope: scope,
		Attributes: rtnetlink.RouteAttributes{OutIface: uint32(index), Table: r.Table, Priority: r.Metric},
	}
	if r.To.Bits() > 0 {
		m.Attributes.Dst = r.To.Addr().AsSlice()
	}
	if r.Via.IsValid() {
		m.Attributes.Gateway = r.Via.AsSlice()
	}
	if r.Source.IsValid() {
		m.Attributes.Src = r.Source.AsSlice()
	}
	return m.MarshalBinary()
}

// routeOp reads a route of ours that was listed, to remove it. A route to which the kernel
// joined another program's (IPv6, RTA_MULTIPATH) is not ours alone.
func routeOp(m netlink.Message) (op Op, ours bool) {
	r, ok := rtnl.DecodeRoute(m, rtnl.Mark)
	kind := slices.Index(types[:], r.Type)
	if !ok || kind < 0 || r.Multipath {
		return op, false
	}
	return Op{Route{To: r.To, Via: r.Via, Table: r.Table, Metric: r.Metric, Source: r.Source, Type: Type(kind)}, r.Index}, true
}

// ruleMessage returns the fib_rule_hdr of a rule, to add or to remove.
func ruleMessage(r Rule) ([]byte, error) {
	protocol := uint8(rtnl.Mark)
	m := rtnetlink.RuleMessage{
		Family: unix.AF_INET, Action: unix.FR_ACT_TO_TBL,
		Attributes: &rtnetlink.RuleAttributes{Priority: &r.Priority, Table: &r.Table, Protocol: &protocol},
	}
	if r.Family == event.IPv6 {
		m.Family = unix.AF_INET6
	}
	selector := func(p netip.Prefix, bits *uint8, ip **net.IP) {
		if p.IsValid() {
			slice := net.IP(p.Addr().AsSlice())
			*bits, *ip = uint8(p.Bits()), &slice
		}
	}
	selector(r.From, &m.SrcLength, &m.Attributes.Src)
	selector(r.To, &m.DstLength, &m.Attributes.Dst)
	if r.Iif != "" {
		m.Attributes.IIFName = &r.Iif
	}
	if r.Mask != 0 {
		m.Attributes.FwMark, m.Attributes.FwMask = &r.Fwmark, &r.Mask
	}
	return m.MarshalBinary()
}

// ruleOp reads a rule of ours that was listed, to remove it. A rule with a selector that ours
// never have belongs to another program.
func ruleOp(m netlink.Message) (op Op, ours bool) {
	r, ok := rtnl.DecodeRule(m, rtnl.Mark)
	rule := Rule{
		Family: event.IPv4, From: r.From, To: r.To, Iif: r.Iif, Fwmark: r.Fwmark, Mask: r.Mask, Table: r.Table, Priority: r.Priority,
	}
	if r.Family == unix.AF_INET6 {
		rule.Family = event.IPv6
	}
	return Op{Entry: rule}, ok && r.Action == unix.FR_ACT_TO_TBL && !r.More
}
