package wire

import (
	"encoding/binary"
	"net/netip"
)

// Membership reports are the packets from which a switch with multicast snooping learns the
// groups of its ports (RFC 4541). There is an older form, addressed to the group, and a newer
// one, addressed to all routers that support it. Switches understand both; one that only supports
// the older version does not see the newer form.
const (
	igmp         = 2
	igmpV2Report = 0x16 // RFC 2236 §2
	igmpV3Report = 0x22 // RFC 3376 §4.2
	mldReport    = 131  // RFC 2710 §3
	mldV2Report  = 143  // RFC 3810 §5.2
	toExclude    = 4    // CHANGE_TO_EXCLUDE_MODE, excluding no source: a join
	localHops    = 1
	hopByHop     = 0
)

// These are the groups to which the newer form is addressed.
var (
	igmpV3Routers = netip.AddrFrom4([4]byte{224, 0, 0, 22})
	mldV2Routers  = netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x16})
)

// AppendReport appends an Ethernet frame of the older form (IGMPv2, MLDv1), in which the station
// mac, source reports that it is a member of the multicast group. The source has the group's
// family, and may be unspecified.
func AppendReport(b []byte, mac [6]byte, source, group netip.Addr) []byte {
	if group.Is6() {
		return appendMLD(b, mac, source, group, append([]byte{mldReport, 0, 0, 0, 0, 0, 0, 0}, group.AsSlice()...))
	}
	return appendIGMP(b, mac, source, group, append([]byte{igmpV2Report, 0, 0, 0}, group.AsSlice()...))
}

// AppendStateReport appends a frame of the newer form (IGMPv3, MLDv2), in which the station
// reports that it has joined the group.
func AppendStateReport(b []byte, mac [6]byte, source, group netip.Addr) []byte {
	if group.Is6() {
		record := append([]byte{mldV2Report, 0, 0, 0, 0, 0, 0, 1, toExclude, 0, 0, 0}, group.AsSlice()...)
		return appendMLD(b, mac, source, mldV2Routers, record)
	}
	record := append([]byte{igmpV3Report, 0, 0, 0, 0, 0, 0, 1, toExclude, 0, 0, 0}, group.AsSlice()...)
	return appendIGMP(b, mac, source, igmpV3Routers, record)
}

// appendIGMP appends a frame with an IGMP message after an IPv4 header with the Router Alert
// option (RFC 2113), for one link. It fills in the message's checksum.
func appendIGMP(b []byte, mac [6]byte, source, dest netip.Addr, message []byte) []byte {
	const headerLen = ipv4MinLen + 4
	from, to := source.As4(), dest.As4()
	binary.BigEndian.PutUint16(message[2:], ^fold(sum(message)))
	b = appendEthernet(b, [6]byte{0x01, 0x00, 0x5e, to[1] & 0x7f, to[2], to[3]}, mac, etherTypeIPv4)
	start := len(b)
	b = append(b, 4<<4|headerLen/4, TrafficClass)
	b = binary.BigEndian.AppendUint16(b, uint16(headerLen+len(message)))
	b = append(b, 0, 0, 0x40, 0, localHops, igmp, 0, 0) // never fragmented
	b = append(append(b, from[:]...), to[:]...)
	b = append(b, 0x94, 4, 0, 0) // Router Alert
	binary.BigEndian.PutUint16(b[start+10:], ^fold(sum(b[start:])))
	return append(b, message...)
}

// appendMLD appends a frame with an ICMPv6 message after a Hop-by-Hop Options header with the
// Router Alert option for MLD (RFC 2711), for one link. It fills in the message's checksum.
func appendMLD(b []byte, mac [6]byte, source, dest netip.Addr, message []byte) []byte {
	const optionsLen = 8
	from, to := source.As16(), dest.As16()
	binary.BigEndian.PutUint16(message[2:], ^fold(sum(message)+pseudoHeader(source, dest, len(message), icmpv6)))
	b = appendEthernet(b, [6]byte{0x33, 0x33, to[12], to[13], to[14], to[15]}, mac, etherTypeIPv6)
	b = append(b, 6<<4, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(optionsLen+len(message)))
	b = append(b, hopByHop, localHops)
	b = append(append(b, from[:]...), to[:]...)
	b = append(b, icmpv6, 0, 5, 2, 0, 0, 1, 0) // Router Alert: MLD; and padding
	return append(b, message...)
}
