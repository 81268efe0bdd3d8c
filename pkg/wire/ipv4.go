package wire

import (
	"encoding/binary"
	"net/netip"
)

const ipv4MinLen = 20

// IPv4Header has the relevant fields of an IPv4 header (RFC 791 §3.1).
type IPv4Header struct {
	Source, Dest netip.Addr
	TTL          int
}

// Path returns the header in the form for Decode.
func (h IPv4Header) Path() Path { return Path{Source: h.Source, Dest: h.Dest, HopLimit: h.TTL} }

// The IPv4 header (RFC 791 §3.1):
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|Version|  IHL  |Type of Service|          Total Length         |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|         Identification        |Flags|      Fragment Offset    |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  Time to Live |    Protocol   |         Header Checksum       |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                       Source Address                          |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                    Destination Address                        |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                    Options                    |    Padding    |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

// SplitIPv4 splits a datagram from a raw socket into its header and its payload, which remains
// part of b. Options are skipped, and bytes after the datagram's own length (Ethernet's padding)
// are left out. The error is IPHeaderError. The kernel reassembles fragments and checks the
// header's checksum.
func SplitIPv4(b []byte) (h IPv4Header, payload []byte, err error) {
	if len(b) < ipv4MinLen || b[0]>>4 != 4 {
		return IPv4Header{}, nil, IPHeaderError
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if header < ipv4MinLen || total < header || total > len(b) {
		return IPv4Header{}, nil, IPHeaderError
	}
	h = IPv4Header{
		Source: netip.AddrFrom4([4]byte(b[12:16])),
		Dest:   netip.AddrFrom4([4]byte(b[16:20])),
		TTL:    int(b[8]),
	}
	return h, b[header:total], nil
}

// IPv4HeaderHolds reports whether the checksum of an IPv4 header is right (RFC 791 §3.1).
func IPv4HeaderHolds(header []byte) bool { return fold(sum(header)) == 0xffff }
