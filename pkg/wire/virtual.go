package wire

import (
	"encoding/binary"
	"net/netip"

	"ripcord/pkg/event"
)

// VirtualMAC returns the MAC of a virtual router: 00-00-5E-00-01-{VRID} over IPv4,
// 00-00-5E-00-02-{VRID} over IPv6 (RFC 9568 §7.3).
func VirtualMAC(f event.Family, vrid uint8) [6]byte {
	mac := [6]byte{0, 0, 0x5e, 0, 1, vrid}
	if f == event.IPv6 {
		mac[4] = 2
	}
	return mac
}

// IsVirtualMAC reports whether a MAC is that of a virtual router.
func IsVirtualMAC(mac [6]byte) bool {
	return mac == VirtualMAC(event.IPv4, mac[5]) || mac == VirtualMAC(event.IPv6, mac[5])
}

// TrafficClass is the class of adverts: CS6 (RFC 4594 §3.1), since routers whose queues overflow
// must not drop them.
const TrafficClass = 0xc0

// AppendHeaders appends the headers of an advert of length bytes to a multicast group that leaves
// from another MAC than its link's: an Ethernet header and an IP header.
func AppendHeaders(b []byte, mac [6]byte, source, group netip.Addr, length int) []byte {
	ether := uint16(etherTypeIPv4)
	if event.FamilyOf(source) == event.IPv6 {
		ether = etherTypeIPv6
	}
	return AppendIP(appendEthernet(b, GroupMAC(group), mac, ether), source, group, HopLimit, length)
}

// GroupMAC returns the MAC to which packets for a multicast group are sent (RFC 1112 §6.4,
// RFC 2464 §7).
func GroupMAC(group netip.Addr) [6]byte {
	if event.FamilyOf(group) == event.IPv6 {
		to := group.As16()
		return [6]byte{0x33, 0x33, to[12], to[13], to[14], to[15]}
	}
	to := group.As4()
	return [6]byte{0x01, 0x00, 0x5e, to[1] & 0x7f, to[2], to[3]}
}

// AppendIP appends the IP header of an advert of length bytes (RFC 9568 §5.1). The datagram is
// never fragmented, so its identification is 0 (RFC 6864 §4.1).
func AppendIP(b []byte, source, dest netip.Addr, hops uint8, length int) []byte {
	if event.FamilyOf(source) == event.IPv6 {
		from, to := source.As16(), dest.As16()
		b = append(b, 6<<4|TrafficClass>>4, TrafficClass<<4&0xff, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(length))
		b = append(b, Protocol, hops)
		return append(append(b, from[:]...), to[:]...)
	}
	const dontFragment = 0x4000
	from, to := source.As4(), dest.As4()
	start := len(b)
	b = append(b, 4<<4|ipv4MinLen/4, TrafficClass)
	b = binary.BigEndian.AppendUint16(b, uint16(ipv4MinLen+length))
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint16(b, dontFragment)
	b = append(b, hops, Protocol, 0, 0)
	b = append(append(b, from[:]...), to[:]...)
	binary.BigEndian.PutUint16(b[start+10:], ^fold(sum(b[start:])))
	return b
}
