// Package adverttest contains test helpers that several packages of adverts share: two virtual
// routers, their adverts, and a LAN of two network namespaces.
package adverttest

import (
	"encoding/binary"
	"net/netip"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// T0 is the instant at which tests begin.
var T0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// The addresses of the virtual routers, of this machine and of its peer.
var (
	Peer4 = netip.MustParseAddr("192.0.2.2")
	Own4  = netip.MustParseAddr("192.0.2.1")
	Peer6 = netip.MustParseAddr("fe80::2")
	VIP4  = netip.MustParseAddr("192.0.2.100")
	VIP6  = netip.MustParseAddr("fe80::100")
)

// Virtual4 returns a virtual router over IPv4.
func Virtual4() vrrp.Instance {
	return vrrp.Instance{
		Virtual:  event.Virtual{Name: "v4", Interface: "eth0", VRID: 51, Family: event.IPv4},
		Priority: 100, Interval: time.Second, Miss: 3, Addresses: []netip.Addr{VIP4},
	}
}

// Virtual6 returns a virtual router over IPv6.
func Virtual6() vrrp.Instance {
	return vrrp.Instance{
		Virtual:  event.Virtual{Name: "v6", Interface: "eth0", VRID: 51, Family: event.IPv6},
		Priority: 100, Interval: time.Second, Miss: 3, Addresses: []netip.Addr{VIP6},
	}
}

// Each returns a pointer to each instance.
func Each(instances []vrrp.Instance) (all []*vrrp.Instance) {
	for i := range instances {
		all = append(all, &instances[i])
	}
	return all
}

// Advert4 returns an advert of Virtual4.
func Advert4() wire.Advert {
	return wire.Advert{VRID: 51, Priority: 200, Interval: time.Second, Addresses: []netip.Addr{VIP4}}
}

// IPv4 prepends an IPv4 header to a message.
func IPv4(source, dest netip.Addr, ttl uint8, message []byte) []byte {
	b := make([]byte, 20, 20+len(message))
	b[0], b[8], b[9] = 0x45, ttl, wire.Protocol
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(message)))
	copy(b[12:], source.AsSlice())
	copy(b[16:], dest.AsSlice())
	return append(b, message...)
}

// Frames returns the frames of an advert of VRID 51 from a sender.
func Frames(index int, source netip.Addr) advert.Frames {
	a := wire.Advert{VRID: 51, Priority: 200, Interval: time.Second, Addresses: []netip.Addr{VIP4}}
	if source.Is6() {
		a.Addresses = []netip.Addr{VIP6}
	}
	resign := a
	resign.Priority = 0
	dest := wire.GroupOf(event.FamilyOf(source))
	return advert.Frames{Index: index, Source: source, HopLimit: wire.HopLimit, Copies: []advert.Copy{{To: dest, Advert: a.Append(nil, source, dest), Resign: resign.Append(nil, source, dest)}}}
}

// Message returns the message of the first copy of frames.
func Message(f advert.Frames) advert.Message {
	c := f.Copies[0]
	return advert.Message{Index: f.Index, Source: f.Source, HopLimit: f.HopLimit, To: c.To, Header: f.Header, Payload: c.Advert}
}

// HeaderSum returns the checksum over an IPv4 header, which is 0 if the checksum in the header is
// correct.
func HeaderSum(b []byte) uint16 {
	total := uint32(0)
	for i := 0; i < 20; i += 2 {
		total += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	return ^uint16(total>>16 + total&0xffff)
}
