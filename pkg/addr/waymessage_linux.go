package addr

import (
	"net"
	"net/netip"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
)

// routeMessage is the rtmsg of a route, to add or to remove.
func routeMessage(r Route, index int) ([]byte, error) {
	af, to := family(r.To.Addr())
	m := rtnetlink.RouteMessage{
		Family: af, DstLength: uint8(r.To.Bits()), Protocol: mark, Type: unix.RTN_UNICAST, Scope: unix.RT_SCOPE_UNIVERSE,
		Attributes: rtnetlink.RouteAttributes{OutIface: uint32(index), Table: r.Table, Priority: r.Metric},
	}
	if r.To.Bits() > 0 {
		m.Attributes.Dst = to
	}
	if r.Via.IsValid() {
		m.Attributes.Gateway = r.Via.AsSlice()
	} else if af == unix.AF_INET {
		m.Scope = unix.RT_SCOPE_LINK
	}
	if r.Source.IsValid() {
		m.Attributes.Src = r.Source.AsSlice()
	}
	return m.MarshalBinary()
}

// parseRoute reads a route that was listed, and whether it bears our mark. One
// that another's was joined to (IPv6, RTA_MULTIPATH) is not ours alone.
func parseRoute(data []byte) (op WayOp, ours bool, err error) {
	var m rtnetlink.RouteMessage
	if err := m.UnmarshalBinary(data); err != nil {
		return op, false, err
	}
	a := m.Attributes
	r := Route{Table: a.Table, Metric: a.Priority, To: prefixOf(m.Family, a.Dst, m.DstLength)}
	r.Via, _ = netip.AddrFromSlice(a.Gateway)
	r.Source, _ = netip.AddrFromSlice(a.Src)
	if link, err := net.InterfaceByIndex(int(a.OutIface)); err == nil {
		r.Interface = link.Name
	}
	return WayOp{r, int(a.OutIface)}, m.Protocol == mark && m.Type == unix.RTN_UNICAST && len(a.Multipath) == 0, nil
}

// prefixOf is a destination; what is any is not written on the wire.
func prefixOf(family uint8, ip net.IP, bits uint8) netip.Prefix {
	a, ok := netip.AddrFromSlice(ip)
	switch {
	case ok:
	case family == unix.AF_INET:
		a = netip.IPv4Unspecified()
	default:
		a = netip.IPv6Unspecified()
	}
	return netip.PrefixFrom(a, int(bits))
}

// ruleMessage is the fib_rule_hdr of a rule, to add or to remove.
func ruleMessage(r Rule) ([]byte, error) {
	protocol := uint8(mark)
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

// parseRule reads a rule that was listed, and whether it bears our mark.
func parseRule(data []byte) (op WayOp, ours bool, err error) {
	var m rtnetlink.RuleMessage
	if err := m.UnmarshalBinary(data); err != nil {
		return op, false, err
	}
	a := m.Attributes
	if a == nil || a.Protocol == nil || *a.Protocol != mark || m.Action != unix.FR_ACT_TO_TBL {
		return op, false, nil
	}
	r := Rule{Family: event.IPv4}
	if m.Family == unix.AF_INET6 {
		r.Family = event.IPv6
	}
	if a.Src != nil {
		r.From = prefixOf(m.Family, *a.Src, m.SrcLength)
	}
	if a.Dst != nil {
		r.To = prefixOf(m.Family, *a.Dst, m.DstLength)
	}
	if a.IIFName != nil {
		r.Iif = *a.IIFName
	}
	take := func(to *uint32, from *uint32) {
		if from != nil {
			*to = *from
		}
	}
	take(&r.Priority, a.Priority)
	take(&r.Table, a.Table)
	take(&r.Fwmark, a.FwMark)
	take(&r.Mask, a.FwMask)
	return WayOp{Way: r}, true, nil
}
