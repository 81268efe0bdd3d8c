package link

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// Sources says what is known of the addresses from which adverts may leave.
type Sources struct {
	// Named are the addresses that instances send from by name. They may also stand
	// on a loopback link.
	Named []netip.Addr
	// Virtual are the addresses that routers share. Where one stands without our
	// mark it is a source only if there is no other: it would name the wrong router.
	Virtual []netip.Addr
}

// sourcesAre says so once, before anything is observed.
func (t *Table) sourcesAre(s Sources) {
	t.named, t.virtual = make(map[netip.Addr]bool), make(map[netip.Addr]bool)
	for _, ip := range s.Named {
		t.named[ip] = true
	}
	for _, ip := range s.Virtual {
		t.virtual[ip] = true
	}
}

// chosen is what was chosen of the addresses of a link.
type chosen struct {
	primary4, linkLocal6 netip.Addr
	sources              *[]netip.Prefix // another list is another pointer
	owned                *[]netip.Addr   // likewise
	// duplicate is an address from which adverts might leave if another station did
	// not have it too, as duplicate address detection has found.
	duplicate netip.Addr
}

// scopeLink is RT_SCOPE_LINK; the scopes above it are narrower.
const scopeLink = 253

// The ranks of an address as the source of adverts; unfit is never one.
const (
	unfit   = iota
	virtual // shared, and not put there by ripcord
	narrow  // of link scope, or deprecated
	extra   // a secondary address of its subnet
	plain
)

// rank orders addresses as sources of adverts. What ripcord put there is never
// one. A secondary is one: whoever replaces an address adds the new one first.
func (t *Table) rank(s *standing) int {
	ip := s.Prefix.Addr()
	switch {
	case s.Marked || s.Unready || !t.mayBeSource(ip):
		return unfit
	case t.virtual[ip]:
		return virtual
	case ip.Is4() && s.Scope >= scopeLink || s.Deprecated:
		return narrow
	case s.Secondary:
		return extra
	}
	return plain
}

// mayBeSource reports whether adverts may bear an address, as far as its kind goes:
// over IPv6 only a link-local one, unless it is asked for (RFC 9568 §5.1.2.1).
func (t *Table) mayBeSource(ip netip.Addr) bool {
	return ip.Is4() || ip.IsLinkLocalUnicast() || t.named[ip]
}

// chooses reports whether the sources of a link matter to anybody.
func (t *Table) chooses(e *entry) bool {
	return e != nil && (e.top || e.seen.Local && len(t.named) > 0)
}

// choose chooses the sources of a link anew, and publishes them if they are others.
func (t *Table) choose(a *assigned) {
	a.due, a.limit = time.Time{}, time.Time{}
	delete(t.unsettled, a.index)
	e, was := t.byIndex[a.index], a.chosen
	if !t.chooses(e) {
		a.chosen = chosen{}
		t.dropBare(a)
		return
	}
	a.chosen = t.chooseSource(a)
	if e.seen.Local && t.relocate(a) {
		t.rechoose()
	}
	moved := a.chosen != was
	t.dropBare(a)
	if moved {
		t.settle(e, 0)
	}
}

// rechoose chooses for all watched links, since a loopback link has other addresses.
func (t *Table) rechoose() {
	for _, e := range t.tops() {
		if !e.seen.Local {
			t.choose(t.on(e.seen.Index))
		}
	}
}

// relocate takes in which of the named sources stand on a loopback link, and reports
// whether these are others.
func (t *Table) relocate(a *assigned) bool {
	var here []netip.Addr
	for i := range a.list {
		if s := &a.list[i]; t.named[s.Prefix.Addr()] && t.rank(s) != unfit {
			here = append(here, s.Prefix.Addr())
		}
	}
	slices.SortFunc(here, netip.Addr.Compare)
	if slices.Equal(here, t.local[a.index]) {
		return false
	}
	if t.local[a.index] = here; len(here) == 0 {
		delete(t.local, a.index)
	}
	return true
}

// candidate is an address that may be chosen.
type candidate struct {
	*standing
	rank int
}

// chooseSource chooses from the addresses of a link: of each subnet the best one, and all
// that are asked for by name.
func (t *Table) chooseSource(a *assigned) (now chosen) {
	best := make(map[netip.Prefix]candidate)
	var named []candidate
	var duplicate *standing
	for i := range a.list {
		s := &a.list[i]
		ip := s.Prefix.Addr()
		if s.Duplicate && !s.Marked && t.mayBeSource(ip) && (duplicate == nil || s.since < duplicate.since) {
			duplicate = s
		}
		c := candidate{s, t.rank(s)}
		if c.rank == unfit {
			continue
		}
		if t.named[ip] {
			named = append(named, c)
		}
		if o, ok := best[subnet(s.Prefix)]; !ok || a.compare(c, o) < 0 {
			best[subnet(s.Prefix)] = c
		}
	}
	if duplicate != nil {
		now.duplicate = duplicate.Prefix.Addr()
	}
	list := slices.SortedFunc(maps.Values(best), a.compare)
	list = withoutVirtual(list)
	for _, c := range list {
		switch ip := c.Prefix.Addr(); {
		case ip.Is4() && !now.primary4.IsValid():
			now.primary4 = ip
		case ip.Is6() && ip.IsLinkLocalUnicast() && !now.linkLocal6.IsValid():
			now.linkLocal6 = ip
		}
	}
	slices.SortFunc(named, a.compare)
	now.owned = t.own(a)
	now.sources = t.list(a, append(list, named...))
	return now
}

// compare orders candidates, the best first. Of equal ones the present choice stays,
// else the one that came first is taken, as the kernel does.
func (a *assigned) compare(x, y candidate) int {
	present := func(c candidate) int {
		switch ip := c.Prefix.Addr(); {
		case ip == a.primary4, ip == a.linkLocal6:
			return 2
		case c.source:
			return 1
		}
		return 0
	}
	return cmp.Or(y.rank-x.rank, present(y)-present(x), earlier(*x.standing, *y.standing))
}

// subnet is the network of an address. All that are alone in theirs are taken
// together.
func subnet(p netip.Prefix) netip.Prefix {
	if p.IsSingleIP() {
		return netip.PrefixFrom(nobody(p.Addr()), 0)
	}
	return p.Masked()
}

func nobody(ip netip.Addr) netip.Addr {
	if ip.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// withoutVirtual leaves the shared addresses of a family out where it has others.
// They are the last of the list.
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

// ownedMost is how many addresses of a link are told.
const ownedMost = 256

// own lists the addresses of a link that are its own, if these are not too many; the
// same pointer while it is the same list.
func (t *Table) own(a *assigned) *[]netip.Addr {
	var owned []netip.Addr
	for i := range a.list {
		s := &a.list[i]
		if ip := s.Prefix.Addr(); !s.Marked && !s.Unready && !t.virtual[ip] && t.mayBeSource(ip) {
			owned = append(owned, ip)
		}
		if len(owned) > ownedMost {
			return nil
		}
	}
	slices.SortFunc(owned, netip.Addr.Compare)
	owned = slices.Compact(owned)
	switch {
	case len(owned) == 0:
		return nil
	case a.owned != nil && slices.Equal(owned, *a.owned):
		return a.owned
	}
	return &owned
}

// list makes the sources of a link of what was chosen there, and of the named ones
// that stand on a loopback link; the same pointer while it is the same list.
func (t *Table) list(a *assigned, all []candidate) *[]netip.Prefix {
	for i := range a.list {
		a.list[i].source = false
	}
	var sources []netip.Prefix
	for _, c := range all {
		if !c.source {
			c.source = true
			sources = append(sources, c.Prefix)
		}
	}
	for _, index := range sortedKeys(t.local) {
		if index == a.index {
			continue
		}
		for _, ip := range t.local[index] {
			sources = append(sources, netip.PrefixFrom(ip, ip.BitLen()))
		}
	}
	switch {
	case len(sources) == 0:
		return nil
	case a.sources != nil && slices.Equal(sources, *a.sources):
		return a.sources
	}
	return &sources
}
