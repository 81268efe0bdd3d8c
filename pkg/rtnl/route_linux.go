package rtnl

import (
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Route is an RTM_NEWROUTE or RTM_DELROUTE.
type Route struct {
	To       netip.Prefix
	Via      netip.Addr // the next hop; invalid: none
	Index    int        // ifindex; 0: none
	Table    uint32
	Metric   uint32
	Source   netip.Addr // RTA_PREFSRC; invalid: none
	Type     uint8      // RTN_*
	Protocol uint8      // RTPROT_*
	TOS      uint8
	Hops     []Hop // RTA_MULTIPATH
}

// Hop is one of several next hops of a route.
type Hop struct {
	Via    netip.Addr // invalid: none
	Index  int        // ifindex
	Weight int        // 1 to 256
}

// DecodeRoute decodes a route message of a protocol; false for other protocols, of whose messages
// it reads nothing else.
func DecodeRoute(m netlink.Message, protocol uint8) (r Route, ok bool) {
	b := m.Data
	if len(b) < unix.SizeofRtMsg || b[5] != protocol {
		return r, false
	}
	family := b[0]
	if family != unix.AF_INET && family != unix.AF_INET6 {
		return r, false
	}
	r = Route{TOS: b[3], Table: uint32(b[4]), Protocol: b[5], Type: b[7]}
	var to netip.Addr
	for kind, value := range Attributes(b[unix.SizeofRtMsg:]) {
		switch kind {
		case unix.RTA_DST:
			to = addr(family, value)
		case unix.RTA_GATEWAY:
			r.Via = addr(family, value)
		case unix.RTA_OIF:
			r.Index = int(int32(Uint32(value)))
		case unix.RTA_TABLE: // the header has room for 255
			r.Table = Uint32(value)
		case unix.RTA_PRIORITY:
			r.Metric = Uint32(value)
		case unix.RTA_PREFSRC:
			r.Source = addr(family, value)
		case unix.RTA_MULTIPATH:
			r.Hops = hops(family, value)
		}
	}
	r.To = prefix(family, to, b[1])
	return r, r.To.IsValid()
}

// hops decodes the rtnexthops of RTA_MULTIPATH.
func hops(family uint8, b []byte) (all []Hop) {
	for len(b) >= unix.SizeofRtNexthop {
		length := int(Uint16(b))
		if length < unix.SizeofRtNexthop || length > len(b) {
			return all
		}
		h := Hop{Index: int(int32(Uint32(b[4:]))), Weight: int(b[3]) + 1}
		for kind, value := range Attributes(b[unix.SizeofRtNexthop:length]) {
			if kind == unix.RTA_GATEWAY {
				h.Via = addr(family, value)
			}
		}
		all = append(all, h)
		b = b[min(align(length), len(b)):]
	}
	return all
}

// ListRoutes returns the request for the routes of a family and protocol, for Dump. The kernel
// filters them only on a Conn that is Strict.
func ListRoutes(family, protocol uint8) netlink.Message {
	m := list(unix.RTM_GETROUTE, unix.SizeofRtMsg)
	m.Data[0], m.Data[5] = family, protocol
	return m
}

// prefix returns a destination; the kernel omits the address of the default route.
func prefix(family uint8, a netip.Addr, bits uint8) netip.Prefix {
	switch {
	case a.IsValid():
	case family == unix.AF_INET:
		a = netip.IPv4Unspecified()
	default:
		a = netip.IPv6Unspecified()
	}
	return netip.PrefixFrom(a, int(bits))
}
