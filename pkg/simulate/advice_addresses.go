package simulate

import (
	"fmt"
	"net/netip"
	"slices"

	"ripcord/pkg/addr"
)

// What two routers of one virtual router have different of its addresses.

// addresses compares the addresses of two routers of one virtual router, and how they stand there.
func (a *advice) addresses(who string, x, y subscriber) {
	if !share(x.in, y.in) {
		return // usedTwice says it
	}
	a.addressLists(who, x, y)
	xs, ys := x.set(), y.set()
	xn, yn := x.router.Name, y.router.Name
	for _, ip := range x.in.Addresses {
		if xp, yp := prefix(xs, ip), prefix(ys, ip); xp != yp && xp > 0 && yp > 0 {
			a.add("%s: %s is a /%d on %s and a /%d on %s: what is reached through it changes with the router that serves; give it one prefix length.", who, ip, xp, xn, yp, yn)
		}
	}
	if xs.Refuse != ys.Refuse {
		a.add("%s: accept is %v on %s and %v on %s: what is sent to the address itself, a ping as well, is answered only while %s serves; set it alike.",
			who, !xs.Refuse, xn, !ys.Refuse, yn, map[bool]string{true: yn, false: xn}[xs.Refuse])
	}
	if x.in.VirtualMAC != y.in.VirtualMAC {
		a.add("%s: virtual_mac is %v on %s and %v on %s: the MAC of the addresses changes with the router that serves, which the virtual MAC is to avoid; set it alike.",
			who, x.in.VirtualMAC, xn, y.in.VirtualMAC, yn)
	}
}

// set returns what an instance holds; the zero value if nothing is known of that.
func (s subscriber) set() addr.Set {
	for _, set := range s.router.Config.Sets {
		if set.Instance == s.in.Name {
			return set
		}
	}
	return addr.Set{}
}

// prefix returns the length of the prefix of an address; 0 if the set has it not.
func prefix(of addr.Set, ip netip.Addr) int {
	for _, is := range of.Addresses {
		if is.Prefix.Addr() == ip {
			return is.Prefix.Bits()
		}
	}
	return 0
}

// usedTwice finds a VRID that some routers use for some addresses, and others for others.
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
	a.add("VRID %d on %s is used %s: all take one another for one virtual router, of which one router serves its own addresses, and nobody the others; give each virtual router its own VRID.",
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
	a.add("%s: the address lists differ (%s): those are not served while the other router is Active; give both the same list.", who, listed(parts))
}
