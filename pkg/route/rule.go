package route

import (
	"fmt"
	"net/netip"
	"strings"

	"ripcord/pkg/event"
)

// Rule applies an action to the traffic that it selects.
type Rule struct {
	Family       event.Family
	Not          bool         // it is for the traffic that it does not select
	From, To     netip.Prefix // invalid: any
	Iif, Oif     string       // the input interface, or the interface to which a socket is bound; empty: any
	Fwmark, Mask uint32       // Mask 0: any
	TOS          uint8        // 0: any
	Protocol     uint8        // IPPROTO_*; 0: any
	Sport, Dport Range        // of ports
	UIDs         Range        // of users, if it has a Last or First
	HasUIDs      bool
	Action       Action
	Table        uint32 // for Lookup
	L3MDev       bool   // for Lookup: in the table of the traffic's VRF
	Goto         uint32 // for Goto: the priority of a later rule
	// Suppress is the length of a prefix, if HasSuppress: routes of that length or a shorter one do
	// not count.
	Suppress    uint32
	HasSuppress bool
	Priority    uint32 // the lowest is first
}

// Range is a closed range of numbers; of ports, 0 to 0 is any.
type Range struct{ First, Last uint32 }

// Action is the action of a rule.
type Action uint8

// The actions.
const (
	Lookup Action = iota // looks up a routing table
	GoOn                 // continues with the next rule: ip rule calls it nop
	Goto                 // continues with another rule
	DropTraffic
	RefuseTraffic // host unreachable
	ProhibitTraffic
)

// String returns ip rule's word for it.
func (a Action) String() string {
	return [...]string{"lookup", "nop", "goto", "blackhole", "unreachable", "prohibit"}[a]
}

// Links returns none: the kernel accepts the name of an interface that does not exist yet.
func (r Rule) Links() []string { return nil }

// String writes the rule as ip rule does.
func (r Rule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rule %d:", r.Priority)
	if r.Not {
		b.WriteString(" not")
	}
	b.WriteString(" from ")
	if r.From.IsValid() {
		b.WriteString(r.From.String())
	} else {
		b.WriteString("all")
	}
	if r.To.IsValid() {
		fmt.Fprintf(&b, " to %s", r.To)
	}
	if r.TOS != 0 {
		fmt.Fprintf(&b, " tos %#x", r.TOS)
	}
	if r.Mask != 0 {
		fmt.Fprintf(&b, " fwmark %#x", r.Fwmark)
		if r.Mask != ^uint32(0) {
			fmt.Fprintf(&b, "/%#x", r.Mask)
		}
	}
	for _, link := range []struct{ word, name string }{{"iif", r.Iif}, {"oif", r.Oif}} {
		if link.name != "" {
			fmt.Fprintf(&b, " %s %s", link.word, link.name)
		}
	}
	if r.HasUIDs {
		fmt.Fprintf(&b, " uidrange %d-%d", r.UIDs.First, r.UIDs.Last)
	}
	if r.Protocol != 0 {
		fmt.Fprintf(&b, " ipproto %d", r.Protocol)
	}
	for _, ports := range []struct {
		word string
		Range
	}{{"sport", r.Sport}, {"dport", r.Dport}} {
		if ports.Range != (Range{}) {
			fmt.Fprintf(&b, " %s %d-%d", ports.word, ports.First, ports.Last)
		}
	}
	return b.String() + r.does()
}

// does writes the action of the rule, after a blank.
func (r Rule) does() string {
	text := " " + r.Action.String()
	switch {
	case r.Action == Goto:
		text += fmt.Sprintf(" %d", r.Goto)
	case r.Action == Lookup && r.L3MDev:
		text += " [l3mdev-table]"
	case r.Action == Lookup:
		text += fmt.Sprintf(" %d", r.Table)
	}
	if r.HasSuppress {
		text += fmt.Sprintf(" suppress_prefixlength %d", r.Suppress)
	}
	return text
}
