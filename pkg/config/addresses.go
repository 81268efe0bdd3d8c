package config

import (
	"net/netip"
	"strconv"
	"strings"

	"ripcord/pkg/addr"
	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/event"
	"ripcord/pkg/tree"
)

// held is one entry of addresses or extra_addresses.
type held struct {
	addr.Address
	key     string // the key of the list
	at      problem.Place
	present schema.KeySet
}

// addressOf reads an entry of the list with that key: A/len, or the map of
// addressKeys.
func addressOf(key string) schema.Form[held] {
	what := schema.MapOf(addressKeys)
	what.Short = &prefixText
	return schema.As(what, func(report *problem.Report, at problem.Place) (held, bool) {
		h := held{key: key, at: at}
		addressKeys.Start(&h)
		if at.Node.Kind != tree.Map {
			prefix, ok := readPrefix(report, at)
			h.Prefix = prefix
			return h, ok
		}
		h.present = addressKeys.Read(report, at, &h)
		addressKeys.Need(report, at, h.present)
		return h, h.Prefix.IsValid()
	})
}

// readPrefix reads an address with its prefix length.
func readPrefix(report *problem.Report, at problem.Place) (netip.Prefix, bool) {
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
	case a.IsMulticast(), a.IsUnspecified(), a.IsLoopback(), p.Bits() == 0:
		report.Fail(at, "%s is no address that a router can hold", s)
	default:
		warnHost(report, at, p)
		return p, true
	}
	return netip.Prefix{}, false
}

// warnHost notes an address that is the first or the last of its network: the kernel takes
// it, but it is hardly meant.
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

// diagnose says what is wrong with text that is no prefix, and what to do.
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

// label is an IFA_LABEL.
func label(report *problem.Report, at problem.Place) (string, bool) {
	const longest = 15 // IFNAMSIZ, less the zero byte
	s, ok := report.Word(at, "text")
	switch {
	case !ok:
	case s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		report.Fail(at, "%s is not a label: it has to be printable ASCII without blanks", problem.Show(s))
		ok = false
	case len(s) > longest:
		report.Fail(at, "%s is longer than a label can be: %d characters", problem.Show(s), longest)
		ok = false
	}
	return s, ok
}

// scopes are the names of RT_SCOPE_*.
var scopes = schema.Choice(schema.Words[uint8]{{"global", 0}, {"site", 200}, {"link", 253}, {"host", 254}})

// scope is a name or number of RT_SCOPE_*.
func scope(report *problem.Report, at problem.Place) (uint8, bool) {
	if at.Node.Kind == tree.Scalar {
		if _, err := strconv.Atoi(at.Node.Text); err == nil {
			return schema.Number[uint8](0, 255).Read(report, at)
		}
	}
	return scopes.Read(report, at)
}

// checkFamily sees that nothing is asked of an IPv6 address that only IPv4 has.
func (h held) checkFamily(report *problem.Report) {
	six := event.FamilyOf(h.Prefix.Addr()) == event.IPv6
	if at, ok := h.present["label"]; ok && six {
		report.Fail(at, "IPv6 addresses have no labels")
	}
	switch at, ok := h.present["broadcast"]; {
	case !ok || at.Bad:
	case six:
		report.Fail(at, "IPv6 has no broadcast addresses")
	case h.Broadcast.Is6():
		report.Fail(at, "%s is no IPv4 address", h.Broadcast)
	}
}
