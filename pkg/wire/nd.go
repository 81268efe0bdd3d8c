package wire

import (
	"encoding/binary"
	"net/netip"
)

// Neighbor discovery (RFC 4861): an IPv6 header, an ICMPv6 message with the
// target, and options of 8 bytes.
const (
	ipv6Len              = 40
	icmpv6               = 58
	neighborSolicitation = 135
	neighborAdvert       = 136
	ndLen                = 24 // without options
	sourceLinkLayer      = 1
	targetLinkLayer      = 2

	flagRouter    = 1 << 31
	flagSolicited = 1 << 30
	flagOverride  = 1 << 29
)

var allNodes = netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 1})

// nd is a neighbor solicitation or advertisement (RFC 4861 §4.3, §4.4); in a solicitation the
// flags are reserved and 0:
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|R|S|O|                     Reserved                            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                    Target Address (16)                        |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	| Option type   | Length 1      |    Link-Layer Address (6)     |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
type nd struct {
	kind         uint8
	flags        uint32
	source, dest netip.Addr
	target       netip.Addr
	option       uint8
	mac          [6]byte
}

// append appends the Ethernet frame, 86 bytes, to the multicast MAC of dest (RFC 2464 §7).
func (m nd) append(b []byte) []byte {
	source, dest, target := m.source.As16(), m.dest.As16(), m.target.As16()
	b = appendEthernet(b, [6]byte{0x33, 0x33, dest[12], dest[13], dest[14], dest[15]}, m.mac, etherTypeIPv6)
	b = append(b, 6<<4, 0, 0, 0, 0, ndLen+8, icmpv6, HopLimit)
	b = append(append(b, source[:]...), dest[:]...)
	start := len(b)
	b = append(b, m.kind, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, m.flags)
	b = append(b, target[:]...)
	b = append(append(b, m.option, 1), m.mac[:]...)
	message := b[start:]
	total := sum(message) + pseudoHeader(m.source, m.dest, len(message), icmpv6)
	binary.BigEndian.PutUint16(message[2:], ^fold(total))
	return b
}

// AppendNA appends the Ethernet frame of an unsolicited neighbor advertisement: the router's IPv6
// address ip is at mac, and replaces a previous one (RFC 9568 §6.4.1: R set, S clear, O set). Its
// source is the address itself.
func AppendNA(b []byte, mac [6]byte, ip netip.Addr) []byte {
	return nd{
		kind: neighborAdvert, flags: flagRouter | flagOverride,
		source: ip, dest: allNodes, target: ip, option: targetLinkLayer, mac: mac,
	}.append(b)
}

// AppendNS appends the Ethernet frame of a request by the station mac, source for the MAC of the
// IPv6 address target (RFC 4861 §4.3). The source must not be the unspecified address, which
// would make it duplicate address detection.
func AppendNS(b []byte, mac [6]byte, source, target netip.Addr) []byte {
	return nd{
		kind: neighborSolicitation, source: source, dest: SolicitedNode(target), target: target,
		option: sourceLinkLayer, mac: mac,
	}.append(b)
}

// SolicitedNode returns the multicast group in which the station with the IPv6 address ip
// receives solicitations (RFC 4291 §2.7.1).
func SolicitedNode(ip netip.Addr) netip.Addr {
	last := ip.As16()
	return netip.AddrFrom16([16]byte{
		0: 0xff, 1: 0x02, 11: 1, 12: 0xff, 13: last[13], 14: last[14], 15: last[15],
	})
}

// ParseNA parses an Ethernet frame with a neighbor advertisement that ip is at mac; solicited
// reports whether it answers a solicitation. ok is false for any other frame, for frames that RFC
// 4861 §7.1.2 discards, and for an advertisement without a MAC, which an answer to a unicast
// solicitation need not have.
func ParseNA(frame []byte) (mac [6]byte, ip netip.Addr, solicited, ok bool) {
	if len(frame) < ethernetLen+ipv6Len || binary.BigEndian.Uint16(frame[12:]) != etherTypeIPv6 {
		return mac, ip, false, false
	}
	header, message := frame[ethernetLen:ethernetLen+ipv6Len], frame[ethernetLen+ipv6Len:]
	length := int(binary.BigEndian.Uint16(header[4:]))
	if header[0]>>4 != 6 || header[6] != icmpv6 || header[7] != HopLimit || length < ndLen || length > len(message) {
		return mac, ip, false, false
	}
	message = message[:length]
	source, dest := netip.AddrFrom16([16]byte(header[8:24])), netip.AddrFrom16([16]byte(header[24:40]))
	target := netip.AddrFrom16([16]byte(message[8:24]))
	solicited = binary.BigEndian.Uint32(message[4:])&flagSolicited != 0
	switch {
	case message[0] != neighborAdvert || message[1] != 0,
		fold(sum(message)+pseudoHeader(source, dest, length, icmpv6)) != 0xffff,
		target.IsMulticast(),
		dest.IsMulticast() && solicited:
		return mac, ip, false, false
	}
	mac, ok = linkLayer(message[ndLen:], targetLinkLayer)
	return mac, target, solicited, ok
}

// ParseNDMessage parses an ICMPv6 message from a raw socket, which has verified the checksum, and
// returns its station: of a neighbor solicitation the sender, source, which is unspecified in
// duplicate address detection; of a neighbor advertisement (advert) its target. ok is false for
// any other message, and if the hop limit shows that the message is from another segment (RFC
// 4861 §7.1.1, §7.1.2).
func ParseNDMessage(message []byte, source netip.Addr, hopLimit int) (ip netip.Addr, advert, ok bool) {
	if len(message) < ndLen || message[1] != 0 || hopLimit != HopLimit {
		return ip, false, false
	}
	switch message[0] {
	case neighborSolicitation:
		return source, false, true
	case neighborAdvert:
		target := netip.AddrFrom16([16]byte(message[8:24]))
		return target, true, !target.IsMulticast()
	}
	return ip, false, false
}

// NDLinkLayer returns the MAC of the station in a message that ParseNDMessage accepts; ok is
// false if there is none.
func NDLinkLayer(message []byte) (mac [6]byte, ok bool) {
	if len(message) < ndLen {
		return mac, false
	}
	if message[0] == neighborAdvert {
		return linkLayer(message[ndLen:], targetLinkLayer)
	}
	return linkLayer(message[ndLen:], sourceLinkLayer)
}

// linkLayer finds the MAC among the options (RFC 4861 §4.6.1); ok is false if there is none, or
// if an option is longer than the message.
func linkLayer(options []byte, kind uint8) (mac [6]byte, ok bool) {
	for len(options) > 0 {
		if len(options) < 8 || options[1] == 0 || int(options[1])*8 > len(options) {
			return mac, false
		}
		if options[0] == kind && options[1] == 1 {
			mac, ok = [6]byte(options[2:8]), true
		}
		options = options[int(options[1])*8:]
	}
	return mac, ok && unicast(mac)
}
