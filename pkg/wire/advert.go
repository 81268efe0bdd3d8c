package wire

import (
	"net/netip"
	"time"
)

// Protocol is the IP protocol number of VRRP (RFC 9568 §5.1.1.4).
const Protocol = 112

// HopLimit is the only TTL or hop limit that a VRRP packet may have
// (RFC 9568 §5.1.1.3, §5.1.2.3).
const HopLimit = 255

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
