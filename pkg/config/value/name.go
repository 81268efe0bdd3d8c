// Package value reads single values of a configuration: names, addresses, paths, commands, and
// kernel numbers. Each function reports what is wrong with the value and what to do.
package value

import (
	"fmt"
	"regexp"
	"strings"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/wire"
)

// Longest names of an interface, less the zero byte: IFNAMSIZ for its own name, ALTIFNAMSIZ for an
// alternative one.
const (
	longestName    = 15
	longestAltName = 127
)

// NamePattern matches text without quotes and control characters, and without a blank at its ends.
var NamePattern = regexp.MustCompile(`^[^\x00-\x20"\x7f]([^\x00-\x1f"\x7f]*[^\x00-\x20"\x7f])?$`)

// Name reads the name of an instance or group.
func Name(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := report.Word(at, "text")
	if ok && !NamePattern.MatchString(s) {
		report.Fail(at, "%s is not a name; use letters, digits and signs, but no double quote, and no blank at its ends", problem.Show(s))
		return "", false
	}
	return s, ok
}

// AdvertInterface reads the name of an interface that can carry adverts.
func AdvertInterface(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := InterfaceName(report, at)
	if ok && s == "lo" {
		report.Advise(at, "name the interface on which the other routers and the hosts are", "lo is the loopback interface, on which no other router is")
		return "", false
	}
	return s, ok
}

// InterfaceName reads what the kernel accepts as the name of an interface: its own, or an
// alternative one (ip link property add … altname), which may be longer.
func InterfaceName(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := report.Word(at, "text")
	if !ok {
		return "", false
	}
	if why := BadInterface(s); why != "" {
		report.Fail(at, "%s cannot name an interface: %s", problem.Show(s), why)
		return "", false
	}
	return s, true
}

// OwnName reads a name that an interface can have as its own, not only as an alternative one.
func OwnName(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := InterfaceName(report, at)
	if ok && len(s) > longestName {
		report.Fail(at, "%s is longer than %d characters, the longest name of an interface apart from alternative names", problem.Show(s), longestName)
		return "", false
	}
	return s, ok
}

// BadInterface returns why an interface cannot have a name, or an empty string if it can.
func BadInterface(s string) string {
	switch {
	case s == "":
		return "it is empty"
	case len(s) > longestAltName:
		return fmt.Sprintf("it is longer than %d characters", longestAltName)
	case s == "." || s == "..":
		return "that is the name of a directory"
	case s == "all" || s == "default":
		return "the kernel reserves that name: net.ipv4.conf." + s + " holds settings for more than one interface"
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '/' || r == ':' || r == 0x7f || r == 0xa0 || r == 0x85 }):
		return "it has a blank, '/' or ':'"
	}
	return ""
}

// Password reads a simple password of VRRPv2. No message repeats it.
func Password(report *problem.Report, at problem.Place) (wire.Auth, bool) {
	s, ok := report.Word(at, "text")
	if !ok {
		return wire.Auth{}, false
	}
	a := wire.Password(s)
	switch {
	case s == "":
		report.Fail(at, "the password is empty")
		return wire.Auth{}, false
	case !report.Tolerant && strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }):
		report.Warn(at, "use printable ASCII", "other routers may encode the characters of this password as other bytes")
	case len(s) > len(a.Data):
		report.Warn(at, "give all routers of the LAN the same", "only the first %d characters of the password count", len(a.Data))
	}
	return a, true
}
