package event

import "net/netip"

// Family is the address family of a virtual router. VRID 51 of IPv4 and VRID
// 51 of IPv6 on one link are two independent virtual routers (RFC 9568 §1).
type Family uint8

// The families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// String returns "ipv4" or "ipv6".
func (f Family) String() string {
	switch f {
	case IPv4:
		return "ipv4"
	case IPv6:
		return "ipv6"
	}
	return "unknown"
}

// FamilyOf returns the family of an address; an IPv4-mapped IPv6 address is IPv6.
func FamilyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}
