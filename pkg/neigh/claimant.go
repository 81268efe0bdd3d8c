package neigh

import (
	"fmt"
	"net/netip"
	"slices"

	"ripcord/pkg/event"
)

// A station that answers for a held address is often another router of the instance: neither
// accepts the adverts of the other, so both are Active, or its daemon was killed and has left the
// address. Claims and adverts do not contain the same address: a claim has a MAC, and an advert the
// router's own address. So ripcord asks these routers for their MACs.

// otherRouters are the other routers of an instance, as far as they are known: the senders of adverts
// that were accepted, and the routers that a warning of the instance is about.
type otherRouters struct {
	link     event.Link                         // that carries the adverts
	stations []station                          // on the link
	warnings map[netip.Addr]event.WarningReason // the reason of the warning; empty if there is none
}

// routersOf returns the other routers of an instance.
func routersOf(c *cache, set *Set, warnings []event.Warning) *otherRouters {
	r := &otherRouters{warnings: make(map[netip.Addr]event.WarningReason)}
	r.link, r.stations = c.knownStations(set.Link)
	for _, one := range r.stations {
		if one.router {
			r.warnings[one.address] = ""
		}
	}
	for _, w := range warnings {
		for _, router := range w.Routers {
			r.warnings[router.WithZone("")] = w.Reason
		}
	}
	return r
}

// ask adds a question to each router whose MAC is not known.
func (r *otherRouters) ask(batch *Batch) {
	if !r.link.Usable || !r.link.Resolves() {
		return
	}
	for router := range r.warnings {
		known := slices.ContainsFunc(r.stations, func(s station) bool { return s.address == router && s.mac != [6]byte{} })
		if !known && !r.link.Has(router) && (router.Is4() || r.link.LinkLocal6.IsValid()) {
			batch.Ask(r.link, router)
		}
	}
}

// relations describes the router that a warning is about.
var relations = map[event.WarningReason]string{
	event.WarnRejectedAdverts: "whose adverts this router rejects",
	event.WarnInputFiltered:   "whose adverts the firewall of this machine drops",
	event.WarnRival:           "which does not seem to receive the adverts of this router",
}

// remedy returns what a person should do about a station that answers for an address of the
// instance.
func (r *otherRouters) remedy(mac [6]byte) string {
	remedy := "find that machine: if it is another router, it may be Active too (see ripcord status on both in a few seconds); otherwise remove the address from it"
	for _, one := range r.stations {
		reason, router := r.warnings[one.address]
		switch {
		case one.mac != mac || !router:
		case reason != "":
			if relation := relations[reason]; relation != "" {
				return fmt.Sprintf("that machine is the router %s, %s: see %s", one.address, relation, reason)
			}
			return fmt.Sprintf("that machine is the router %s: see %s", one.address, reason)
		default:
			remedy = fmt.Sprintf("that machine is the router %s, whose adverts this router received earlier: "+
				"if ripcord does not run there any more, run `ripcord clean` there; otherwise remove the address there", one.address)
		}
	}
	return remedy
}
