package link

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
)

// Sources are the configured addresses that affect the choice of a source of adverts.
type Sources struct {
	// Named are the addresses that instances are configured to use as their source. They may also
	// be on a loopback link.
	Named []netip.Addr
	// Virtual are the addresses that routers share. One without our mark is a source only if there
	// is no other: it would identify the wrong router.
	Virtual []netip.Addr
	// Global makes global IPv6 addresses sources, too: an instance sends adverts to peers that have
	// one, without a configured source.
	Global bool
}

// chosen holds the addresses of a link that were chosen as sources of adverts.
type chosen struct {
	primary4, linkLocal6 netip.Addr
	sources              *[]netip.Prefix // another list has another pointer
	owned                *[]netip.Addr   // another list has another pointer
	// duplicate is an address that could be a source if duplicate address detection had not found
	// that another station has it too.
	duplicate netip.Addr
}

// scopeLink is RT_SCOPE_LINK; greater scopes are narrower.
const scopeLink = 253

// These are the ranks of an address as the source of adverts; unfit is never one.
const (
	unfit   = iota
	virtual // shared by routers, and not added by ripcord
	narrow  // of link scope, or deprecated
	extra   // a secondary address of its subnet
	usual
)

// rank orders addresses as sources of adverts. An address that ripcord added is never a source. A
// secondary address may be: to replace an address, the new one is added first.
func (t *addresses) rank(a *knownAddress) int {
	ip := a.Prefix.Addr()
	switch {
	case a.Marked || a.Unready || !t.mayBeSource(ip):
		return unfit
	case t.virtual[ip]:
		return virtual
	case ip.Is4() && a.Scope >= scopeLink || a.Deprecated:
		return narrow
	case a.Secondary:
		return extra
	}
	return usual
}

// mayBeSource reports whether an address is of a kind that may be the source of adverts: over IPv6
// only a link-local address, unless the configuration names it, or there are unicast adverts to
// global addresses (RFC 9568 §5.1.2.1).
func (t *addresses) mayBeSource(ip netip.Addr) bool {
	return ip.Is4() || ip.IsLinkLocalUnicast() || t.named[ip] || t.global
}

// noteLocal records which of the named sources are on a loopback link, and reports whether they
// have changed.
func (t *addresses) noteLocal(l *linkAddresses) (changed bool) {
	var here []netip.Addr
	for i := range l.list {
		if a := &l.list[i]; t.named[a.Prefix.Addr()] && t.rank(a) != unfit {
			here = append(here, a.Prefix.Addr())
		}
	}
	slices.SortFunc(here, netip.Addr.Compare)
	if slices.Equal(here, t.local[l.index]) {
		return false
	}
	if t.local[l.index] = here; len(here) == 0 {
		delete(t.local, l.index)
	}
	return true
}

// forgetLocal drops a link, and reports whether named sources were on it.
func (t *addresses) forgetLocal(index int) (changed bool) {
	changed = len(t.local[index]) > 0
	delete(t.local, index)
	return changed
}

// candidate is an address that may be chosen.
type candidate struct {
	*knownAddress
	rank int
}

// choose chooses sources among the addresses of a link: the best one of each subnet, and all that
// the configuration names.
func (t *addresses) choose(l *linkAddresses) (now chosen) {
	best := make(map[netip.Prefix]candidate)
	var named []candidate
	var duplicate *knownAddress
	for i := range l.list {
		a := &l.list[i]
		ip := a.Prefix.Addr()
		if a.Duplicate && !a.Marked && t.mayBeSource(ip) && (duplicate == nil || a.arrival < duplicate.arrival) {
			duplicate = a
		}
		c := candidate{a, t.rank(a)}
		if c.rank == unfit {
			continue
		}
		if t.named[ip] {
			named = append(named, c)
		}
		if o, ok := best[subnet(a.Prefix)]; !ok || l.compare(c, o) < 0 {
			best[subnet(a.Prefix)] = c
		}
	}
	if duplicate != nil {
		now.duplicate = duplicate.Prefix.Addr()
	}
	list := withoutVirtual(slices.SortedFunc(maps.Values(best), l.compare))
	for _, c := range list {
		switch ip := c.Prefix.Addr(); {
		case ip.Is4() && !now.primary4.IsValid():
			now.primary4 = ip
		case ip.Is6() && ip.IsLinkLocalUnicast() && !now.linkLocal6.IsValid():
			now.linkLocal6 = ip
		}
	}
	slices.SortFunc(named, l.compare)
	now.owned = t.own(l)
	now.sources = t.list(l, append(list, named...))
	return now
}

// compare orders candidates, the best first. Among equal ones it keeps the present choice, or takes
// the address that came first, as the kernel does.
func (l *linkAddresses) compare(x, y candidate) int {
	present := func(c candidate) int {
		switch ip := c.Prefix.Addr(); {
		case ip == l.primary4, ip == l.linkLocal6:
			return 2
		case c.source:
			return 1
		}
		return 0
	}
	return cmp.Or(y.rank-x.rank, present(y)-present(x), earlier(*x.knownAddress, *y.knownAddress))
}

// subnet returns the network of an address. Addresses that are alone in their network share one.
func subnet(p netip.Prefix) netip.Prefix {
	if p.IsSingleIP() {
		return netip.PrefixFrom(unspecified(p.Addr()), 0)
	}
	return p.Masked()
}

func unspecified(ip netip.Addr) netip.Addr {
	if ip.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// withoutVirtual removes the shared addresses of a family if it has others. They are the last of
// the list.
func withoutVirtual(list []candidate) []candidate {
	var four, six bool
	return slices.DeleteFunc(list, func(c candidate) bool {
		other := &six
		if c.Prefix.Addr().Is4() {
			other = &four
		}
		if c.rank != virtual {
			*other = true
			return false
		}
		return *other
	})
}

// maxOwned is the greatest number of a link's addresses that a fact lists.
const maxOwned = 256

// own lists the link's own addresses; nil if there are too many. It returns the same pointer while
// the list is the same.
func (t *addresses) own(l *linkAddresses) *[]netip.Addr {
	var owned []netip.Addr
	for i := range l.list {
		a := &l.list[i]
		if ip := a.Prefix.Addr(); !a.Marked && !a.Unready && !t.virtual[ip] && t.mayBeSource(ip) {
			owned = append(owned, ip)
		}
		if len(owned) > maxOwned {
			return nil
		}
	}
	slices.SortFunc(owned, netip.Addr.Compare)
	owned = slices.Compact(owned)
	switch {
	case len(owned) == 0:
		return nil
	case l.owned != nil && slices.Equal(owned, *l.owned):
		return l.owned
	}
	return &owned
}

// list returns the sources of a link: those chosen on it, and the named ones on a loopback link. It
// returns the same pointer while the list is the same.
func (t *addresses) list(l *linkAddresses, all []candidate) *[]netip.Prefix {
	for i := range l.list {
		l.list[i].source = false
	}
	var sources []netip.Prefix
	for _, c := range all {
		if !c.source {
			c.source = true
			sources = append(sources, c.Prefix)
		}
	}
	for _, index := range sortedKeys(t.local) {
		if index == l.index {
			continue
		}
		for _, ip := range t.local[index] {
			sources = append(sources, netip.PrefixFrom(ip, ip.BitLen()))
		}
	}
	switch {
	case len(sources) == 0:
		return nil
	case l.sources != nil && slices.Equal(sources, *l.sources):
		return l.sources
	}
	return &sources
}
