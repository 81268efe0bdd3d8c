package vrrp

import (
	"fmt"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// An advert that is larger than the link's MTU leaves in fragments, which the kernel
// makes of what a raw socket sends. What leaves from a virtual MAC bears headers of its
// own and is refused; then the others take over, and hear nothing of us either. The
// configuration knows only the common MTU, so the link's own is compared, each time
// that the link changes.

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

// tooLong reports whether the link refuses the adverts of a member for their length.
func (m *member) tooLong() bool {
	return m.VirtualMAC && m.link.MTU > 0 && m.PacketLen() > m.link.MTU
}

// seeMTU makes adverts that do not fit the link a fault.
func (s *step) seeMTU(m *member) {
	if !m.link.Usable {
		return
	}
	in := Condition{Cause: m.link.Cause, Instance: m.Name, Reason: event.AdvertTooLong, On: m.tooLong()}
	if in.On {
		in.Err = fmt.Sprintf("an advert of %d addresses has %d bytes, the MTU of %s is %d, and what leaves from a virtual MAC is not fragmented: "+
			"raise the MTU on all routers, move addresses to extra_addresses, or leave virtual_mac out",
			len(m.Addresses), m.PacketLen(), m.Interface, m.link.MTU)
	}
	s.absorbCondition(in)
}
