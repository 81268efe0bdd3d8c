package rtnl

import (
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Rule is an RTM_NEWRULE or RTM_DELRULE: a policy routing rule.
type Rule struct {
	Family       uint8        // AF_INET or AF_INET6
	From, To     netip.Prefix // invalid: any
	Iif          string       // the input interface of a packet; empty: any
	Fwmark, Mask uint32       // Mask 0: any
	Oif          string
	Not          bool // FIB_RULE_INVERT
	TOS, IPProto uint8
	Sport, Dport Range
	UIDs         Range
	HasUIDs      bool
	L3MDev       bool
	Table        uint32
	Goto         uint32
	Suppress     uint32 // FRA_SUPPRESS_PREFIXLEN, if HasSuppress
	HasSuppress  bool
	Priority     uint32
	Action       uint8 // FR_ACT_*
	Protocol     uint8 // RTPROT_*
	// More reports whether it has selectors that are not named here, such as realms.
	More bool
}

// Range is a closed range of numbers.
type Range struct{ First, Last uint32 }

// ruleHeader is the size of struct fib_rule_hdr (linux/fib_rules.h).
const ruleHeader = 12

// DecodeRule decodes a rule message of a protocol; false for other protocols.
func DecodeRule(m netlink.Message, protocol uint8) (r Rule, ok bool) {
	const invert = 0x2 // FIB_RULE_INVERT
	b := m.Data
	if len(b) < ruleHeader || b[0] != unix.AF_INET && b[0] != unix.AF_INET6 || ruleProtocol(b) != protocol {
		return r, false
	}
	r = Rule{Family: b[0], TOS: b[3], Table: uint32(b[4]), Action: b[7], Protocol: protocol, Not: Uint32(b[8:])&invert != 0}
	for kind, value := range Attributes(b[ruleHeader:]) {
		switch kind {
		case unix.FRA_SRC:
			r.From = netip.PrefixFrom(addr(r.Family, value), int(b[2]))
		case unix.FRA_DST:
			r.To = netip.PrefixFrom(addr(r.Family, value), int(b[1]))
		case unix.FRA_IIFNAME:
			r.Iif = String(value)
		case unix.FRA_FWMARK:
			r.Fwmark = Uint32(value)
		case unix.FRA_FWMASK:
			r.Mask = Uint32(value)
		case unix.FRA_TABLE: // the header has room for 255
			r.Table = Uint32(value)
		case unix.FRA_PRIORITY:
			r.Priority = Uint32(value)
		default:
			r.decodeMore(kind, value)
		}
	}
	return r, true
}

// decodeMore decodes the rarer attributes.
func (r *Rule) decodeMore(kind uint16, value []byte) {
	ports := func() Range { return Range{uint32(Uint16(value)), uint32(Uint16(value[min(2, len(value)):]))} }
	switch kind {
	case unix.FRA_OIFNAME:
		r.Oif = String(value)
	case unix.FRA_UID_RANGE:
		r.UIDs, r.HasUIDs = Range{Uint32(value), Uint32(value[min(4, len(value)):])}, true
	case unix.FRA_IP_PROTO:
		r.IPProto = Uint8(value)
	case unix.FRA_SPORT_RANGE:
		r.Sport = ports()
	case unix.FRA_DPORT_RANGE:
		r.Dport = ports()
	case unix.FRA_L3MDEV:
		r.L3MDev = Uint8(value) != 0
	case unix.FRA_GOTO:
		r.Goto = Uint32(value)
	case unix.FRA_SUPPRESS_PREFIXLEN: // all ones: it has none
		if n := Uint32(value); n != ^uint32(0) {
			r.Suppress, r.HasSuppress = n, true
		}
	case unix.FRA_SUPPRESS_IFGROUP:
		r.More = r.More || Uint32(value) != ^uint32(0)
	case unix.FRA_TUN_ID, unix.FRA_FLOW:
		r.More = true
	}
}

func ruleProtocol(b []byte) uint8 {
	for kind, value := range Attributes(b[ruleHeader:]) {
		if kind == unix.FRA_PROTOCOL {
			return Uint8(value)
		}
	}
	return unix.RTPROT_UNSPEC
}

// ListRules returns the request for the rules of a family, for Dump.
func ListRules(family uint8) netlink.Message {
	m := list(unix.RTM_GETRULE, ruleHeader)
	m.Data[0] = family
	return m
}
