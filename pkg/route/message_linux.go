package route

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/rtnl"
)

// types maps types of routes to the kernel's numbers.
var types = [...]uint8{
	Unicast: unix.RTN_UNICAST, Blackhole: unix.RTN_BLACKHOLE, Unreachable: unix.RTN_UNREACHABLE, Prohibit: unix.RTN_PROHIBIT, Throw: unix.RTN_THROW,
	Local: unix.RTN_LOCAL, Broadcast: unix.RTN_BROADCAST, Anycast: unix.RTN_ANYCAST, Multicast: unix.RTN_MULTICAST,
}

// onLink is RTNH_F_ONLINK.
const onLink = 4

// routeMessage returns the rtmsg of a route to add.
func routeMessage(op Op, r Route) ([]byte, error) {
	scope := uint8(unix.RT_SCOPE_UNIVERSE)
	if r.To.Addr().Is4() {
		scope = r.scope()
	}
	data, err := scopedMessage(op, r, scope)
	if err != nil {
		return nil, err
	}
	more := netlink.NewAttributeEncoder()
	if r.Preferred {
		more.Uint8(unix.RTA_PREF, r.Preference)
	}
	if r.Metrics != (Metrics{}) {
		more.Nested(unix.RTA_METRICS, r.Metrics.encode)
	}
	return appended(data, more)
}

// removalMessage returns the rtmsg of a route to remove, with any scope.
func removalMessage(op Op, r Route) ([]byte, error) {
	return scopedMessage(op, r, unix.RT_SCOPE_NOWHERE)
}

func scopedMessage(op Op, r Route, scope uint8) ([]byte, error) {
	af := uint8(unix.AF_INET6)
	if r.To.Addr().Is4() {
		af = unix.AF_INET
	}
	m := rtnetlink.RouteMessage{
		Family: af, DstLength: uint8(r.To.Bits()), Tos: r.TOS, Protocol: rtnl.Mark, Type: types[r.Type], Scope: scope,
		Attributes: rtnetlink.RouteAttributes{OutIface: uint32(op.Index), Table: r.Table, Priority: r.Metric},
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
	if r.OnLink {
		m.Flags = onLink
	}
	data, err := m.MarshalBinary()
	if err != nil || len(r.Hops) == 0 {
		return data, err
	}
	more := netlink.NewAttributeEncoder()
	more.Bytes(unix.RTA_MULTIPATH, hopsMessage(r.Hops, op.Hops))
	return appended(data, more)
}

// hopsMessage returns the rtnexthop of each next hop, with the indexes of their interfaces.
func hopsMessage(hops []Hop, indexes []int) (data []byte) {
	for i, h := range hops {
		flags := uint8(0)
		if h.OnLink {
			flags = onLink
		}
		gateway := h.Via.AsSlice()
		length := unix.SizeofRtNexthop
		if len(gateway) > 0 {
			length += unix.SizeofRtAttr + len(gateway)
		}
		data = binary.NativeEndian.AppendUint16(data, uint16(length))
		data = append(data, flags, uint8(max(h.Weight, 1)-1))
		data = binary.NativeEndian.AppendUint32(data, uint32(indexes[i]))
		if len(gateway) > 0 {
			data = binary.NativeEndian.AppendUint16(data, uint16(unix.SizeofRtAttr+len(gateway)))
			data = binary.NativeEndian.AppendUint16(data, unix.RTA_GATEWAY)
			data = append(data, gateway...)
		}
	}
	return data
}

// encode writes metrics into RTA_METRICS.
func (m Metrics) encode(into *netlink.AttributeEncoder) error {
	for n := range metricNames {
		switch {
		case n == unix.RTAX_CC_ALGO && m.algo != "":
			into.String(uint16(n), m.algo)
		case m.said&(1<<n) != 0:
			into.Uint32(uint16(n), m.values[n])
		}
	}
	if m.locked != 0 {
		into.Uint32(unix.RTAX_LOCK, m.locked)
	}
	return nil
}

// appended is a message with more attributes.
func appended(data []byte, more *netlink.AttributeEncoder) ([]byte, error) {
	tail, err := more.Encode()
	return append(data, tail...), err
}

// routeOp decodes a listed route of ours, to remove it. Among several next hops over IPv6 some may
// be those of another program's route, which the kernel joined to it: the mark protects these from
// removal.
func routeOp(m netlink.Message) (op Op, ours bool) {
	r, ok := rtnl.DecodeRoute(m, rtnl.Mark)
	kind := slices.Index(types[:], r.Type)
	if !ok || kind < 0 {
		return op, false
	}
	out := Route{To: r.To, Via: r.Via, Table: r.Table, Metric: r.Metric, Source: r.Source, Type: Type(kind), TOS: r.TOS}
	op.Index = r.Index
	for _, h := range r.Hops {
		out.Hops = append(out.Hops, Hop{Via: h.Via, Weight: h.Weight})
		op.Hops = append(op.Hops, h.Index)
	}
	op.Entry = out
	return op, true
}

// actions maps actions of rules to the kernel's numbers.
var actions = [...]uint8{
	Lookup: unix.FR_ACT_TO_TBL, GoOn: unix.FR_ACT_NOP, Goto: unix.FR_ACT_GOTO,
	DropTraffic: unix.FR_ACT_BLACKHOLE, RefuseTraffic: unix.FR_ACT_UNREACHABLE, ProhibitTraffic: unix.FR_ACT_PROHIBIT,
}

// invert is FIB_RULE_INVERT.
const invert = 2

// ruleMessage returns the fib_rule_hdr of a rule, to add or to remove.
func ruleMessage(r Rule) ([]byte, error) {
	protocol := uint8(rtnl.Mark)
	a := &rtnetlink.RuleAttributes{Priority: &r.Priority, Protocol: &protocol}
	m := rtnetlink.RuleMessage{Family: unix.AF_INET, TOS: r.TOS, Action: actions[r.Action], Attributes: a}
	if r.Family == event.IPv6 {
		m.Family = unix.AF_INET6
	}
	if r.Not {
		m.Flags = invert
	}
	switch {
	case r.Action == Goto:
		a.Goto = &r.Goto
	case r.Action == Lookup && r.L3MDev:
		a.L3MDev = new(uint8(1))
	case r.Action == Lookup:
		a.Table = &r.Table
	}
	if r.HasSuppress {
		a.SuppressPrefixLen = &r.Suppress
	}
	selectors(r, &m)
	data, err := m.MarshalBinary()
	if err != nil || !r.HasUIDs {
		return data, err
	}
	more := netlink.NewAttributeEncoder() // rtnetlink's encoder has 16 bits for a user
	more.Bytes(unix.FRA_UID_RANGE, binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, r.UIDs.First), r.UIDs.Last))
	return appended(data, more)
}

// selectors adds the selectors of a rule.
func selectors(r Rule, m *rtnetlink.RuleMessage) {
	a := m.Attributes
	network := func(p netip.Prefix, bits *uint8, ip **net.IP) {
		if p.IsValid() {
			slice := net.IP(p.Addr().AsSlice())
			*bits, *ip = uint8(p.Bits()), &slice
		}
	}
	network(r.From, &m.SrcLength, &a.Src)
	network(r.To, &m.DstLength, &a.Dst)
	if r.Iif != "" {
		a.IIFName = &r.Iif
	}
	if r.Oif != "" {
		a.OIFName = &r.Oif
	}
	if r.Mask != 0 {
		a.FwMark, a.FwMask = &r.Fwmark, &r.Mask
	}
	if r.Protocol != 0 {
		a.IPProto = &r.Protocol
	}
	ports := func(p Range) *rtnetlink.RulePortRange {
		if p == (Range{}) {
			return nil
		}
		return &rtnetlink.RulePortRange{Start: uint16(p.First), End: uint16(p.Last)}
	}
	a.SPortRange, a.DPortRange = ports(r.Sport), ports(r.Dport)
}

// ruleOp decodes a listed rule of ours, to remove it. A rule with a selector that ours never have
// belongs to another program.
func ruleOp(m netlink.Message) (op Op, ours bool) {
	r, ok := rtnl.DecodeRule(m, rtnl.Mark)
	action := slices.Index(actions[:], r.Action)
	if !ok || r.More || action < 0 {
		return op, false
	}
	rule := Rule{
		Family: event.IPv4, Not: r.Not, From: r.From, To: r.To, Iif: r.Iif, Oif: r.Oif, Fwmark: r.Fwmark, Mask: r.Mask, TOS: r.TOS, Protocol: r.IPProto,
		Sport: Range(r.Sport), Dport: Range(r.Dport), UIDs: Range(r.UIDs), HasUIDs: r.HasUIDs,
		Action: Action(action), Table: r.Table, L3MDev: r.L3MDev, Goto: r.Goto, Suppress: r.Suppress, HasSuppress: r.HasSuppress, Priority: r.Priority,
	}
	if r.Family == unix.AF_INET6 {
		rule.Family = event.IPv6
	}
	return Op{Entry: rule}, true
}
