package simulate

import (
	"net/netip"
	"slices"

	"ripcord/pkg/listing"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// This file finds what keeps a router from receiving or accepting the adverts of another one.

// peers finds unicast adverts that the other router does not receive or accept.
func (a *advice) peers(x, y subscriber) {
	if x.in.Version != y.in.Version || !x.in.IsUnicast() || !y.in.IsUnicast() {
		return
	}
	who := x.title()
	for _, way := range [][2]subscriber{{x, y}, {y, x}} {
		from, to := way[0], way[1]
		switch {
		case !slices.ContainsFunc(from.in.Unicast.Peers, to.sends):
			a.add("%s: %s sends to %s and accepts adverts only from there, which is not an address of %s, so neither hears the other and both serve; list an address of %s among the peers.",
				who, from.router.Name, listed(listing.Texts(from.in.Unicast.Peers)), to.router.Name, to.router.Name)
		case from.in.Unicast.TTL < to.in.Unicast.MinTTL:
			a.add("%s: %s sends with ttl %d and %s discards adverts below its min_ttl %d, so %s ignores it and takes over in any case; set min_ttl to the ttl of the other routers or less.",
				who, from.router.Name, from.in.Unicast.TTL, to.router.Name, to.in.Unicast.MinTTL, to.router.Name)
		}
	}
}

// oneSource finds routers that send from the same address.
func (a *advice) oneSource(all []subscriber) {
	for i, x := range all {
		for _, y := range all[i+1:] {
			if src := x.in.Source; x.router != y.router && x.segment == y.segment && src.IsValid() && y.in.Source == src {
				a.add("%s and %s both send from %s on %s, so each mistakes the adverts of the other for its own and both serve; set a different source on each.", x.router.Name, y.router.Name, src, x.segment)
			}
		}
	}
}

// apart finds routers that have the same VRID and address on interfaces of different names, and
// so share no segment.
func (a *advice) apart() {
	for _, p := range a.separatedPairs() {
		x, y := p[0], p[1]
		a.add("%s of VRID %d is on %s of %s and on %s of %s, which share no segment here, so that each serves it on a segment of its own; if they are connected, add --segment lan=%s:%s,%s:%s.",
			addresses(x.in)[0], x.in.VRID, x.in.Interface, x.router.Name, y.in.Interface, y.router.Name, x.router.Name, x.in.Interface, y.router.Name, y.in.Interface)
	}
}

// share reports whether two instances have an address in common.
func share(x, y *vrrp.Instance) bool {
	return slices.ContainsFunc(x.Addresses, func(a netip.Addr) bool { return slices.Contains(y.Addresses, a) })
}

// authentication compares the passwords and keys of two routers of one virtual router.
func (a *advice) authentication(who string, x, y subscriber) {
	xn, yn := x.router.Name, y.router.Name
	switch xp, yp := x.in.Auth, y.in.Auth; {
	case xp == yp:
	case xp == (wire.Auth{}):
		a.add("%s: %s has a password and %s has none, so each discards the adverts of the other and both serve; set the same password on both, or none.", who, yn, xn)
	case yp == (wire.Auth{}):
		a.add("%s: %s has a password and %s has none, so each discards the adverts of the other and both serve; set the same password on both, or none.", who, xn, yn)
	default:
		a.add("%s: the passwords of %s and %s differ, so each discards the adverts of the other and both serve; set the same password on both.", who, xn, yn)
	}
	xs, ys := x.in.HMAC, y.in.HMAC
	switch {
	case xs == nil && ys == nil:
	case xs == nil && ys.Mode == vrrp.Enforce, ys == nil && xs.Mode == vrrp.Enforce, xs != nil && ys != nil && !sameKey(xs, ys):
		a.add("%s: %s and %s do not sign with a key that both have, so the one that requires signatures discards every advert of the other; give both the same keys, in the order of docs/authentication.md.", who, xn, yn)
	}
}

// sameKey reports whether each instance has the key with which the other one signs.
func sameKey(x, y *vrrp.HMAC) bool {
	return x.Keys[x.Active].Equal(y.Keys[x.Active]) && y.Keys[y.Active].Equal(x.Keys[y.Active])
}

// unicast finds virtual routers where one router sends by unicast and another by multicast.
func (a *advice) unicast(who string, x, y subscriber) {
	xu, yu := len(x.in.Unicast.Peers) > 0, len(y.in.Unicast.Peers) > 0
	if xu == yu {
		return
	}
	one, other := x.router.Name, y.router.Name
	if yu {
		one, other = other, one
	}
	a.add("%s: %s sends only to its peers and %s to the multicast group, so neither hears the other and both serve; configure unicast peers on both, or on neither.", who, one, other)
}
