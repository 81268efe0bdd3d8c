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
	Iif          string       // the interface that a packet came in by; empty: any
	Fwmark, Mask uint32       // Mask 0: any
	Table        uint32
	Priority     uint32
	Action       uint8 // FR_ACT_*
	Protocol     uint8 // RTPROT_*
	// More reports whether it selects by what is not named here, such as ports.
	More bool
}

// ruleHeader is the size of struct fib_rule_hdr (linux/fib_rules.h).
const ruleHeader = 12

// DecodeRule reads a rule message of a protocol; false for those of others.
func DecodeRule(m netlink.Message, protocol uint8) (r Rule, ok bool) {
	const invert = 0x2 // FIB_RULE_INVERT
	b := m.Data
	if len(b) < ruleHeader || b[0] != unix.AF_INET && b[0] != unix.AF_INET6 || ruleProtocol(b) != protocol {
		return r, false
	}
	r = Rule{Family: b[0], Table: uint32(b[4]), Action: b[7], Protocol: protocol}
	r.More = b[3] != 0 || Uint32(b[8:])&invert != 0
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
		case unix.FRA_OIFNAME, unix.FRA_TUN_ID, unix.FRA_FLOW, unix.FRA_UID_RANGE,
			unix.FRA_IP_PROTO, unix.FRA_SPORT_RANGE, unix.FRA_DPORT_RANGE:
			r.More = true
		case unix.FRA_L3MDEV:
			r.More = r.More || Uint8(value) != 0
		}
	}
	return r, true
}

func ruleProtocol(b []byte) uint8 {
	for kind, value := range Attributes(b[ruleHeader:]) {
		if kind == unix.FRA_PROTOCOL {
			return Uint8(value)
		}
	}
	return unix.RTPROT_UNSPEC
}

// ListRules is the request for the rules of a family, for Dump.
func ListRules(family uint8) netlink.Message {
	m := list(unix.RTM_GETRULE, ruleHeader)
	m.Data[0] = family
	return m
}
