package neigh

import (
	"net/netip"
	"slices"
)

// holders maps addresses to their instances, sorted by address: a map would take three times the
// memory, which is much with a thousand instances.
type holders []holder

type holder struct {
	address netip.Addr
	set     *Set
}

func newHolders(sets []Set) holders {
	var h holders
	for i := range sets {
		for _, a := range sets[i].Addresses {
			h = append(h, holder{a.Addr, &sets[i]})
		}
	}
	slices.SortStableFunc(h, func(a, b holder) int { return a.address.Compare(b.address) })
	return slices.Clip(slices.Clone(h))
}

// of returns the instances of an address, in the order of the configuration.
func (h holders) of(a netip.Addr) holders {
	begin, _ := slices.BinarySearchFunc(h, a, func(one holder, a netip.Addr) int { return one.address.Compare(a) })
	end := begin
	for end < len(h) && h[end].address == a {
		end++
	}
	return h[begin:end]
}
