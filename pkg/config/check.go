package config

import (
	"cmp"
	"net/netip"
	"slices"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// check requires that the parts of a document agree, on the machine here if it is to run there. It
// skips values that were refused when they were read: one mistake is one problem.
func (d *document) check(report *problem.Report, here Machine) {
	for _, i := range d.instances {
		i.check(report)
	}
	checkPeers(report, here, d.instances)
	checkNames(report, d.instances)
	checkVirtualRouters(report, d.instances)
	d.checkStatic(report)
	checkShared(report, d.holders())
	checkRoutesOnce(report, d.holders())
	checkMACsOnce(report, d.instances)
	checkGroups(report, d.groups, d.instances)
	d.checkFences(report)
	checkChecks(report, d.checks)
	d.checkTracks(report)
}

// maxHeld is the number of addresses, peers, routes and rules that there can be, including those of
// the defaults: their checks take time.
const maxHeld = 1 << 20

// checkFences requires that a member leaves the fence to its group, and that no group has a fence
// and may serve in part: a router with a fault cannot know which router to fence.
func (d *document) checkFences(report *problem.Report) {
	for n := range d.groups {
		if g := &d.groups[n]; g.lastStanding && cmp.Or(g.fence, d.defaults.fence) != nil {
			report.Advise(g.present["last_standing"], "remove one of the two",
				"a member that serves while its group is in Fault takes over from an Active that fell silent without running a fence")
		}
	}
	for _, i := range d.instances {
		if _, own := i.own["fence"]; own && i.group != nil {
			report.Advise(i.where("fence"), "give the fence to the group", "%s is in %s, which takes over as one", i.Name, report.Mention(i.group.at, i.where("fence")))
		}
	}
}

// checkTracks requires that everything tracked exists, and warns about checks that nothing tracks.
func (d *document) checkTracks(report *problem.Report) {
	n := byName(d.checks, d.instances)
	for _, i := range d.instances {
		i.track = slices.Clone(i.track) // of the defaults, perhaps
		n.checkTrack(report, i.track, func(at problem.Place) problem.Place { return i.spot("track", at) })
		i.warnTrack(report)
	}
	for g := range d.groups {
		at := &d.groups[g]
		n.checkTrack(report, at.track, func(p problem.Place) problem.Place { return p })
		at.warnTrack(report)
	}
	for _, c := range d.checks {
		if !c.used && n.checks[c.Name] == c {
			report.Warn(c.at, "track it in an instance or group, or remove it", "nothing tracks %s", c.Name)
		}
	}
}

// affordable reports whether the instances hold few enough things to be checked: those of the
// defaults count for each.
func (d *document) affordable(report *problem.Report) bool {
	total := 0
	for _, i := range d.holders() {
		held := len(i.held) + len(i.extra)
		if total += held*(1+len(i.sending.peers)) + len(i.routing.routes) + len(i.routing.rules) + len(i.track); total > maxHeld {
			report.Advise(i.at, "remove what is not needed", "the instances up to this one hold and track more than %d addresses, routes, rules, links and checks", maxHeld)
			return false
		}
	}
	return true
}

// check requires that the keys of one instance agree.
func (i *instance) check(report *problem.Report) {
	i.checkFamily(report)
	i.checkVersion(report)
	i.auth.check(report, i.origin)
	i.checkAddresses(report)
	i.routing.check(report, i.origin, i.Family)
	i.checkSending(report)
	i.warn(report)
}

// checkFamily finds the family of an instance and requires that all its advertised addresses belong
// to it.
func (i *instance) checkFamily(report *problem.Report) {
	switch {
	case i.present["family"].Bad:
		return
	case len(i.held) == 0:
		i.checkBare(report)
		return
	}
	by := "family"
	if i.Family == 0 {
		i.Family = event.FamilyOf(i.held[0].Prefix.Addr())
		by = "the first address"
	}
	for _, h := range i.held {
		if f := event.FamilyOf(h.Prefix.Addr()); f != i.Family {
			report.Advise(i.spot(h.key, h.at), "one instance serves one family", "%s is %s, but %s is %s", h.Prefix, f, by, i.Family)
		}
	}
}

// checkBare finds the family of an instance without addresses.
func (i *instance) checkBare(report *problem.Report) {
	at, present := i.present["addresses"]
	if present && (at.Bad || len(at.Node.Items) > 0) {
		return // there are some, and they were refused
	}
	if i.Family == 0 {
		i.Family = i.sending.family()
	}
	if i.Family == 0 {
		report.Advise(i.where("addresses"), "give some, or family: ipv4 or ipv6 if no address should follow the Active", "missing")
		return
	}
	report.Warn(i.where("addresses"), "keep it so only if another program moves the addresses",
		"none: no address follows the Active, and routers with addresses reject its adverts")
}

// checkVersion requires that the keys fit the version of VRRP.
func (i *instance) checkVersion(report *problem.Report) {
	if i.present["version"].Bad {
		return
	}
	if at, ok := i.present["interval"]; ok && !at.Bad {
		least, most, step := i.Version.Intervals()
		schema.Within(report, i.where("interval"), at.Node.Text, i.Interval, least, most, step)
	}
	_, form := i.own["checksum"]
	switch {
	case i.Version == wire.V3 && i.auth.pass != wire.Auth{} && i.auth.hmac == nil:
		report.Advise(i.where("auth"), "remove it, or set version: 2 on all routers of the LAN", "VRRPv3 has no password")
	case i.Version == wire.V2 && i.Family == event.IPv6:
		report.Fail(i.where("version"), "VRRPv2 is for IPv4 only")
	case i.Version == wire.V2 && form:
		report.Advise(i.where("checksum"), "remove it", "VRRPv2 has one form of the checksum")
	}
}

// mtu is the size into which an advert must fit: the smallest MTU of the links in use.
const mtu = 1500

// fits returns how many addresses one advert can carry: Count IPvX Addr is one byte (RFC 9568
// §5.2.5), and the message with its IP header and trailer is one frame.
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

func (i *instance) checkAddresses(report *problem.Report) {
	if most := i.fits(); i.Family != 0 && len(i.held) > most {
		report.Fail(i.where("addresses"), "%d addresses do not fit into one advert; at most %d do over %s",
			len(i.held), most, i.Family)
	}
	first := map[netip.Addr]problem.Place{}
	for _, h := range i.all() {
		h.checkFamily(report)
		a := h.Prefix.Addr()
		if at, twice := first[a]; twice {
			report.Fail(i.spot(h.key, h.at), "%s is given twice, first as %s", a, report.Mention(at, i.spot(h.key, h.at)))
			continue
		}
		first[a] = i.spot(h.key, h.at)
	}
}

// warn adds warnings about settings that are allowed but probably a mistake.
func (i *instance) warn(report *problem.Report) {
	if _, ok := i.present["priority"]; !ok {
		report.Warn(i.at.Key("priority"), "between routers of equal priority only their addresses decide; set which is preferred",
			"left at its default, %d", i.Priority)
	}
	if i.PreemptDelay > 0 && (i.Priority == vrrp.Owner || !i.Preempt) {
		why := "preempt is false: an Active of lower priority is never replaced"
		if i.Priority == vrrp.Owner {
			why = "an address owner, priority 255, always preempts"
		}
		report.Warn(i.where("preempt_delay"), why, "has no effect")
	}
	if i.virtualMAC.used && i.Priority == vrrp.Owner {
		report.Warn(i.where("virtual_mac"), "remove the owner's addresses from the interface and let ripcord hold them",
			"the kernel answers with the MAC of %s for an address that is on it", problem.Show(i.Interface))
	}
	if at, ok := i.own["virtual_mac_adverts"]; ok && !i.macAdverts && !i.virtualMAC.used {
		report.Warn(at, "set virtual_mac, or remove this key", "has no effect without a virtual MAC")
	}
	if i.Family == event.IPv6 && len(i.held) > 0 && !i.held[0].Prefix.Addr().IsLinkLocalUnicast() {
		report.Warn(i.spot("addresses", i.held[0].at), "let a link-local address be the first (RFC 9568 §5.2.9)",
			"the first address, %s, is not link-local", i.held[0].Prefix.Addr())
	}
}

// warnTrack warns about entries of an instance's track without an effect.
func (i *instance) warnTrack(report *problem.Report) {
	for _, t := range i.track {
		switch {
		case t.link != "" && t.link == i.Interface && i.trackLink:
			report.Warn(i.spot("track", t.at), "set track_link: false if that is not intended", "has no effect: without its own link an instance is in Fault")
		case i.Priority == vrrp.Owner && (t.effective() != 0 || t.found != nil && t.found.file != nil):
			report.Warn(i.spot("track", t.at), "", "has no effect: the priority of an address owner, 255, stays")
		}
	}
}

// checkNames requires that instances have different names.
func checkNames(report *problem.Report, all []*instance) {
	first := map[string]problem.Place{}
	for _, i := range all {
		if !i.sound("name") {
			continue
		}
		if at, taken := first[i.Name]; taken {
			report.Fail(i.where("name"), "%s is the name of %s already", i.Name, report.Mention(at, i.where("name")))
			continue
		}
		first[i.Name] = i.at
	}
}

// checkMACsOnce requires that each virtual MAC belongs to one instance, and that each link for one
// has a different name.
func checkMACsOnce(report *problem.Report, all []*instance) {
	carriers, first := map[string]bool{}, map[string]problem.Place{}
	bearers := map[event.Virtual]problem.Place{}
	for _, i := range all {
		carriers[i.Interface] = true
	}
	for _, i := range all {
		if v := i.virtual(); i.virtualMAC.used && v != (event.Virtual{}) {
			if before, taken := bearers[v]; taken {
				report.Advise(i.where("virtual_mac"), "give one of the two another vrid", "the virtual MAC of the %s VRID %d on %s is that of %s already", v.Family, v.VRID, problem.Show(v.Interface), report.Mention(before, i.where("virtual_mac")))
			} else {
				bearers[v] = i.at
			}
		}
		name, at := i.virtualMAC.name, i.where("virtual_mac")
		switch before, taken := first[name]; {
		case name == "":
		case carriers[name]:
			report.Fail(at, "%s carries adverts, so it cannot be made for a virtual MAC", problem.Show(name))
		case taken:
			report.Fail(at, "%s is the link of %s already", problem.Show(name), report.Mention(before, at))
		default:
			first[name] = i.at
		}
	}
}
