package simulate

import (
	"net/netip"
	"slices"

	"ripcord/pkg/sim"
	"ripcord/pkg/vrrp"
)

// This file gives the ports of the routers their own addresses. It takes those that the files
// name as the source of an instance or as a unicast peer of another router, and makes up the
// others from the subnets of the virtual addresses, in the order of the files. The order counts:
// where priorities are equal, the greater address decides the election.

const (
	firstHost  = 11 // offset of the first router within a subnet
	maxSubnets = 16 // of a port
)

// allotment assigns addresses to the ports of a LAN.
type allotment struct {
	*LAN
	all   []subscriber
	named map[*vrrp.Instance]netip.Addr // the addresses by which other routers name an instance as a peer
	taken map[netip.Addr]bool           // addresses in use
}

// allot assigns each port of a LAN its addresses.
func allot(l *LAN) {
	a := &allotment{LAN: l, all: l.subscribers(), named: make(map[*vrrp.Instance]netip.Addr), taken: make(map[netip.Addr]bool)}
	a.namePeers()
	a.take()
	for at, r := range l.routers {
		for _, name := range r.all(interfaces) {
			r.links[name] = a.port(r, at, name)
		}
	}
}

// port returns a port with its addresses; at is the index of its router.
func (a *allotment) port(r *router, at int, name string) sim.Attachment {
	port := r.links[name]
	subnets := a.subnets(port.Segment)
	for _, s := range a.all {
		if s.router != r || s.in.Interface != name {
			continue
		}
		for _, own := range append(ownAddresses(s.in), a.named[s.in]) {
			if own.IsValid() && !has(port.Sources, own) {
				port.Sources = append(port.Sources, within(own, subnets))
			}
		}
	}
	for _, subnet := range subnets {
		if slices.ContainsFunc(port.Sources, func(p netip.Prefix) bool { return subnet.Contains(p.Addr()) }) {
			continue
		}
		if made := free(subnet, at, a.taken); made.IsValid() {
			port.Sources, a.taken[made] = append(port.Sources, netip.PrefixFrom(made, subnet.Bits())), true
		}
	}
	return port
}

// ownAddresses returns the addresses of a port that the configuration of an instance implies: its
// source and, with priority 255, its virtual addresses.
func ownAddresses(in *vrrp.Instance) (all []netip.Addr) {
	if in.Source.IsValid() {
		all = append(all, in.Source)
	}
	if in.Priority == vrrp.Owner {
		all = append(all, in.Addresses...)
	}
	return all
}

// namePeers finds the address by which other routers name an instance as a peer: the address that
// all other routers of the virtual router list and the instance itself does not.
func (a *allotment) namePeers() {
	given := make(map[netip.Addr]bool)
	for _, s := range a.all {
		if s.in.Source.IsValid() {
			given[s.in.Source] = true
		}
	}
	for _, s := range a.all {
		if s.in.Source.IsValid() || len(s.in.Unicast.Peers) == 0 {
			continue
		}
		for _, candidate := range peersOfOthers(s, a.all) {
			if !slices.Contains(s.in.Unicast.Peers, candidate) && !given[candidate] {
				a.named[s.in], given[candidate] = candidate, true
				break
			}
		}
	}
}

// peersOfOthers returns the peers that are common to all other routers of the same virtual
// router.
func peersOfOthers(s subscriber, all []subscriber) (peers []netip.Addr) {
	first := true
	for _, o := range all {
		switch {
		case o.router == s.router || o.key() != s.key():
		case !o.in.IsUnicast() || o.in.Source.IsValid() && !slices.Contains(s.in.Unicast.Peers, o.in.Source): // o belongs to another virtual router
		case first:
			peers, first = slices.Clone(o.in.Unicast.Peers), false
		default:
			peers = slices.DeleteFunc(peers, func(a netip.Addr) bool { return !slices.Contains(o.in.Unicast.Peers, a) })
		}
	}
	return peers
}

// take marks the addresses that files name as in use.
func (a *allotment) take() {
	for _, s := range a.all {
		for _, list := range [][]netip.Addr{{s.in.Source}, s.in.Addresses, s.in.Extra, s.in.Unicast.Peers} {
			for _, ip := range list {
				a.taken[ip] = true
			}
		}
	}
}

// subnets returns the subnets of a segment: those of the virtual addresses of all routers on it.
func (a *allotment) subnets(segment string) (all []netip.Prefix) {
	add := func(p netip.Prefix) {
		if p = p.Masked(); !slices.Contains(all, p) && len(all) < maxSubnets {
			all = append(all, p)
		}
	}
	at := slices.Index(a.segments, segment)
	for _, r := range a.routers {
		for _, c := range r.configs() {
			for _, set := range c.Sets {
				if r.links[set.Link].Segment != segment {
					continue
				}
				for _, is := range set.Addresses {
					if is.Prefix.Addr().Is4() && is.Prefix.Bits() <= 30 && !is.Extra {
						add(is.Prefix)
					}
				}
			}
		}
	}
	if len(all) == 0 { // the segment carries only tracked links, or addresses without a subnet
		add(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(at >> 8), byte(at), 0}), 24))
	}
	add(netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80}), 64))
	return all
}

// within returns an address with the length of the narrowest subnet that contains it, or as a
// host prefix if none does.
func within(a netip.Addr, subnets []netip.Prefix) netip.Prefix {
	best := netip.PrefixFrom(a, a.BitLen())
	for _, s := range subnets {
		if s.Contains(a) && (best.Bits() == a.BitLen() || s.Bits() > best.Bits()) {
			best = netip.PrefixFrom(a, s.Bits())
		}
	}
	return best
}

// free returns an unused address of a subnet, starting at the offset of the router with the index
// at. It returns the zero address if there is none.
func free(subnet netip.Prefix, at int, taken map[netip.Addr]bool) netip.Addr {
	a := subnet.Addr()
	for range firstHost + at {
		a = a.Next()
	}
	for range 1 << 10 {
		if !subnet.Contains(a) { // the subnet is small: try from its beginning
			a = subnet.Addr().Next()
		}
		if !taken[a] {
			return a
		}
		a = a.Next()
	}
	return netip.Addr{}
}

func has(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Addr() == a })
}
