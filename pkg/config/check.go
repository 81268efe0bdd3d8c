package config

import (
	"net/netip"
	"slices"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// check sees that the parts of a document agree. It leaves out what was refused
// when it was read: one mistake is one problem.
func (d *document) check(l *loader) {
	for _, i := range d.instances {
		i.checkFamily(l)
		i.checkVersion(l)
		i.checkAuth(l)
		i.checkAddresses(l)
		i.checkRoutes(l)
		i.checkSending(l)
		i.warn(l)
	}
	d.checkPeers(l)
	checkNames(l, d.instances)
	checkVirtualRouters(l, d.instances)
	d.checkStatic(l)
	checkHeldOnce(l, d.holders())
	checkRoutesOnce(l, d.holders())
	checkMACsOnce(l, d.instances)
	d.checkGroups(l)
	d.checkFences(l)
	d.checkChecks(l)
	d.checkTracks(l)
}

// affordable reports whether the instances hold few enough things to be checked:
// those of the defaults count for each.
func (d *document) affordable(l *loader) bool {
	total := 0
	for _, i := range d.holders() {
		held := len(i.held) + len(i.extra)
		if total += held*(1+len(i.sending.peers)) + len(i.routes) + len(i.rules) + len(i.track); total > mostHeld {
			l.advise(i.at, "leave out what is not needed", "the instances up to this one hold and track more than %d addresses, routes, rules, links and checks", mostHeld)
			return false
		}
	}
	return true
}

// where returns the place of a key of an instance: that of the instance if only the defaults
// have the key.
func (i *instance) where(key string) place {
	if at, ok := i.own[key]; ok {
		return at
	}
	return i.at.key(key)
}

// spot is a place in one of its lists, in the same way.
func (i *instance) spot(list string, at place) place {
	if _, ok := i.own[list]; ok {
		return at
	}
	return i.at.key(list)
}

// all are the addresses that it holds, the advertised ones first.
func (i *instance) all() []held { return slices.Concat(i.held, i.extra) }

// sound says whether a key was said and could be read.
func (i *instance) sound(key string) bool {
	at, ok := i.present[key]
	return ok && !at.bad
}

// checkFamily finds the family of an instance and sees that all its advertised
// addresses are of it.
func (i *instance) checkFamily(l *loader) {
	switch {
	case i.present["family"].bad:
		return
	case len(i.held) == 0:
		i.checkBare(l)
		return
	}
	by := "family"
	if i.Family == 0 {
		i.Family = event.FamilyOf(i.held[0].Prefix.Addr())
		by = "the first address"
	}
	for _, h := range i.held {
		if f := event.FamilyOf(h.Prefix.Addr()); f != i.Family {
			l.advise(i.spot(h.key, h.at), "one instance serves one family", "%s is %s, but %s is %s", h.Prefix, f, by, i.Family)
		}
	}
}

// checkBare finds the family of an instance without addresses.
func (i *instance) checkBare(l *loader) {
	at, present := i.present["addresses"]
	if present && (at.bad || len(at.node.Items) > 0) {
		return // there are some, and they were refused
	}
	if i.Family == 0 {
		i.Family = i.familyOfStations()
	}
	if i.Family == 0 {
		l.advise(i.where("addresses"), "give some, or say family: ipv4 or ipv6 where none is to follow the Active", "missing")
		return
	}
	l.warn(i.where("addresses"), "leave it so only where something else moves the addresses",
		"none: no address follows the Active, and routers that hold some do not believe its adverts")
}

// checkVersion sees that what is said fits the version of VRRP.
func (i *instance) checkVersion(l *loader) {
	if i.present["version"].bad {
		return
	}
	if at, ok := i.present["interval"]; ok && !at.bad {
		least, most, step := i.Version.Intervals()
		l.within(i.where("interval"), at.node.Text, i.Interval, least, most, step)
	}
	_, form := i.own["checksum"]
	switch {
	case i.Version == wire.V3 && i.auth.pass != wire.Auth{} && i.auth.hmac == nil:
		l.advise(i.where("auth"), "leave it out, or say version: 2 on all routers of the LAN", "VRRPv3 has no password")
	case i.Version == wire.V2 && i.Family == event.IPv6:
		l.fail(i.where("version"), "VRRPv2 is for IPv4 only")
	case i.Version == wire.V2 && form:
		l.advise(i.where("checksum"), "leave it out", "VRRPv2 has one form of the checksum")
	}
}

// mtu is what an advert must fit into: the smallest of the links in use.
const mtu = 1500

// fits is how many addresses one advert can carry: Count IPvX Addr is one byte
// (RFC 9568 §5.2.5), and the message with its IP header and trailer is one frame.
func (i *instance) fits() int {
	trailer := 0
	if i.auth.hmac != nil {
		trailer = wire.TrailerLen
	}
	if i.Family == event.IPv6 {
		return (mtu - 40 - 8 - trailer) / 16
	}
	return min(255, (mtu-20-8-trailer)/4) // v2 has room for its authentication, too
}

func (i *instance) checkAddresses(l *loader) {
	if most := i.fits(); i.Family != 0 && len(i.held) > most {
		l.fail(i.where("addresses"), "%d addresses do not fit into one advert; at most %d do over %s",
			len(i.held), most, i.Family)
	}
	first := map[netip.Addr]place{}
	for _, h := range i.all() {
		h.checkFamily(l)
		a := h.Prefix.Addr()
		if at, twice := first[a]; twice {
			l.fail(i.spot(h.key, h.at), "%s is given twice, first as %s", a, l.mention(at, i.spot(h.key, h.at)))
			continue
		}
		first[a] = i.spot(h.key, h.at)
	}
}

// warn notes what is allowed but hardly meant.
func (i *instance) warn(l *loader) {
	if _, ok := i.present["priority"]; !ok {
		l.warn(i.at.key("priority"), "routers of one priority are told apart by their addresses only; say which is preferred",
			"left at its default, %d", i.Priority)
	}
	if i.PreemptDelay > 0 && (i.Priority == vrrp.Owner || !i.Preempt) {
		why := "preempt is false: a lower Active is left alone for good"
		if i.Priority == vrrp.Owner {
			why = "an address owner, priority 255, always preempts"
		}
		l.warn(i.where("preempt_delay"), why, "has no effect")
	}
	if i.virtualMAC.used && i.Priority == vrrp.Owner {
		l.warn(i.where("virtual_mac"), "take the owner's addresses off the interface and let ripcord hold them",
			"the kernel answers with the MAC of %s for an address that stands there itself", show(i.Interface))
	}
	if i.Family == event.IPv6 && len(i.held) > 0 && !i.held[0].Prefix.Addr().IsLinkLocalUnicast() {
		l.warn(i.spot("addresses", i.held[0].at), "let a link-local address be the first (RFC 9568 §5.2.9)",
			"the first address, %s, is not link-local", i.held[0].Prefix.Addr())
	}
}

// checkNames sees that no two instances have one name.
func checkNames(l *loader, all []*instance) {
	first := map[string]place{}
	for _, i := range all {
		if !i.sound("name") {
			continue
		}
		if at, taken := first[i.Name]; taken {
			l.fail(i.where("name"), "%s is the name of %s already", i.Name, l.mention(at, i.where("name")))
			continue
		}
		first[i.Name] = i.at
	}
}

// checkVirtualRouters sees that no two instances are one virtual router.
func checkVirtualRouters(l *loader, all []*instance) {
	first := map[event.Virtual]place{}
	for _, i := range all {
		if !i.sound("interface") || !i.sound("vrid") || i.Family == 0 {
			continue
		}
		v := event.Virtual{Interface: i.Interface, VRID: i.VRID, Family: i.Family}
		if at, taken := first[v]; taken {
			l.fail(i.where("vrid"), "%d is the %s VRID of %s on %s already", v.VRID, v.Family, l.mention(at, i.where("vrid")), show(v.Interface))
			continue
		}
		first[v] = i.at
	}
}

// checkMACsOnce sees that each link for a virtual MAC has a name of its own.
func checkMACsOnce(l *loader, all []*instance) {
	carriers, first := map[string]bool{}, map[string]place{}
	for _, i := range all {
		carriers[i.Interface] = true
	}
	for _, i := range all {
		name, at := i.virtualMAC.name, i.where("virtual_mac")
		switch before, taken := first[name]; {
		case name == "":
		case carriers[name]:
			l.fail(at, "%s carries adverts, so it cannot be made for a virtual MAC", show(name))
		case taken:
			l.fail(at, "%s is the link of %s already", show(name), l.mention(before, at))
		default:
			first[name] = i.at
		}
	}
}

// checkHeldOnce sees that no two instances hold one address on one interface.
func checkHeldOnce(l *loader, all []*instance) {
	type spot struct {
		address netip.Addr
		on      string
	}
	type holder struct {
		instance *instance
		at       place
	}
	first := map[spot]holder{}
	for _, i := range all {
		for _, h := range i.all() {
			s := spot{h.Prefix.Addr(), h.Interface}
			if s.on == "" {
				s.on = i.Interface
			}
			before, taken := first[s]
			switch {
			case s.on == "": // its name was refused
			case !taken:
				first[s] = holder{i, i.spot(h.key, h.at)}
			case before.instance != i: // within an instance it was reported already
				l.fail(i.spot(h.key, h.at), "%s is held on %s by %s already", s.address, show(s.on), l.mention(before.at, i.spot(h.key, h.at)))
			}
		}
	}
}
