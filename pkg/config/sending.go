package config

import (
	"net/netip"
	"time"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/value"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// sending holds the source, the multicast group and the unicast peers of an instance's adverts.
type sending struct {
	source spotted
	group  spotted
	peers  []spotted
	ttls   vrrp.Unicast
}

// spotted is an address and its place in the file.
type spotted struct {
	netip.Addr
	at problem.Place
}

// router reads the address of one router.
func router(report *problem.Report, at problem.Place) (spotted, bool) {
	a, ok := value.Station(report, at)
	return spotted{a, at}, ok
}

// multicastGroup reads the address of a multicast group.
func multicastGroup(report *problem.Report, at problem.Place) (spotted, bool) {
	a, ok := value.MulticastGroup(report, at)
	return spotted{a, at}, ok
}

// readUnicast reads the section unicast, in which peers is required.
func readUnicast(report *problem.Report, at problem.Place, i *instance) bool {
	present := unicastKeys.Read(report, at, &i.sending)
	unicastKeys.Need(report, at, present)
	return present != nil
}

// checkSending checks that adverts can be sent as configured, and that they can be distinguished
// from those of other routers.
func (i *instance) checkSending(report *problem.Report) {
	first := map[netip.Addr]bool{}
	global, linkLocal := false, false // IPv6 peers
	for _, p := range i.sending.peers {
		if first[p.Addr] {
			report.Fail(p.at, "%s is given twice", p)
		}
		first[p.Addr] = true
		if p.Is6() {
			global, linkLocal = global || !p.IsLinkLocalUnicast(), linkLocal || p.IsLinkLocalUnicast()
		}
		i.checkStation(report, p, "a peer")
	}
	if n := i.Routers; n != 0 && len(first) > n { // one of the peers may be this router
		report.Fail(i.where("routers"), "routers says that %d share the virtual router, but unicast names %d peers", n, len(first))
	}
	i.checkProbe(report, len(first) > 0)
	if i.virtualMAC.used && i.macAdverts && len(first) > 0 {
		report.Advise(i.where("virtual_mac"), "set virtual_mac_adverts: false, or leave virtual_mac or unicast out",
			"unicast adverts are sent from the link's own MAC, not from the virtual MAC")
	}
	i.checkMulticast(report)
	i.checkTrackSource(report)
	source := i.sending.source
	if !source.IsValid() {
		if global && linkLocal {
			report.Advise(i.where("unicast"), "give a global IPv6 address of this router as source, or name all peers by addresses of one kind",
				"some peers are link-local IPv6 addresses and others are global, and all adverts leave from one address")
		}
		return
	}
	i.checkStation(report, source, "source")
	if len(first) == 0 && source.Is6() && !source.IsLinkLocalUnicast() {
		report.Advise(source.at, "give a link-local address, or leave it out (RFC 9568 §5.1.2.1)",
			"%s cannot be the source of adverts to %s", source, i.multicast())
	}
}

// checkMulticast checks that adverts can be sent to the multicast group.
func (i *instance) checkMulticast(report *problem.Report) {
	group := i.sending.group
	if !group.IsValid() {
		return
	}
	if f := event.FamilyOf(group.Addr); i.Family != 0 && f != i.Family {
		report.Fail(group.at, "%s is %s, but the instance is %s", group, f, i.Family)
	}
	if _, own := i.own["multicast"]; own && len(i.sending.peers) > 0 {
		report.Advise(group.at, "leave one of the two out", "adverts are sent to the unicast peers, not to %s", group)
	}
}

// multicast returns the multicast group of the instance.
func (i *instance) multicast() netip.Addr {
	if i.sending.group.IsValid() {
		return i.sending.group.Addr
	}
	return wire.GroupOf(i.Family)
}

// checkTrackSource checks that adverts can be sent while this machine lacks their source address:
// as frames, to the multicast group.
func (i *instance) checkTrackSource(report *problem.Report) {
	switch at, own := i.own["track_source"]; {
	case i.trackSource:
	case !i.sending.source.IsValid():
		if _, said := i.present["source"]; own && !said { // a refused source was reported
			report.Warn(at, "", "has no effect without source")
		}
	case len(i.sending.peers) > 0:
		report.Advise(i.where("track_source"), "leave it out", "without its source address this router would not receive the adverts of its peers, and would be Active beside them")
	case i.Family == event.IPv6:
		report.Advise(i.where("track_source"), "leave it out", "adverts over IPv6 are always sent from a link-local address of the link")
	}
}

// minProbe is the shortest interval of a probe.
const minProbe = 20 * time.Millisecond

// checkProbe checks that the machine of the Active router can be probed.
func (i *instance) checkProbe(report *problem.Report, unicast bool) {
	if i.probe == nil || !i.probe.On() {
		return
	}
	at := i.where("probe")
	if i.probe.Interval < minProbe {
		report.Advise(at, "0s turns the probe off", "the interval %v is less than %v", i.probe.Interval, minProbe)
	}
	if unicast && i.sending.ttls.MinTTL < 255 {
		report.Warn(at, "leave min_ttl at 255 where the peers are on the same segment, or leave the probe out",
			"the probe is off: with unicast.min_ttl %d adverts may have passed routers, and a machine behind a router does not answer ARP", i.sending.ttls.MinTTL)
	}
}

// checkStation checks that an address of a router is of the instance's family and not a virtual
// address, except for the source of the owner, whose own address that is.
func (i *instance) checkStation(report *problem.Report, s spotted, what string) {
	if f := event.FamilyOf(s.Addr); i.Family != 0 && f != i.Family {
		report.Fail(s.at, "%s is %s, but the instance is %s", s, f, i.Family)
	}
	for _, h := range i.all() {
		if h.Prefix.Addr() == s.Addr && !(s == i.sending.source && i.Priority == vrrp.Owner) {
			report.Fail(s.at, "%s is a virtual address, which the routers share: %s has to be one router's own address", s, what)
		}
	}
}

// build sets the fields of the state machine's configuration.
func (s *sending) build(out *vrrp.Instance) {
	out.Source = s.source.Addr
	if len(s.peers) == 0 {
		if s.group.Addr != wire.GroupOf(out.Family) {
			out.Multicast = s.group.Addr
		}
		return
	}
	if out.Unicast = s.ttls; len(s.peers) == 1 && out.Routers == 0 {
		out.Routers = 2
	}
	for _, p := range s.peers {
		out.Unicast.Peers = append(out.Unicast.Peers, p.Addr)
	}
}

// family returns the family of the source, the multicast group or the peers, or 0 if there are
// none.
func (s *sending) family() event.Family {
	for _, station := range append([]spotted{s.source, s.group}, s.peers...) {
		if station.IsValid() {
			return event.FamilyOf(station.Addr)
		}
	}
	return 0
}
