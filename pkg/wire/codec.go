package wire

import (
	"encoding/binary"
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

const (
	typeAdvertisement = 1
	fixedLen          = 8 // everything before the addresses
	checksumAt        = 6
)

// The VRRPv3 message (RFC 9568 §5.2); over IPv4 an address has 4 bytes, over
// IPv6 16:
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|Version| Type  | Virtual Rtr ID|   Priority    |IPvX Addr Count|
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|Reserve| Max Advertise Interval|          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                       IPvX Address(es)                        |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// The VRRPv2 message (RFC 3768 §5.3) differs in its second word, and in what
// follows the addresses:
//
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Auth Type   |   Adver Int   |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                        IP Address(es)                         |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                     Authentication Data                       |
//	|                                                               |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

// Append appends the advert to b, for a packet from source to dest, which has its family. It
// panics if Encodable returns an error: the configuration must ensure that it does not.
func (a *Advert) Append(b []byte, source, dest netip.Addr) []byte {
	f := event.FamilyOf(source)
	if err := a.Encodable(f); err != nil {
		panic(err)
	}
	start := len(b)
	b = append(b, a.Version.Number()<<4|typeAdvertisement, a.VRID, a.Priority, uint8(len(a.Addresses)))
	if a.Version == V2 {
		b = append(b, a.Auth.Type, uint8(a.Interval/time.Second))
	} else {
		b = binary.BigEndian.AppendUint16(b, uint16(a.Interval/centisecond))
	}
	b = append(b, 0, 0) // the checksum, which is written when the rest is complete
	for _, ip := range a.Addresses {
		if f == event.IPv4 {
			ip := ip.As4()
			b = append(b, ip[:]...)
		} else {
			ip := ip.As16()
			b = append(b, ip[:]...)
		}
	}
	if a.Version == V2 {
		b = append(b, a.Auth.Data[:]...)
	}
	seal(b[start:], a, Path{Source: source, Dest: dest})
	return b
}

// PriorityOf returns the priority of an advert of any version; 0 if it is truncated before that.
func PriorityOf(b []byte) uint8 {
	if len(b) < 3 {
		return 0
	}
	return b[2]
}

// Decode decodes a message of either version that arrived on the path p into a; it reuses the
// array of a.Addresses. The error is a Reason, one of those up to ChecksumError, or IPHeaderError
// for a path whose addresses are not of one family. The receiver continues with the VRID and its
// version, which only it can check (VRID 0 is never configured), and then with Check: that is the
// order of RFC 9568 §7.1.
//
// For a rejected message VRID and Priority are set as far as it contains them, for counters and
// the log; the rest is zero.
func (a *Advert) Decode(b []byte, p Path) error {
	*a = Advert{Addresses: a.Addresses[:0]}
	if len(b) > 1 {
		a.VRID = b[1]
	}
	a.Priority = PriorityOf(b)
	if !p.oneFamily() {
		return IPHeaderError
	}
	f := event.FamilyOf(p.Source)
	switch {
	case p.tooFar():
		return IPTTLError
	case len(b) < fixedLen:
		return Truncated
	}
	v, known := versionOf(b, f)
	length := AdvertLen(v, f, int(b[3]))
	signed := p.Trailer && len(b) == length+TrailerLen
	switch {
	case !known:
		return VersionError
	case b[0]&0x0f != typeAdvertisement:
		return TypeError
	case len(b) != length && !signed:
		return PacketLengthError
	}
	covered := b[:length]
	if f == event.IPv6 {
		covered = b // with the trailer
	}
	form, ok := verify(covered, v, p)
	if !ok {
		return ChecksumError
	}
	b = b[:length]
	a.Version, a.Checksum, a.Signed = v, form, signed
	a.decodeSecondWord(b)
	for rest := b[fixedLen : fixedLen+int(b[3])*addrLen(f)]; len(rest) > 0; rest = rest[addrLen(f):] {
		if f == event.IPv4 {
			a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte(rest[:4])))
		} else {
			a.Addresses = append(a.Addresses, netip.AddrFrom16([16]byte(rest[:16])))
		}
	}
	return nil
}

// versionOf returns the version of a message; false if the version does not exist for the family.
func versionOf(b []byte, f event.Family) (Version, bool) {
	for _, v := range [...]Version{V3, V2} {
		if b[0]>>4 == v.Number() {
			return v, v.speaks(f)
		}
	}
	return 0, false
}

// decodeSecondWord decodes the interval, and in v2 the authentication, whose data is ignored if
// the type is none (RFC 3768 §5.3.10).
func (a *Advert) decodeSecondWord(b []byte) {
	if a.Version == V3 {
		a.Interval = time.Duration(binary.BigEndian.Uint16(b[4:])&0x0fff) * centisecond
		return
	}
	a.Interval = time.Duration(b[5]) * time.Second
	if a.Auth.Type = b[4]; a.Auth.Type != AuthNone {
		a.Auth.Data = [authLen]byte(b[len(b)-authLen:])
	}
}
