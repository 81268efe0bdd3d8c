package neigh

import (
	"fmt"
	"net/netip"
	"slices"

	"ripcord/pkg/event"
)

// findConflicts evaluates the claims of other stations, and probes the held addresses.
func (t *turn) findConflicts() {
	for _, c := range t.cache.takeClaims() {
		if set, link, ok := t.holder(c); ok && t.claims.add(set.Instance, c) {
			t.reportConflict(set.Instance, link, c.address, c.mac, fmt.Sprintf(
				"%s also answers for %s on %s, and hosts reach one or the other: %s",
				writeMAC(c.mac), c.address, link, t.otherRouters(set).remedy(c.mac)))
		}
	}
	instances, addresses, over := t.claims.due(t.now, t.held)
	for _, a := range over {
		t.clearConflicts(a)
	}
	t.probe(instances, addresses)
}

// holder returns the instance that holds an address which another station claims, and the link on
// whose segment the claim was received.
func (t *turn) holder(c claim) (set *Set, link string, ok bool) {
	if t.locals.has(c.mac) {
		return nil, "", false
	}
	for _, h := range t.holders.of(c.address) {
		set, name := h.set, h.set.Instance
		if !t.held.Holds(name) || set.MAC != [6]byte{} && set.MAC == c.mac {
			continue // the virtual MAC is shared: the claim is the other router's
		}
		for n, a := range set.Addresses {
			if a.Addr == c.address && t.held.InPlace(name, n) && (t.indexOf(set, a) == c.index || t.locals[a.Link].index == c.index) {
				return set, a.Link, true
			}
		}
	}
	return nil, "", false
}

// indexOf returns the ifindex of the link on which an address is, or would be, added.
func (t *turn) indexOf(set *Set, a Address) int {
	if !a.Virtual {
		return t.locals[a.Link].index
	}
	for instance, device := range t.held.Devices {
		if instance == set.Instance {
			return device.Index
		}
	}
	return 0
}

// probe asks whether another station has a held address: any address of these instances, or one of
// these addresses.
func (t *turn) probe(instances []string, addresses []netip.Addr) {
	if len(instances)+len(addresses) == 0 {
		return
	}
	t.batch.Reset()
	for _, name := range instances {
		t.addProbes(name, func(netip.Addr) bool { return true })
	}
	for _, one := range addresses {
		for _, h := range t.holders.of(one) {
			if slices.Contains(instances, h.set.Instance) {
				continue
			}
			t.otherRouters(h.set).ask(&t.batch) // first, so that the MACs are known when the claim is confirmed
			t.addProbes(h.set.Instance, func(a netip.Addr) bool { return a == one })
		}
	}
	t.send()
}

// addProbes adds a probe for each wanted address of an instance that is in place.
func (t *turn) addProbes(instance string, wanted func(netip.Addr) bool) {
	for n, a := range t.sets[instance].Addresses {
		if !wanted(a.Addr) || !t.held.InPlace(instance, n) {
			continue
		}
		if link := t.cache.link(a.Link); link.Usable {
			t.batch.Probe(link, a.Addr)
		}
	}
}

// reportConflict reports the warning that two machines answer for an address.
func (t *turn) reportConflict(instance, link string, a netip.Addr, mac [6]byte, text string) {
	stamp := t.stamp()
	t.cfg.Warnings.ReportAs(event.Warning{
		Stamp: stamp, Instance: instance, Reason: event.WarnAddressConflict, Subject: a.String(),
		Machine: writeMAC(mac), Text: text,
	}, event.AddressConflict{Stamp: stamp, Instance: instance, Address: a, MAC: mac, Interface: link, Text: text})
}

// clearConflicts ends the warnings about an address in all its instances.
func (t *turn) clearConflicts(a netip.Addr) {
	for _, h := range t.holders.of(a) {
		t.clearConflict(h.set.Instance, a)
	}
}

func (t *turn) clearConflict(instance string, a netip.Addr) {
	t.cfg.Warnings.Clear(event.WarningKey{Instance: instance, Reason: event.WarnAddressConflict, Subject: a.String()}, t.stamp())
}

// otherRouters returns the other routers of an instance, one of which may have made a claim.
func (t *turn) otherRouters(set *Set) *otherRouters {
	return routersOf(t.cache, set, t.cfg.Warnings.Of(set.Instance))
}

func writeMAC(mac [6]byte) string { return event.DeviceMoved{MAC: mac}.Address() }
