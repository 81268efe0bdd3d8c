package heard

import (
	"net/netip"
	"slices"

	"ripcord/pkg/vrrp"
)

// Unresigned are the Actives that were heard and have not resigned since. If one of them falls
// silent, it may still serve. They are in the order of their last adverts. The zero value is
// empty.
//
// An Active that hears a better one yields without a priority 0 (RFC 9568 §6.4.3). So an advert
// of the best Active removes the others, until they are heard again.
type Unresigned []vrrp.Advertiser

// Hear records an advert of a router, and whether that router is the best Active.
func (u *Unresigned) Hear(a vrrp.Advertiser, best bool) {
	if best {
		*u = (*u)[:0]
	} else {
		u.Resigned(a.Source)
	}
	*u = append(*u, a)
}

// Resigned removes a router that has resigned, and returns it; ok is false if it was not there.
func (u *Unresigned) Resigned(source netip.Addr) (gone vrrp.Advertiser, ok bool) {
	at := slices.IndexFunc(*u, func(a vrrp.Advertiser) bool { return a.Source == source })
	if at < 0 {
		return vrrp.Advertiser{}, false
	}
	gone = (*u)[at]
	*u = slices.Delete(*u, at, at+1)
	return gone, true
}
