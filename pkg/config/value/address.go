package value

import (
	"net/netip"
	"strconv"
	"strings"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/tree"
)

// Prefix reads an address with its prefix length.
func Prefix(report *problem.Report, at problem.Place) (netip.Prefix, bool) {
	s, ok := report.Word(at, "an address")
	if !ok {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(s)
	a := p.Addr()
	switch {
	case err != nil:
		hint, message := diagnose(s)
		report.Advise(at, hint, "%s %s", problem.Show(s), message)
	case a.Is4In6():
		report.Advise(at, "write it as IPv4", "%s is an IPv4 address mapped into IPv6", s)
	case a.IsMulticast(), a.IsUnspecified(), a.IsLoopback(), a == broadcast, p.Bits() == 0:
		report.Fail(at, "%s is not an address that a router can hold", s)
	default:
		warnHost(report, at, p)
		return p, true
	}
	return netip.Prefix{}, false
}

// broadcast is the address of all stations of a link.
var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// warnHost warns of an address that is the first or the last of its network. The kernel accepts it,
// but it is hardly intended.
func warnHost(report *problem.Report, at problem.Place, p netip.Prefix) {
	a := p.Addr()
	switch {
	case !a.Is4() || p.Bits() >= 31:
	case a == p.Masked().Addr():
		report.Warn(at, "", "%s is a network, not an address in it", p)
	case !p.Contains(a.Next()):
		report.Warn(at, "", "%s is the broadcast address of its network", p)
	}
}

// diagnose returns what is wrong with a text that is not a prefix, and a hint.
func diagnose(s string) (hint, message string) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		length := "/24"
		if a.Is6() {
			length = "/64"
		}
		return "write " + s + length + ", with the length of its network", "has no prefix length"
	}
	if strings.Contains(s, "%") {
		return "name the interface with {address: …, interface: …}", "has a zone"
	}
	return "write it like 192.0.2.1/24 or fe80::1/64", "is not an address with a prefix length"
}

// Network reads a network: a prefix without bits behind its length.
func Network(report *problem.Report, at problem.Place) (netip.Prefix, bool) {
	s, ok := report.Word(at, "a network")
	if !ok {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		report.Advise(at, "write it like 198.51.100.0/24 or 2001:db8::/32", "%s is not a network", problem.Show(s))
	case p.Addr().Is4In6():
		report.Advise(at, "write it as IPv4", "%s is an IPv4 network mapped into IPv6", s)
	case p != p.Masked():
		report.Advise(at, "write "+p.Masked().String(), "%s is an address in a network", s)
	default:
		return p, true
	}
	return netip.Prefix{}, false
}

// Destination reads a network, or the word default, whose family the check finds.
func Destination(report *problem.Report, at problem.Place) (netip.Prefix, bool) {
	if at.Node.Kind == tree.Scalar && at.Node.Text == "default" {
		return netip.Prefix{}, true
	}
	return Network(report, at)
}

// Station reads an address that a single other station can have.
func Station(report *problem.Report, at problem.Place) (netip.Addr, bool) {
	s, ok := report.Word(at, "an address")
	if !ok {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	switch {
	case err == nil && a.Zone() != "":
		report.Advise(at, "leave the zone out: another key gives the interface", "%s has a zone", s)
	case err != nil && strings.Contains(s, "/"):
		report.Advise(at, "leave its length out", "%s is not an address", problem.Show(s))
	case err != nil:
		report.Advise(at, "write it like 192.0.2.254 or fe80::1", "%s is not an address", problem.Show(s))
	case a.Is4In6():
		report.Advise(at, "write it as IPv4", "%s is an IPv4 address mapped into IPv6", s)
	case a.IsUnspecified(), a.IsMulticast(), a.IsLoopback():
		report.Fail(at, "%s cannot be the address of another station", s)
	default:
		return a, true
	}
	return netip.Addr{}, false
}

// MulticastGroup reads the address of a multicast group that other machines can join.
func MulticastGroup(report *problem.Report, at problem.Place) (netip.Addr, bool) {
	s, ok := report.Word(at, "an address")
	if !ok {
		return netip.Addr{}, false
	}
	switch a, err := netip.ParseAddr(s); {
	case err != nil || a.Zone() != "" || a.Is4In6() || !a.IsMulticast():
		report.Advise(at, "write it like 224.0.0.99 or ff02::99", "%s is not a multicast group", problem.Show(s))
	case a.IsInterfaceLocalMulticast():
		report.Advise(at, "use an address that begins with ff02", "packets to %s do not leave the machine", s)
	default:
		return a, true
	}
	return netip.Addr{}, false
}

// Endpoint reads a TCP address to listen on: an IP address with a port, or a colon and a port. It
// refuses host names, so that a router does not wait for a name server when it starts.
func Endpoint(report *problem.Report, at problem.Place) (string, bool) {
	return WithPort(report, at, `write "192.0.2.9:9112", "[2001:db8::9]:9112", or ":9112" for all addresses`)
}

// WithPort reads an address with a port, or a colon and a port. forms is the hint that shows how to
// write it.
func WithPort(report *problem.Report, at problem.Place, forms string) (string, bool) {
	s, ok := report.Word(at, "an address with a port")
	if !ok {
		return "", false
	}
	colon := strings.LastIndexByte(s, ':')
	if _, err := netip.ParseAddr(s); err == nil || colon < 0 {
		report.Advise(at, forms, "%s has no port", problem.Show(s))
		return "", false
	}
	host, port := s[:colon], s[colon+1:]
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || schema.LeadingZero.MatchString(port) {
		report.Advise(at, forms, "%s is not a port between 1 and 65535", problem.Show(port))
		return "", false
	}
	if host == "" {
		return s, true
	}
	literal, bracketed := strings.CutPrefix(host, "[")
	literal = strings.TrimSuffix(literal, "]")
	a, err := netip.ParseAddr(literal)
	switch {
	case err != nil:
		report.Advise(at, forms, "%s is not an IP address", problem.Show(host))
	case a.Is6() != bracketed || bracketed != strings.HasSuffix(host, "]"):
		report.Advise(at, forms, "%s is not the form of an address before a port", problem.Show(host))
	case a.IsMulticast():
		report.Fail(at, "%s is a multicast address, on which a server cannot listen", a)
	case a.IsLinkLocalUnicast() && a.Is6() && a.Zone() == "":
		report.Advise(at, "write ["+a.String()+"%eth0]:"+port, "%s is link-local and does not say on which interface", a)
	default:
		return s, true
	}
	return "", false
}
