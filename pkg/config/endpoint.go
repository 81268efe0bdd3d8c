package config

import (
	"net/netip"
	"strconv"
	"strings"
)

// endpoint is a TCP address to listen on: an IP address with a port, or a port
// alone after a colon. Names are refused: nothing waits for a name server when
// a router starts.
func endpoint(l *loader, at place) (string, bool) {
	return withPort(l, at, `write "192.0.2.9:9112", "[2001:db8::9]:9112", or ":9112" for all addresses`)
}

// withPort is an address with a port, or a port after a colon. forms is a hint how to
// write it.
func withPort(l *loader, at place, forms string) (string, bool) {
	s, ok := l.word(at, "an address with a port")
	if !ok {
		return "", false
	}
	colon := strings.LastIndexByte(s, ':')
	if _, err := netip.ParseAddr(s); err == nil || colon < 0 {
		l.advise(at, forms, "%s has no port", show(s))
		return "", false
	}
	host, port := s[:colon], s[colon+1:]
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || leading.MatchString(port) {
		l.advise(at, forms, "%s is not a port between 1 and 65535", show(port))
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
		l.advise(at, forms, "%s is not an IP address", show(host))
	case a.Is6() != bracketed || bracketed != strings.HasSuffix(host, "]"):
		l.advise(at, forms, "%s is not how an address stands before a port", show(host))
	case a.IsMulticast():
		l.fail(at, "%s is a multicast address, on which nobody can listen", a)
	case a.IsLinkLocalUnicast() && a.Is6() && a.Zone() == "":
		l.advise(at, "write ["+a.String()+"%eth0]:"+port, "%s is link-local and does not say on which interface", a)
	default:
		return s, true
	}
	return "", false
}
