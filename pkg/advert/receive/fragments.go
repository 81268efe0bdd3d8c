package receive

import (
	"fmt"
	"slices"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// fragments watches whether adverts are larger than the MTU of their link. The kernel sends them
// in fragments, which many devices drop: then no router receives them, and there are two Actives.
// From a virtual MAC they do not leave at all, which is a fault (pkg/vrrp/machine).
type fragments struct {
	instances []*vrrp.Instance
	warnings  *event.Warnings
}

// has reports whether the instance of a warning sends from the MAC of the link that is the subject.
func (f *fragments) has(key event.WarningKey) bool {
	return slices.ContainsFunc(f.instances, func(in *vrrp.Instance) bool {
		return in.Name == key.Instance && in.Interface == key.Subject && !in.FromVirtualMAC()
	})
}

// follow handles a change of a link.
func (f *fragments) follow(link event.Link, stamp event.Stamp) {
	for _, in := range f.instances {
		if in.Interface != link.Name || in.FromVirtualMAC() || link.MTU == 0 {
			continue
		}
		f.warnings.Set(in.PacketLen() > link.MTU, event.Warning{
			Stamp: stamp, Instance: in.Name, Reason: event.WarnFragments, Subject: link.Name,
			Text: fmt.Sprintf("an advert of %d addresses has %d bytes, the MTU of %s is %d: it leaves in fragments, which other routers may not receive; "+
				"raise the MTU on all routers, or move addresses to extra_addresses", len(in.Addresses), in.PacketLen(), link.Name, link.MTU),
		})
	}
}
