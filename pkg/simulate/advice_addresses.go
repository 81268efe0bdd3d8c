package simulate

import (
	"fmt"
	"net/netip"
	"slices"

	"ripcord/pkg/addr"
)

// This file compares the addresses of two routers of one virtual router.

// addresses compares the addresses of two routers of one virtual router, their prefix lengths,
// accept and virtual_mac.
func (a *advice) addresses(who string, x, y subscriber) {
	if !share(x.in, y.in) {
		return // reported by usedTwice
	}
	a.addressLists(who, x, y)
	xs, ys := x.set(), y.set()
	xn, yn := x.router.Name, y.router.Name
	for _, ip := range x.in.Addresses {
		if xp, yp := prefix(xs, ip), prefix(ys, ip); xp != yp && xp > 0 && yp > 0 {
			a.add("%s: %s is a /%d on %s and a /%d on %s: the hosts that can reach it directly change with the router that serves; set the same prefix length on both.", who, ip, xp, xn, yp, yn)
		}
	}
	if xs.Refuse != ys.Refuse {
		a.add("%s: accept is %v on %s and %v on %s: packets to the address itself, such as a ping, are answered only while %s serves; set the same value on both.",
			who, !xs.Refuse, xn, !ys.Refuse, yn, map[bool]string{true: yn, false: xn}[xs.Refuse])
	}
	if x.in.VirtualMAC != y.in.VirtualMAC {
		a.add("%s: virtual_mac is %v on %s and %v on %s: the MAC of the addresses changes with the router that serves, which the virtual MAC is meant to avoid; set the same value on both.",
			who, x.in.VirtualMAC, xn, y.in.VirtualMAC, yn)
	}
}

// set returns the addresses of an instance as the configuration places them; the zero value if it
// has none.
func (s subscriber) set() addr.Set {
	for _, set := range s.router.Config.Sets {
		if set.Instance == s.in.Name {
			return set
		}
	}
	return addr.Set{}
}

// prefix returns the prefix length of an address in the set; 0 if the set does not contain it.
func prefix(of addr.Set, ip netip.Addr) int {
	for _, is := range of.Addresses {
		if is.Prefix.Addr() == ip {
			return is.Prefix.Bits()
		}
	}
	return 0
}

// usedTwice finds a VRID that different routers use for different addresses.
func (a *advice) usedTwice(all []subscriber) {
	var pairs [][]subscriber
	for _, s := range all {
		at := slices.IndexFunc(pairs, func(p []subscriber) bool { return share(p[0].in, s.in) })
		if at < 0 {
			pairs = append(pairs, []subscriber{s})
			continue
		}
		pairs[at] = append(pairs[at], s)
	}
	if len(pairs) < 2 {
		return
	}
	var uses []string
	for _, p := range pairs {
		var names []string
		for _, s := range p {
			names = append(names, s.router.Name)
		}
		uses = append(uses, fmt.Sprintf("for %s by %s", addresses(p[0].in)[0], listed(names)))
	}
	a.add("VRID %d on %s is used %s: all routers take part in one virtual router, whose Active serves only its own addresses, and nobody serves the others; use a different VRID for each virtual router.",
		all[0].in.VRID, all[0].segment, listed(uses))
}

func (a *advice) addressLists(who string, x, y subscriber) {
	xs, ys := slices.Clone(x.in.Addresses), slices.Clone(y.in.Addresses)
	slices.SortFunc(xs, netip.Addr.Compare)
	slices.SortFunc(ys, netip.Addr.Compare)
	if slices.Equal(xs, ys) {
		return
	}
	only := func(s subscriber, list, of []netip.Addr) (parts []string) {
		for _, ip := range list {
			if !slices.Contains(of, ip) {
				parts = append(parts, fmt.Sprintf("%s only on %s", ip, s.router.Name))
			}
		}
		return parts
	}
	parts := append(only(x, xs, ys), only(y, ys, xs)...)
	a.add("%s: the address lists differ (%s): these addresses are not served while the other router is Active; configure the same list on both.", who, listed(parts))
}
