package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

// Protocol is the IP protocol number of VRRP (RFC 9568 §5.1.1.4).
const Protocol = 112

// HopLimit is the only TTL or hop limit that a VRRP packet may have
// (RFC 9568 §5.1.1.3, §5.1.2.3).
const HopLimit = 255

// What an advert can carry: the interval has 12 bits of centiseconds, of which
// 0 is forbidden (erratum 8301), the count of addresses has 8 bits.
const (
	MinInterval  = centisecond
	MaxInterval  = 4095 * centisecond
	MaxAddresses = 255
)

const (
	centisecond       = 10 * time.Millisecond
	version3          = 3
	typeAdvertisement = 1
	fixedLen          = 8 // all before the addresses
	checksumAt        = 6
)

// Checksum is a form of the checksum of a VRRPv3 advert over IPv4: RFC 9568
// §5.2.8 covers the message only; most of the field adds a pseudo-header. Over
// IPv6 there is one form, with the pseudo-header.
type Checksum uint8

// The forms.
const (
	PseudoHeader Checksum = iota
	MessageOnly
)

// String gives the word of the configuration: "pseudo-header" or "rfc9568".
func (c Checksum) String() string { return [...]string{"pseudo-header", "rfc9568"}[c] }

// Advert is a VRRP advertisement (RFC 9568 §5.2).
type Advert struct {
	VRID     uint8
	Priority uint8
	// Interval is the Max Advertise Interval, a multiple of 10 ms up to 40.95 s.
	Interval  time.Duration
	Addresses []netip.Addr
	// Checksum is the form that was found on receipt, and is written.
	Checksum Checksum
}

// AdvertLen is the length in bytes of an advert with count addresses of a
// family, without IP header.
func AdvertLen(f event.Family, count int) int { return fixedLen + count*addrLen(f) }

func addrLen(f event.Family) int {
	if f == event.IPv4 {
		return 4
	}
	return 16
}

// Encodable says why the advert cannot be put on the wire for a family, or nil.
func (a *Advert) Encodable(f event.Family) error {
	switch n := len(a.Addresses); {
	case a.VRID == 0:
		return fmt.Errorf("wire: VRID 0 cannot be advertised: it must be 1 to 255")
	case n == 0 || n > MaxAddresses:
		return fmt.Errorf("wire: %d addresses cannot be advertised: the count must be 1 to %d", n, MaxAddresses)
	case a.Interval < MinInterval || a.Interval > MaxInterval || a.Interval%centisecond != 0:
		return fmt.Errorf("wire: interval %v cannot be advertised: it must be %v to %v in steps of %v",
			a.Interval, MinInterval, MaxInterval, centisecond)
	}
	for _, ip := range a.Addresses {
		if !ip.IsValid() || event.FamilyOf(ip) != f {
			return fmt.Errorf("wire: address %v cannot be advertised: it is not %v", ip, f)
		}
	}
	return nil
}

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

// Append adds the advert as VRRPv3 to b, for a packet from source to dest,
// whose family it has. It panics where Encodable has an error: to see to that
// is the part of whoever made the configuration.
func (a *Advert) Append(b []byte, source, dest netip.Addr) []byte {
	f := event.FamilyOf(source)
	if err := a.Encodable(f); err != nil {
		panic(err)
	}
	start := len(b)
	b = append(b, version3<<4|typeAdvertisement, a.VRID, a.Priority, uint8(len(a.Addresses)))
	b = binary.BigEndian.AppendUint16(b, uint16(a.Interval/centisecond))
	b = append(b, 0, 0) // the checksum, when the rest stands
	for _, ip := range a.Addresses {
		if f == event.IPv4 {
			ip := ip.As4()
			b = append(b, ip[:]...)
		} else {
			ip := ip.As16()
			b = append(b, ip[:]...)
		}
	}
	message := b[start:]
	total := sum(message)
	if f == event.IPv6 || a.Checksum == PseudoHeader {
		total += pseudoHeader(source, dest, len(message), Protocol)
	}
	binary.BigEndian.PutUint16(message[checksumAt:], ^fold(total))
	return b
}

// Decode fills a from a VRRPv3 message that came by the path p; it reuses the
// array of a.Addresses. The error is a Reason, of those up to ChecksumError, or
// IPHeaderError for a path whose addresses are not of one family. The receiver
// goes on with the VRID, which only it can judge (0 is never configured), and
// then with Check: that is the order of RFC 9568 §7.1.
//
// Of a rejected message VRID and Priority are what stood there, as far as it
// reached, for whoever counts and logs; the rest is zero.
func (a *Advert) Decode(b []byte, p Path) error {
	*a = Advert{Addresses: a.Addresses[:0]}
	if len(b) > 1 {
		a.VRID = b[1]
	}
	if len(b) > 2 {
		a.Priority = b[2]
	}
	if !p.oneFamily() {
		return IPHeaderError
	}
	f := event.FamilyOf(p.Source)
	switch {
	case p.HopLimit != HopLimit:
		return IPTTLError
	case len(b) < fixedLen:
		return Truncated
	case b[0]>>4 != version3:
		return VersionError
	case b[0]&0x0f != typeAdvertisement:
		return TypeError
	case len(b) != AdvertLen(f, int(b[3])):
		return PacketLengthError
	}
	form, ok := verify(b, p)
	if !ok {
		return ChecksumError
	}
	a.Checksum = form
	a.Interval = time.Duration(binary.BigEndian.Uint16(b[4:])&0x0fff) * centisecond
	for rest := b[fixedLen:]; len(rest) > 0; rest = rest[addrLen(f):] {
		if f == event.IPv4 {
			a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte(rest[:4])))
		} else {
			a.Addresses = append(a.Addresses, netip.AddrFrom16([16]byte(rest[:16])))
		}
	}
	return nil
}

// Check makes the checks that RFC 9568 §7.1 has after that of the VRID: errata
// 8299 and 8301. The error is a Reason.
func (a *Advert) Check() error {
	switch {
	case len(a.Addresses) == 0:
		return CountZero
	case a.Interval == 0:
		return IntervalZero
	}
	return nil
}

// FirstNotLinkLocal tells that an IPv6 advert breaks the rule that its first
// address is link-local (RFC 9568 §5.2.9, erratum 8300). It is to be counted
// and logged, not dropped: peers in the field send such adverts, and dropping
// them makes two Actives.
func (a *Advert) FirstNotLinkLocal() bool {
	return len(a.Addresses) > 0 && event.FamilyOf(a.Addresses[0]) == event.IPv6 &&
		!a.Addresses[0].IsLinkLocalUnicast()
}
