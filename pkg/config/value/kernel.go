package value

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/route"
	"ripcord/pkg/tree"
)

// Label reads the label of an address, IFA_LABEL.
func Label(report *problem.Report, at problem.Place) (string, bool) {
	const longest = 15 // IFNAMSIZ, less the zero byte
	s, ok := report.Word(at, "text")
	switch {
	case !ok:
	case s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		report.Fail(at, "%s is not a label: it has to be printable ASCII without blanks", problem.Show(s))
		ok = false
	case len(s) > longest:
		report.Fail(at, "%s is longer than %d characters, the longest label", problem.Show(s), longest)
		ok = false
	}
	return s, ok
}

// scopes are the names of RT_SCOPE_*.
var scopes = schema.Choice(schema.Words[uint8]{{"global", 0}, {"site", 200}, {"link", 253}, {"host", 254}})

// Scope reads the name or number of a scope.
func Scope(report *problem.Report, at problem.Place) (uint8, bool) {
	if at.Node.Kind == tree.Scalar {
		if _, err := strconv.Atoi(at.Node.Text); err == nil {
			return schema.Number[uint8](0, 255).Read(report, at)
		}
	}
	return scopes.Read(report, at)
}

var tableNumber = schema.Number[uint32](1, 1<<32-1)

// Table reads a routing table: its number, or one of the kernel's own names.
func Table(report *problem.Report, at problem.Place) (uint32, bool) {
	if at.Node.Kind == tree.Scalar && !at.Node.Quoted {
		switch at.Node.Text {
		case "main":
			return route.MainTable, true
		case "default":
			return route.MainTable - 1, true
		}
		if !schema.Digits.MatchString(at.Node.Text) {
			report.Advise(at, "write main, default or its number", "%s is not a routing table", problem.Show(at.Node.Text))
			return 0, false
		}
	}
	return tableNumber.Read(report, at)
}

// Fwmark reads 1, 0x1 or 0x1/0xff: a mark of packets, and a mask.
func Fwmark(report *problem.Report, at problem.Place) (mark, mask uint32, ok bool) {
	s, ok := report.Word(at, "a mark")
	if !ok {
		return 0, 0, false
	}
	value, bits, masked := strings.Cut(s, "/")
	mark, ok = word32(value)
	if mask = ^uint32(0); ok && masked {
		mask, ok = word32(bits)
	}
	if !ok || mask == 0 {
		report.Advise(at, "write it like 1, 0x1 or 0x1/0xff", "%s is not a mark of 32 bits", problem.Show(s))
		return 0, 0, false
	}
	return mark, mask, true
}

func word32(s string) (uint32, bool) {
	base := 10
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		s, base = hex, 16
	}
	v, err := strconv.ParseUint(s, base, 32)
	return uint32(v), err == nil
}

// TOS reads a type of service: 16, or 0x10.
func TOS(report *problem.Report, at problem.Place) (uint8, bool) {
	s, ok := report.Word(at, "a type of service")
	if !ok {
		return 0, false
	}
	n, ok := word32(s)
	if !ok || n > 255 {
		report.Advise(at, "write it like 16 or 0x10", "%s is not a type of service", problem.Show(s))
		return 0, false
	}
	return uint8(n), true
}

// Protocols maps the protocols that have names here to their numbers.
var Protocols = map[string]uint8{
	"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "dccp": 33, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "ospf": 89, "vrrp": 112, "sctp": 132, "udplite": 136,
}

func ProtocolNames() []string { return slices.Sorted(maps.Keys(Protocols)) }

// Protocol reads the name or the number of a protocol.
func Protocol(report *problem.Report, at problem.Place) (uint8, bool) {
	if at.Node.Kind == tree.Scalar {
		if n, ok := Protocols[at.Node.Text]; ok {
			return n, true
		}
		if !schema.Digits.MatchString(at.Node.Text) {
			report.Advise(at, "write tcp, udp or its number", "%s is not a protocol", problem.Show(at.Node.Text))
			return 0, false
		}
	}
	return schema.Number[uint8](1, 255).Read(report, at)
}

// Ports reads a port, or a range of ports.
func Ports(report *problem.Report, at problem.Place) (route.Range, bool) {
	return rangeOf(report, at, "port", 1, 65535)
}

// Users reads the number of a user, or a range of users.
func Users(report *problem.Report, at problem.Place) (route.Range, bool) {
	return rangeOf(report, at, "user", 0, 1<<32-1)
}

// rangeOf reads a number or a range: 80, or 80-90.
func rangeOf(report *problem.Report, at problem.Place, what string, least, most uint64) (route.Range, bool) {
	s, ok := report.Word(at, "a "+what)
	if !ok {
		return route.Range{}, false
	}
	first, last, more := strings.Cut(s, "-")
	if !more {
		last = first
	}
	from, err := strconv.ParseUint(first, 10, 64)
	upto, err2 := strconv.ParseUint(last, 10, 64)
	if err != nil || err2 != nil || from < least || upto > most || from > upto {
		report.Advise(at, "write it like 1024 or 1024-2047", "%s is neither a %s between %d and %d nor a range of them", problem.Show(s), what, least, most)
		return route.Range{}, false
	}
	return route.Range{First: uint32(from), Last: uint32(upto)}, true
}
