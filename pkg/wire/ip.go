package wire

import (
	"net/netip"

	"ripcord/pkg/event"
)

// These are the multicast groups to which adverts are sent (RFC 9568 §5.1.1.2, §5.1.2.2).
var (
	Group4 = netip.AddrFrom4([4]byte{224, 0, 0, 18})
	Group6 = netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x12})
)

// GroupOf returns the multicast group of a family. An instance may be configured to use another
// one.
func GroupOf(f event.Family) netip.Addr {
	if f == event.IPv4 {
		return Group4
	}
	return Group6
}

// Path is the relevant part of the IP header of a packet: its source, its destination, and the
// TTL or hop limit with which it arrived.
type Path struct {
	Source, Dest netip.Addr
	HopLimit     int
	// Least is the minimum HopLimit that is accepted; 0 means 255, the only one that RFC 9568
	// allows. Unicast peers may be behind routers.
	Least int
	// Trailer is set if an advert may have a trailer that authenticates it.
	Trailer bool
}

func (p Path) tooFar() bool {
	if p.Least == 0 {
		return p.HopLimit != HopLimit
	}
	return p.HopLimit < p.Least
}

func (p Path) oneFamily() bool {
	return p.Source.IsValid() && p.Dest.IsValid() && event.FamilyOf(p.Source) == event.FamilyOf(p.Dest)
}
