package config

import (
	"net/netip"
	"strconv"
	"strings"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
)

// endpoint is a TCP address to listen on: an IP address with a port, or a port
// alone after a colon. Names are refused: nothing waits for a name server when
// a router starts.
func endpoint(report *problem.Report, at problem.Place) (string, bool) {
	return withPort(report, at, `write "192.0.2.9:9112", "[2001:db8::9]:9112", or ":9112" for all addresses`)
}

// withPort is an address with a port, or a port after a colon. forms is a hint how to
// write it.
func withPort(report *problem.Report, at problem.Place, forms string) (string, bool) {
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
		report.Advise(at, forms, "%s is not how an address stands before a port", problem.Show(host))
	case a.IsMulticast():
		report.Fail(at, "%s is a multicast address, on which nobody can listen", a)
	case a.IsLinkLocalUnicast() && a.Is6() && a.Zone() == "":
		report.Advise(at, "write ["+a.String()+"%eth0]:"+port, "%s is link-local and does not say on which interface", a)
	default:
		return s, true
	}
	return "", false
}
