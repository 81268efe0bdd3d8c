package wire

import (
	"encoding/binary"
	"net/netip"
)

// Ethernet (IEEE 802.3): destination, source, EtherType.
const (
	ethernetLen   = 14
	etherTypeIPv4 = 0x0800
	etherTypeARP  = 0x0806
	etherTypeIPv6 = 0x86dd
)

var broadcast = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

func appendEthernet(b []byte, dest, source [6]byte, etherType uint16) []byte {
	b = append(b, dest[:]...)
	b = append(b, source[:]...)
	return binary.BigEndian.AppendUint16(b, etherType)
}

// unicast reports whether a MAC can belong to a single station.
func unicast(mac [6]byte) bool { return mac[0]&1 == 0 && mac != [6]byte{} }

// ARP over Ethernet for IPv4 (RFC 826):
//
//	+-------------------+-------------------+
//	| hardware type 1   | protocol 0x0800   |
//	+---------+---------+-------------------+
//	| hlen 6  | plen 4  | operation         |
//	+---------+---------+-------------------+
//	| sender MAC (6)    | sender IP (4)     |
//	+-------------------+-------------------+
//	| target MAC (6)    | target IP (4)     |
//	+-------------------+-------------------+
const (
	arpLen     = 28
	arpRequest = 1
	arpReply   = 2
)

func appendARP(b []byte, op uint16, sender [6]byte, senderIP netip.Addr, target [6]byte, targetIP netip.Addr) []byte {
	b = append(b, 0, 1, etherTypeIPv4>>8, etherTypeIPv4&0xff, 6, 4)
	b = binary.BigEndian.AppendUint16(b, op)
	ip := senderIP.As4()
	b = append(append(b, sender[:]...), ip[:]...)
	ip = targetIP.As4()
	return append(append(b, target[:]...), ip[:]...)
}

// AppendGARP appends the Ethernet frame of a gratuitous ARP request, 42 bytes: the IPv4 address
// ip is at mac. Errata 7947 and 7949 of RFC 9568 (§6.4.1, §6.4.2) put the MAC into the target
// hardware address too.
func AppendGARP(b []byte, mac [6]byte, ip netip.Addr) []byte {
	b = appendEthernet(b, broadcast, mac, etherTypeARP)
	return appendARP(b, arpRequest, mac, ip, mac, ip)
}

// AppendARPRequest appends the Ethernet frame of a request by the station mac, source for the MAC
// of the IPv4 address target, 42 bytes (RFC 826). An unspecified source makes it a probe (RFC
// 5227 §2.1.1).
func AppendARPRequest(b []byte, mac [6]byte, source, target netip.Addr) []byte {
	b = appendEthernet(b, broadcast, mac, etherTypeARP)
	return appendARP(b, arpRequest, mac, source, [6]byte{}, target)
}

// ParseARPReply parses an Ethernet frame with the answer that ip is at mac. ok is false for any
// other frame, including requests and gratuitous ones, and for a MAC that no single station can
// have (RFC 1812 §3.3.2).
func ParseARPReply(frame []byte) (mac [6]byte, ip netip.Addr, ok bool) {
	mac, ip, reply, ok := ParseARP(frame)
	return mac, ip, ok && reply
}

// ParseARP parses the sender of an ARP request or reply from an Ethernet frame: its address,
// unspecified in a probe, and its MAC. ok is false for any other frame, and for a MAC that no
// single station can have.
func ParseARP(frame []byte) (mac [6]byte, ip netip.Addr, reply, ok bool) {
	if len(frame) < ethernetLen+arpLen || binary.BigEndian.Uint16(frame[12:]) != etherTypeARP {
		return mac, ip, false, false
	}
	arp := frame[ethernetLen:]
	op := binary.BigEndian.Uint16(arp[6:])
	if [6]byte(arp[:6]) != [6]byte{0, 1, etherTypeIPv4 >> 8, etherTypeIPv4 & 0xff, 6, 4} || op != arpRequest && op != arpReply {
		return mac, ip, false, false
	}
	mac = [6]byte(arp[8:14])
	return mac, netip.AddrFrom4([4]byte(arp[14:18])), op == arpReply, unicast(mac)
}
