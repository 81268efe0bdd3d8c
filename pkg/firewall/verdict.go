package firewall

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// A packet is followed through the rules by what is known about it. A condition is true, false, or
// unknown, such as that of a rate, or of an extension of iptables. Only certain drops are reported:
// a rule that may not apply drops nothing here, and one that may accept does accept.

// Packet is a packet as rules see it. Unknown bits are zero in the masks.
type Packet struct {
	IPv6     bool
	Protocol uint8  // after the IP header
	Incoming string // the input link; empty for an outgoing packet
	Outgoing string
	Index    uint32 // ifindex of the link
	Group    bool   // its destination is a group
	Network  Known  // the IP header
	Payload  Known  // the bytes after the IP header

	untracked bool // connection tracking may ignore it
}

// Known is bytes, with a mask of the known bits.
type Known struct{ Bytes, Mask []byte }

// Certain returns bytes that are all known.
func Certain(b []byte) Known { return Known{b, bytes.Repeat([]byte{0xff}, len(b))} }

// These are the hooks, numbered as NF_INET_* and NF_NETDEV_*.
const (
	hookPrerouting  = 0
	hookInput       = 1
	hookOutput      = 3
	hookPostrouting = 4
	hookInetIngress = 5
	hookIngress     = 0 // of netdev
	hookEgress      = 1
)

// hookPoint is a hook with the families whose chains are attached there.
type hookPoint struct {
	families []Family
	hook     uint32
	device   bool // only chains of the link
}

// hookPoints returns the hooks that a packet passes, in order. A packet that is sent by a packet
// socket, as from a virtual MAC, passes only the last one.
func (p *Packet) hookPoints(framed bool) []hookPoint {
	ip := []Family{FamilyInet, FamilyIPv4}
	if p.IPv6 {
		ip[1] = FamilyIPv6
	}
	netdev := []Family{FamilyNetdev}
	if p.Incoming != "" {
		return []hookPoint{{netdev, hookIngress, true}, {ip[:1], hookInetIngress, true}, {ip, hookPrerouting, false}, {ip, hookInput, false}}
	}
	egress := hookPoint{netdev, hookEgress, true}
	if framed {
		return []hookPoint{egress}
	}
	return []hookPoint{{ip, hookOutput, false}, {ip, hookPostrouting, false}, egress}
}

// Drops returns the place where a packet is certainly dropped: the chain, and the rule unless the
// chain's policy drops it; empty if it is not. A framed packet is sent by a packet socket.
func (r *Ruleset) Drops(p *Packet, framed bool) (where string) {
	link := cmp.Or(p.Incoming, p.Outgoing)
	p.untracked = r.untracks()
	for _, at := range p.hookPoints(framed) {
		var base []*Chain
		for i := range r.Chains {
			c := &r.Chains[i]
			if c.Base && c.Hook == at.hook && slices.Contains(at.families, c.Family) && (!at.device || slices.Contains(c.Devices, link)) {
				base = append(base, c)
			}
		}
		slices.SortStableFunc(base, func(a, b *Chain) int { return cmp.Compare(a.Priority, b.Priority) })
		for _, c := range base {
			w := walk{rules: r, packet: p, base: c}
			switch kind, sure := w.chain(c, true, 0); {
			case kind == Drop && sure:
				return w.where
			case kind == Continue && sure && c.Drops:
				return "the policy of chain " + c.Title()
			}
		}
	}
	return ""
}

// untracks reports whether a rule keeps some packets from connection tracking.
func (r *Ruleset) untracks() bool {
	return slices.ContainsFunc(r.Chains, func(c Chain) bool {
		return slices.ContainsFunc(c.Rules, func(rule Rule) bool {
			return slices.ContainsFunc(rule.Parts, func(p Part) bool { return p.Operation == Untrack })
		})
	})
}

// walk is the walk of a packet through the rules of a base chain.
type walk struct {
	rules     *Ruleset
	packet    *Packet
	base      *Chain
	registers registers
	where     string
}

// maxDepth is the greatest depth of calls between chains (NFT_JUMP_STACK_SIZE).
const maxDepth = 16

// chain follows a chain to its end or a verdict: Accept, Drop or Continue. sure reports whether the
// packet certainly gets there, and the result whether it certainly gets this verdict.
func (w *walk) chain(c *Chain, sure bool, depth int) (Kind, bool) {
	if c == nil || depth > maxDepth {
		return Accept, false
	}
	for i := range c.Rules {
		v, holds := w.rule(c, &c.Rules[i])
		if holds == no {
			continue
		}
		certain := sure && holds == yes
		kind := v.Kind
		if kind == Jump || kind == Goto {
			kind, certain = w.chain(w.named(c, v.Chain), certain, depth+1)
			if kind == Continue && v.Kind == Goto {
				kind = Return
			}
		}
		switch {
		case kind == Accept:
			return Accept, certain
		case kind == Drop && certain:
			if v.Kind == Drop {
				w.where = fmt.Sprintf("rule with handle %d of chain %s", c.Rules[i].Handle, c.Title())
			}
			return Drop, true
		case kind == Return && certain:
			return Continue, true
		case kind == Return:
			sure = false // it may have left the chain
		}
	}
	return Continue, sure
}

// named finds a chain in the table of another chain.
func (w *walk) named(of *Chain, name string) *Chain {
	for i := range w.rules.Chains {
		if c := &w.rules.Chains[i]; c.Family == of.Family && c.Table == of.Table && c.Name == name {
			return c
		}
	}
	return nil
}

// answer is the value of a condition.
type answer uint8

const (
	no answer = iota
	maybe
	yes
)

// rule returns the decision of a rule, and the value of its conditions.
func (w *walk) rule(c *Chain, r *Rule) (v Verdict, holds answer) {
	holds = yes
	w.registers = registers{}
	for _, part := range r.Parts {
		switch part.Operation {
		case Neutral, Untrack:
		case Unknown:
			holds = min(holds, maybe)
		case Decide:
			return part.Verdict, holds
		case Compare, Between:
			holds = min(holds, w.registers.compare(part))
		case Lookup:
			found, verdict := w.lookup(c, part)
			holds = min(holds, found)
			switch {
			case part.Mapped && found == maybe:
				return Verdict{Kind: Accept}, maybe // it may accept
			case part.Mapped && found == yes:
				return verdict, holds
			}
		case Mask:
			w.registers.mask(part)
		default:
			w.registers.load(part.To, part.Length, w.packet.value(c, part))
		}
		if holds == no {
			return v, no
		}
	}
	return Verdict{Kind: Continue}, holds
}

// lookup reports whether a set of the chain's table contains the value of a register.
func (w *walk) lookup(c *Chain, part Part) (answer, Verdict) {
	set, ok := w.rules.Sets[SetKey(c.Family, c.Table, part.Set)]
	if !ok || set.Opaque {
		return maybe, Verdict{}
	}
	found, verdict := set.has(w.registers, part.From)
	if part.Not {
		found = yes - found
	}
	return found, verdict
}

// has reports whether the value of a register is in a set, and the verdict of its element.
func (s Set) has(r registers, from uint32) (answer, Verdict) {
	if len(s.Elements) == 0 {
		return no, Verdict{}
	}
	value := r.get(from, len(s.Elements[0].Key))
	if s.Intervals {
		if !value.certain() {
			return maybe, Verdict{}
		}
		i, exact := slices.BinarySearchFunc(s.Elements, value.Bytes, func(e Element, v []byte) int { return bytes.Compare(e.Key, v) })
		if !exact {
			i--
		}
		for exact && s.Elements[i].End && i+1 < len(s.Elements) && bytes.Equal(s.Elements[i+1].Key, value.Bytes) {
			i++ // one interval ends where the next begins
		}
		if i < 0 || s.Elements[i].End {
			return no, Verdict{}
		}
		return yes, s.Elements[i].Verdict
	}
	best := no
	for _, e := range s.Elements {
		switch value.equals(e.Key) {
		case yes:
			return yes, e.Verdict
		case maybe:
			best = maybe
		}
	}
	return best, Verdict{}
}
