package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
	"ripcord/pkg/wire"
)

// password is a simple password of VRRPv2. No message repeats it.
func password(report *problem.Report, at problem.Place) (wire.Auth, bool) {
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
		report.Warn(at, "take printable ASCII", "other routers may send other bytes for the characters of this password")
	case len(s) > len(a.Data):
		report.Warn(at, "give all routers of the LAN the same", "only the first %d characters of the password count", len(a.Data))
	}
	return a, true
}

// namePattern is text without quotes and control characters, and without a blank at its ends.
var namePattern = regexp.MustCompile(`^[^\x00-\x20"\x7f]([^\x00-\x1f"\x7f]*[^\x00-\x20"\x7f])?$`)

// name is the name of an instance or group.
func name(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := report.Word(at, "text")
	if ok && !namePattern.MatchString(s) {
		report.Fail(at, "%s is not a name; use letters, digits and signs, but no double quote, and no blank at its ends", problem.Show(s))
		return "", false
	}
	return s, ok
}

// advertInterface is an interface that can carry adverts.
func advertInterface(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := interfaceName(report, at)
	if ok && s == "lo" {
		report.Advise(at, "name the interface on which the other routers and the hosts are", "lo is the loopback interface, which leads to nobody")
		return "", false
	}
	return s, ok
}

// The longest names, less the zero byte: IFNAMSIZ for an interface's own, ALTIFNAMSIZ
// for an alternative one.
const (
	longestName    = 15
	longestAltName = 127
)

// interfaceName is what the kernel takes for the name of an interface: its own, or
// an alternative one (ip link property add … altname), which may be longer.
func interfaceName(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := report.Word(at, "text")
	if !ok {
		return "", false
	}
	if why := badInterface(s); why != "" {
		report.Fail(at, "%s cannot name an interface: %s", problem.Show(s), why)
		return "", false
	}
	return s, true
}

// ownName is what an interface can have for its own name.
func ownName(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := interfaceName(report, at)
	if ok && len(s) > longestName {
		report.Fail(at, "%s cannot be the own name of an interface: it is longer than %d characters", problem.Show(s), longestName)
		return "", false
	}
	return s, ok
}

// badInterface says why an interface cannot have that name; empty if it can.
func badInterface(s string) string {
	switch {
	case s == "":
		return "it is empty"
	case len(s) > longestAltName:
		return fmt.Sprintf("it is longer than %d characters", longestAltName)
	case s == "." || s == "..":
		return "that is a directory"
	case s == "all" || s == "default":
		return "the kernel gives that name to no interface: net.ipv4.conf." + s + " are settings for more than one"
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '/' || r == ':' || r == 0x7f || r == 0xa0 || r == 0x85 }):
		return "it has a blank, '/' or ':'"
	}
	return ""
}

// socketPath is where a unix socket can be.
func socketPath(report *problem.Report, at problem.Place) (string, bool) {
	const longest = 107 // sun_path, less the zero byte
	s, ok := report.Word(at, "text")
	switch {
	case !ok:
	case !strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/"):
		report.Fail(at, "%s is not the absolute path of a socket", problem.Show(s))
		ok = false
	case len(s) > longest:
		report.Fail(at, "the path is longer than %d characters, the longest for a socket", longest)
		ok = false
	}
	return s, ok
}

// readVirtualMAC is whether a virtual MAC is used, or the name of the link that bears it.
func readVirtualMAC(report *problem.Report, at problem.Place) (virtualMAC, bool) {
	text := strings.ToLower(at.Node.Text)
	meant := slices.Contains([]string{"yes", "no", "on", "off"}, text) || spelling.Nearest(text, []string{"true", "false"}) != ""
	if at.Node.Kind != tree.Scalar || meant {
		used, ok := schema.Boolean.Read(report, at)
		return virtualMAC{used: used}, ok
	}
	name, ok := ownName(report, at)
	return virtualMAC{true, name}, ok
}
