package doctor

import (
	"net/netip"
	"slices"
	"strings"

	"ripcord/pkg/event"
	"ripcord/pkg/firewall"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// firewallChecks are about the firewall of this machine.
var firewallChecks = []check{
	{
		name: "adverts-dropped", severity: Error,
		what:   "the firewall drops adverts that arrive on {link} over {family}: {where}",
		why:    "this router hears no Active and becomes a second one",
		remedy: "`nft insert rule {chain} meta l4proto 112 accept`, and the same in the saved rules",
		look:   func(f *Facts) []found { return dropped(f, true) },
	},
	{
		name: "adverts-not-sent", severity: Error,
		what:   "the firewall drops adverts that leave {link} over {family}: {where}",
		why:    "the other routers do not hear this one, and one of them becomes a second Active",
		remedy: "`nft insert rule {chain} meta l4proto 112 accept`, and the same in the saved rules",
		look:   func(f *Facts) []found { return dropped(f, false) },
	},
	{
		name: "neighbor-discovery-dropped", severity: Error,
		what:   "the firewall drops neighbor solicitations that arrive on {link}: {where}",
		why:    "hosts that ask for an IPv6 address of this router get no answer",
		remedy: "`nft insert rule {chain} icmpv6 type nd-neighbor-solicit accept`, and the same in the saved rules",
		look:   droppedND,
	},
	{
		name: "iptables-legacy", severity: Note,
		what:   "iptables-legacy has rules ({tables}), which ripcord cannot read",
		why:    "these rules may drop adverts",
		remedy: "look for protocol 112: `iptables-legacy -S; ip6tables-legacy -S`",
		look:   legacyRules,
	},
	{
		name: "firewall-manager", severity: Note,
		what:   "{program} manages the firewall of this machine",
		why:    "when it is reloaded, it replaces all rules by its own",
		remedy: "allow VRRP in its configuration: `{command}`",
		look:   firewallManagers,
	},
}

// dropped reports the links on which adverts do not pass the firewall, incoming or outgoing.
func dropped(f *Facts, incoming bool) (all []found) {
	if f.Rules == nil {
		return nil
	}
	for l := range f.serving() {
		for _, family := range []event.Family{event.IPv4, event.IPv6} {
			for _, in := range sendersOn(f, l, family) {
				p := advertOn(l, in, family, incoming)
				where := f.Rules.Drops(p, !incoming && in != nil && in.FromVirtualMAC())
				if where == "" {
					continue
				}
				all = append(all, found{"subject": l.Name, "link": l.Own(), "family": familyName(family), "where": where, "chain": chainOf(where)})
				break
			}
		}
	}
	return all
}

// familyName returns the name of a family in a sentence.
func familyName(f event.Family) string {
	if f == event.IPv6 {
		return "IPv6"
	}
	return "IPv4"
}

// sendersOn returns the instances of a family on a link; without a configuration, one nil for any
// instance.
func sendersOn(f *Facts, l *Link, family event.Family) (all []*vrrp.Instance) {
	if f.File == "" && l.Address(family).IsValid() {
		return []*vrrp.Instance{nil}
	}
	for in := range f.on(l) {
		if in.Family == family {
			all = append(all, in)
		}
	}
	return all
}

// chainOf returns the chain in the description of a rule.
func chainOf(where string) string {
	_, chain, _ := strings.Cut(where, "chain ")
	return chain
}

// advertOn returns an advert as rules see it. Only the subnet of the sender of an incoming advert
// is known.
func advertOn(l *Link, in *vrrp.Instance, family event.Family, incoming bool) *firewall.Packet {
	advert := wire.Advert{VRID: 1, Priority: 100, Interval: 1e9}
	dest, source := wire.GroupOf(family), l.Address(family)
	if in != nil {
		advert.VRID, advert.Version, advert.Interval, advert.Addresses = in.VRID, in.Version, in.Interval, in.Addresses
		source, _ = in.SourceOn(l.Link)
		if dest = in.MulticastGroup(); in.IsUnicast() {
			dest = in.Unicast.Peers[0]
		}
	}
	if !source.IsValid() {
		source = map[event.Family]netip.Addr{event.IPv4: netip.IPv4Unspecified(), event.IPv6: netip.IPv6Unspecified()}[family]
	}
	p := &firewall.Packet{IPv6: family == event.IPv6, Protocol: wire.Protocol, Index: uint32(l.Index), Group: dest.IsMulticast()}
	bits := 0
	if incoming {
		p.Incoming = l.Own()
		if !dest.IsMulticast() {
			source, dest = dest, source
			bits = source.BitLen()
		} else {
			bits = subnetOf(l, source)
		}
	} else {
		p.Outgoing, bits = l.Own(), source.BitLen()
	}
	p.Network = header(source, dest, bits, wire.Protocol)
	p.Payload = firewall.Certain(advert.Append(nil, source, dest))
	return p
}

// header returns an IP header with the known first bits of the source.
func header(source, dest netip.Addr, bits int, protocol byte) firewall.Known {
	h := firewall.Certain(wire.AppendIP(nil, source, dest, wire.HopLimit, 64))
	at, next, length := 12, 9, []int{2, 3, 10, 11} // the length and the checksum are unknown
	if source.Is6() {
		at, next, length = 8, 6, []int{4, 5}
	}
	for _, i := range length {
		h.Mask[i] = 0
	}
	h.Bytes[next] = protocol
	for i := range source.BitLen() {
		if i >= bits {
			h.Mask[at+i/8] &^= 0x80 >> (i % 8)
		}
	}
	return h
}

// subnetOf returns the length of the prefix that contains the other routers: that of the source on
// the link.
func subnetOf(l *Link, source netip.Addr) int {
	if source.Is6() {
		return 10 // fe80::/10
	}
	if l.Sources != nil {
		for _, p := range *l.Sources {
			if p.Addr() == source {
				return p.Bits()
			}
		}
	}
	return 0
}

// droppedND reports the links of IPv6 instances on which solicitations are dropped.
func droppedND(f *Facts) (all []found) {
	if f.Rules == nil {
		return nil
	}
	for l := range f.serving() {
		senders := sendersOn(f, l, event.IPv6)
		if len(senders) == 0 || !l.LinkLocal6.IsValid() {
			continue
		}
		target := l.LinkLocal6
		if in := senders[0]; in != nil && len(in.Addresses) > 0 {
			target = in.Addresses[0]
		}
		ask := wire.AppendNS(nil, l.HardwareAddr, l.LinkLocal6, target)[ethernetLen+ipv6Len:]
		p := &firewall.Packet{
			IPv6: true, Protocol: icmpv6, Index: uint32(l.Index), Group: true, Incoming: l.Own(),
			Network: header(l.LinkLocal6, wire.SolicitedNode(target), 10, icmpv6), Payload: firewall.Certain(ask),
		}
		if where := f.Rules.Drops(p, false); where != "" {
			all = append(all, found{"subject": l.Name, "link": l.Own(), "where": where, "chain": chainOf(where)})
		}
	}
	return all
}

func legacyRules(f *Facts) []found {
	if len(f.Legacy) == 0 {
		return nil
	}
	return []found{{"subject": machine, "tables": strings.Join(f.Legacy, ", ")}}
}

// managers are programs that manage the firewall, each with its mark in the ruleset, and the
// command that admits VRRP.
var managers = []struct{ name, table, chain, command string }{
	{"firewalld", "firewalld", "", "firewall-cmd --permanent --add-protocol=vrrp && firewall-cmd --reload"},
	{"ufw", "filter", "ufw-before-input", "ufw allow in proto vrrp from any"},
}

func firewallManagers(f *Facts) (all []found) {
	if f.Rules == nil {
		return nil
	}
	for _, m := range managers {
		if slices.ContainsFunc(f.Rules.Chains, func(c firewall.Chain) bool {
			return c.Table == m.table && (m.chain == "" || c.Name == m.chain)
		}) {
			all = append(all, found{"subject": machine, "program": m.name, "command": m.command})
		}
	}
	return all
}
