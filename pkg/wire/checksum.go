package wire

import (
	"encoding/binary"
	"net/netip"

	"ripcord/pkg/event"
)

// seal writes the checksum of a message, in which it is still zero, for the addresses of a path.
func seal(message []byte, a *Advert, p Path) {
	total := sum(message)
	if event.FamilyOf(p.Source) == event.IPv6 || a.Version == V3 && a.Checksum == PseudoHeader {
		total += pseudoHeader(p.Source, p.Dest, len(message), Protocol)
	}
	binary.BigEndian.PutUint16(message[checksumAt:], ^fold(total))
}

// verify reports whether the checksum of a message is right, and in which form. In v2 it covers
// the message (RFC 3768 §5.3.8), in v3 over IPv6 also the pseudo-header (RFC 9568 §5.2.8); over
// IPv4 both forms are accepted. For one source in 65535 the sum of the pseudo-header is zero and
// both forms are the same bytes: that counts as PseudoHeader.
func verify(message []byte, v Version, p Path) (form Checksum, ok bool) {
	const holds = 0xffff // the sum of a message that includes its own checksum
	total := sum(message)
	if v == V2 {
		return 0, fold(total) == holds
	}
	if fold(total+pseudoHeader(p.Source, p.Dest, len(message), Protocol)) == holds {
		return PseudoHeader, true
	}
	if event.FamilyOf(p.Source) == event.IPv4 && fold(total) == holds {
		return MessageOnly, true
	}
	return 0, false
}

// sum adds b as 16-bit words and keeps the carries in the upper bits (RFC 1071). A whole IP
// packet does not overflow it.
func sum(b []byte) uint32 {
	var total uint32
	for ; len(b) > 1; b = b[2:] {
		total += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		total += uint32(b[0]) << 8
	}
	return total
}

// fold adds the carries: the result is the one's complement sum.
func fold(total uint32) uint16 {
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}

// pseudoHeader returns the sum of the pseudo-header: source, destination, length and protocol
// (RFC 8200 §8.1; for IPv4 that of RFC 9293 §3.1, whose sum is formed in the same way). The length is that
// of a packet: 16 bits.
func pseudoHeader(source, dest netip.Addr, length int, protocol uint8) uint32 {
	total := uint32(length) + uint32(protocol)
	if event.FamilyOf(source) == event.IPv4 {
		s, d := source.As4(), dest.As4()
		return total + sum(s[:]) + sum(d[:])
	}
	s, d := source.As16(), dest.As16()
	return total + sum(s[:]) + sum(d[:])
}
