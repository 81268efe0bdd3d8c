package link

import (
	"net/netip"
	"slices"

	"ripcord/pkg/event"
)

// assigned holds the addresses of one link, in the order in which the kernel
// listed them, and those chosen as sources of adverts.
type assigned struct {
	list                 []Assigned
	primary4, linkLocal6 netip.Addr
	sources              *[]netip.Addr // those that were asked for; a new one where they change
}

func (a *assigned) find(p netip.Prefix) int {
	return slices.IndexFunc(a.list, func(o Assigned) bool { return o.Prefix == p })
}

// assign absorbs an address that is there.
func (t *Table) assign(addr Assigned) {
	a := t.addresses[addr.Index]
	if a == nil {
		a = &assigned{}
		t.addresses[addr.Index] = a
	}
	if i := a.find(addr.Prefix); i >= 0 {
		a.list[i] = addr
	} else {
		a.list = append(a.list, addr)
	}
	t.publishAddress(addr, true)
	t.choose(addr.Index)
}

// unassign absorbs that an address is gone.
func (t *Table) unassign(addr Assigned) {
	if a := t.addresses[addr.Index]; a != nil {
		if i := a.find(addr.Prefix); i >= 0 {
			a.list = slices.Delete(a.list, i, i+1)
		}
	}
	t.publishAddress(addr, false)
	t.choose(addr.Index)
}

func (t *Table) publishAddress(addr Assigned, present bool) {
	fact := event.Address{
		Cause: t.stamp().Cause, Index: addr.Index, Prefix: addr.Prefix, Present: present, Marked: addr.Marked,
	}
	if !present {
		fact.Removals = 1
	}
	t.out.Addresses = append(t.out.Addresses, fact)
}

// compareAddresses takes in the whole list; only differences are published.
func (t *Table) compareAddresses(list []Assigned) {
	listed := make(map[event.AddressKey]Assigned, len(list))
	for _, addr := range list {
		listed[event.AddressKey{Index: addr.Index, Prefix: addr.Prefix}] = addr
	}
	for _, index := range t.indexes() {
		for _, addr := range slices.Clone(t.addresses[index].list) {
			switch now, ok := listed[event.AddressKey{Index: index, Prefix: addr.Prefix}]; {
			case !ok:
				t.unassign(addr)
			case now == addr:
				delete(listed, event.AddressKey{Index: index, Prefix: addr.Prefix})
			}
		}
	}
	for _, addr := range list {
		if now, ok := listed[event.AddressKey{Index: addr.Index, Prefix: addr.Prefix}]; ok && now == addr {
			t.assign(addr)
		}
	}
}

// indexes are those with addresses, in a fixed order.
func (t *Table) indexes() []int {
	indexes := make([]int, 0, len(t.addresses))
	for index := range t.addresses {
		indexes = append(indexes, index)
	}
	slices.Sort(indexes)
	return indexes
}

// choose picks the sources of adverts of a link anew.
func (t *Table) choose(index int) {
	a := t.addresses[index]
	if a == nil {
		return
	}
	primary4, linkLocal6 := a.pick(a.primary4, rank4), a.pick(a.linkLocal6, rank6)
	sources := t.wanted(a)
	moved := primary4 != a.primary4 || linkLocal6 != a.linkLocal6 || sources != a.sources
	a.primary4, a.linkLocal6, a.sources = primary4, linkLocal6, sources
	if len(a.list) == 0 {
		delete(t.addresses, index)
	}
	if e := t.byIndex[index]; e != nil && moved {
		t.settle(e, 0)
	}
}

// wanted are those of the addresses that instances ask for by name that are there
// and may be used; the same pointer while they do not change. One that ripcord
// holds is none: it may go any time.
func (t *Table) wanted(a *assigned) *[]netip.Addr {
	var sources []netip.Addr
	for _, addr := range a.list {
		if ip := addr.Prefix.Addr(); slices.Contains(t.sources, ip) && !addr.Unready && !addr.Marked {
			sources = append(sources, ip)
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

// pick keeps the present address while none of a better rank is there, else it
// takes the first of the best rank.
func (a *assigned) pick(present netip.Addr, rank func(Assigned) int) netip.Addr {
	var best netip.Addr
	highest := 0
	for _, addr := range a.list {
		r := rank(addr)
		if r > highest || r == highest && r > 0 && addr.Prefix.Addr() == present {
			best, highest = addr.Prefix.Addr(), r
		}
	}
	return best
}

// scopeLink is RT_SCOPE_LINK; the scopes above it are narrower.
const scopeLink = 253

// rank4 orders IPv4 addresses as sources of adverts; 0 is none. What ripcord
// put there is never one: an advert from a virtual address would name the
// wrong router.
func rank4(a Assigned) int {
	switch {
	case !a.Prefix.Addr().Is4() || a.Marked || a.Secondary || a.Unready:
		return 0
	case a.Scope >= scopeLink:
		return 1
	}
	return 2
}

// rank6 orders link-local IPv6 addresses likewise (RFC 9568 §5.1.2.1).
func rank6(a Assigned) int {
	ip := a.Prefix.Addr()
	switch {
	case !ip.Is6() || !ip.IsLinkLocalUnicast() || a.Marked || a.Unready:
		return 0
	case a.Deprecated:
		return 1
	}
	return 2
}
