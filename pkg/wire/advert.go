package wire

import (
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

// MaxAddresses is the maximum number of addresses in an advert: the count has 8 bits.
const MaxAddresses = 255

// Version is a version of the protocol. The zero value is VRRPv3, the default.
type Version uint8

// The versions.
const (
	V3 Version = iota // RFC 9568
	V2                // RFC 3768: IPv4 only
)

// Number returns the number on the wire and in the configuration: 3, 2.
func (v Version) Number() uint8 { return [...]uint8{3, 2}[v] }

// String returns "VRRPv3", "VRRPv2".
func (v Version) String() string { return fmt.Sprintf("VRRPv%d", v.Number()) }

// speaks reports whether the version exists for a family.
func (v Version) speaks(f event.Family) bool { return v == V3 || f == event.IPv4 }

// Intervals returns the shortest and the longest interval in adverts of the version, and the step
// between intervals: v3 has 12 bits of centiseconds, v2 8 bits of seconds, and 0 is forbidden
// (erratum 8301).
func (v Version) Intervals() (shortest, longest, step time.Duration) {
	if v == V2 {
		return time.Second, 255 * time.Second, time.Second
	}
	return centisecond, 4095 * centisecond, centisecond
}

const centisecond = 10 * time.Millisecond

// Checksum is a form of the checksum of a VRRPv3 advert over IPv4: RFC 9568 §5.2.8 covers the
// message only; most implementations add a pseudo-header. IPv6 and VRRPv2 have only one form.
type Checksum uint8

// The forms.
const (
	PseudoHeader Checksum = iota
	MessageOnly
)

// String returns the word of the configuration: "pseudo-header" or "rfc9568".
func (c Checksum) String() string { return [...]string{"pseudo-header", "rfc9568"}[c] }

// Advert is a VRRP advertisement (RFC 9568 §5.2, RFC 3768 §5.3).
type Advert struct {
	Version  Version
	VRID     uint8
	Priority uint8
	// Interval is the Max Advertise Interval, in v2 the Advertisement Interval: one of
	// Version.Intervals.
	Interval  time.Duration
	Addresses []netip.Addr
	// Checksum is the form that was found on receipt, or that is written; zero if there is only
	// one form.
	Checksum Checksum
	// Auth is the authentication of v2; v3 has none.
	Auth Auth
	// Signed is set, on receipt, if a trailer follows the message (Path.Trailer).
	Signed bool
}

// AdvertLen returns the length in bytes of an advert with count addresses of a
// family, without IP header.
func AdvertLen(v Version, f event.Family, count int) int {
	n := fixedLen + count*addrLen(f)
	if v == V2 {
		n += authLen
	}
	return n
}

func addrLen(f event.Family) int {
	if f == event.IPv4 {
		return 4
	}
	return 16
}

// Encodable returns why the advert cannot be encoded for a family, or nil.
func (a *Advert) Encodable(f event.Family) error {
	shortest, longest, step := a.Version.Intervals()
	switch n := len(a.Addresses); {
	case !a.Version.speaks(f):
		return fmt.Errorf("wire: %v cannot be advertised over %v", a.Version, f)
	case a.VRID == 0:
		return fmt.Errorf("wire: VRID 0 cannot be advertised: it must be 1 to 255")
	case n > MaxAddresses:
		return fmt.Errorf("wire: %d addresses cannot be advertised: the maximum is %d", n, MaxAddresses)
	case a.Interval < shortest || a.Interval > longest || a.Interval%step != 0:
		return fmt.Errorf("wire: interval %v cannot be advertised by %v: it must be %v to %v in steps of %v",
			a.Interval, a.Version, shortest, longest, step)
	case a.Auth != Auth{} && (a.Version != V2 || a.Auth.Type != AuthPassword):
		return fmt.Errorf("wire: authentication of type %d cannot be advertised by %v", a.Auth.Type, a.Version)
	}
	for _, ip := range a.Addresses {
		if !ip.IsValid() || event.FamilyOf(ip) != f {
			return fmt.Errorf("wire: address %v cannot be advertised: it is not %v", ip, f)
		}
	}
	return nil
}

// Check makes the checks that follow that of the VRID in RFC 9568 §7.1: errata 8299 and 8301; in
// v2 the authentication must be of a known type (RFC 3768 §7.1). The error is a Reason.
func (a *Advert) Check() error {
	if len(a.Addresses) == 0 {
		return CountZero
	}
	return a.CheckBare()
}

// CheckBare is Check for a virtual router that is configured without addresses: the adverts of
// its routers have none, although RFC 9568 §5.2.5 requires at least one.
func (a *Advert) CheckBare() error {
	switch {
	case a.Interval == 0:
		return IntervalZero
	case a.Auth.Type > AuthPassword:
		return InvalidAuthType
	}
	return nil
}

// FirstNotLinkLocal reports whether an IPv6 advert violates the rule that its first address is
// link-local (RFC 9568 §5.2.9, erratum 8300). It must be counted and logged, not dropped:
// existing routers send such adverts, and dropping them leads to two Actives.
func (a *Advert) FirstNotLinkLocal() bool {
	return len(a.Addresses) > 0 && event.FamilyOf(a.Addresses[0]) == event.IPv6 &&
		!a.Addresses[0].IsLinkLocalUnicast()
}
