package keepalived

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// complete sets the defaults of an instance and drops the settings that keepalived drops.
func (i *instance) complete(r *syntax.Report, g *globals) {
	r.Subject = i.title()
	before := r.Errors()
	defer func() { i.bad = i.bad || r.Errors() > before }()
	if i.iface.Text == "" && g.defaultInterface.Text != "" {
		i.iface = g.defaultInterface
		r.Differ(i.aside(), "name it with interface", "has no interface: keepalived does not start; ripcord uses default_interface, %s", syntax.Show(i.iface.Text))
	}
	if i.iface.Text == "" && !i.bad {
		hint := "write interface, the one on which the other routers are"
		switch {
		case i.mayLackInterface():
			hint = "write interface: ripcord finds it by itself only on a machine that has " + i.source.Text
		case len(i.peers) > 0:
			hint = "write interface, or unicast_src_ip with an address of this machine"
		}
		r.Fail(i.at, hint, "has no interface")
	}
	if i.vrid.Text == "" && !i.bad {
		r.Fail(i.at, "set virtual_router_id, the same on all routers", "has no virtual_router_id")
	}
	if i.family == 0 {
		i.family = 4
	}
	i.strict = i.strict.or(g.strict)
	i.misses = i.misses.or(g.misses)
	i.version2 = i.version2.or(g.version2)
	i.completeVersion(r, g)
	i.completeElection(r)
	i.completeSecrets(r)
	i.completeSending(r, g)
	i.completeAddresses(r)
	i.noteRefused(r)
}

// mayLackInterface reports whether keepalived 2.4 runs the instance without an interface: its
// adverts are sent from the configured source to unicast peers.
func (i *instance) mayLackInterface() bool {
	return i.iface.Text == "" && len(i.peers) > 0 && i.source.Text != ""
}

// findInterface sets the interface of an instance that may lack one to that of its source address.
// A machine that has the address is the router of the file, also if the file may be for another one.
func (i *instance) findInterface(t *translator) {
	source, err := netip.ParseAddr(i.source.Text)
	if err != nil || !i.mayLackInterface() {
		return
	}
	name, found := t.commands.system.LinkOf(source)
	if !found {
		return
	}
	t.Subject = i.title()
	t.Differ(i.source.Position, "write interface "+name,
		"has no interface: ripcord uses %s, which has %s. The loss of its link is a fault, and addresses without dev are added to it; keepalived monitors no link, and leaves those addresses out", name, source)
	i.iface = syntax.Word{Text: name, Position: i.source.Position}
}

// aside returns the place for a note about the whole instance that is not its first line.
func (i *instance) aside() tree.Position {
	if i.vrid.Text == "" {
		return i.at
	}
	return i.vrid.Position
}

// noteRefused notes the instances with which keepalived does not start.
func (i *instance) noteRefused(r *syntax.Report) {
	switch {
	case len(i.addresses) > 0:
	case i.strict.value == 1:
		r.Differ(i.aside(), "", "has no address in virtual_ipaddress: in strict mode keepalived does not start; ripcord runs the instance")
	case i.version.value == 3 && !i.withoutAddresses.said:
		r.Differ(i.aside(), "write no_virtual_ipaddress if this is intended", "has no address in virtual_ipaddress: with version 3 keepalived does not start; ripcord runs the instance")
	}
	if i.faultWithoutPeer.said && len(i.peers) == 0 {
		r.Differ(i.faultWithoutPeer.at, "name the other routers with unicast_peer", "the instance has no peer: keepalived keeps it in FAULT; ripcord leaves it out")
		i.idle = true
	}
}

// versionAmong returns the version of VRRP: that of the instance, the global one, or 2; over IPv6
// always 3.
func (i *instance) versionAmong(g *globals) number {
	v := i.version.or(g.version)
	if !v.said {
		v = number{2, i.at, true}
	}
	if i.family == 6 {
		v.value = 3
	}
	return v
}

func (i *instance) completeVersion(r *syntax.Report, g *globals) {
	switch v := i.version; {
	case v.value != 2 || i.family != 6:
	case i.strict.value == 1:
		r.Ignore(v.at, "", "version 2 has no effect: strict mode uses version 3 over IPv6")
	default:
		r.Fail(v.at, "write version 3 on all routers of the LAN at the same time",
			"keepalived sends version 2 over IPv6, and ripcord does not: routers with version 2 would reject this router's adverts and be Active at the same time")
	}
	i.version = i.versionAmong(g)
	v3 := i.version.value == 3
	switch d := &i.interval; {
	case !d.said:
	case v3 && d.value > 40950*time.Millisecond:
		r.Ignore(d.at, "", "version 3 allows at most 40.95 seconds: ripcord uses 40.95")
		d.value = 40950 * time.Millisecond
	case v3 && d.value%(10*time.Millisecond) != 0:
		r.Ignore(d.at, "", "version 3 allows steps of 0.01 seconds: ripcord uses %s", plainSeconds(d.value.Round(10*time.Millisecond)))
		d.value = max(d.value.Round(10*time.Millisecond), 10*time.Millisecond)
	case !v3 && d.value%time.Second != 0:
		whole := max((d.value + time.Second/2).Truncate(time.Second), time.Second)
		r.Ignore(d.at, "for a shorter interval, write vrrp_version 3 into global_defs on all routers", "version 2 allows whole seconds only: ripcord uses %s", plainSeconds(whole))
		d.value = whole
	}
	if i.version2.value == 1 && !v3 {
		i.version2 = number{}
	}
}

// election returns the priority: the given one, or 255 with state MASTER, or 100.
func (i *instance) election() number {
	switch {
	case i.priority.said:
		return i.priority
	case i.state.Text == "MASTER":
		return number{255, i.state.Position, true}
	}
	return number{100, i.at, false}
}

// completeElection drops the settings that state MASTER, the priority or strict mode make
// ineffective.
func (i *instance) completeElection(r *syntax.Report) {
	priority := i.election()
	if !i.priority.said && priority.said {
		r.Ignore(priority.at, "set the priority", "the priority is not set: with state MASTER it is 255")
	}
	cleared := func(why string, at tree.Position, what string) {
		r.Ignore(at, "", "%s has no effect: %s", what, why)
	}
	master := i.state.Text == "MASTER"
	if i.nopreempt.value == 1 && (master || priority.value == 255) {
		why := "the priority is 255"
		if master {
			why = "the state is MASTER; write state BACKUP on both routers"
		}
		cleared(why, i.nopreempt.at, "nopreempt")
		i.nopreempt = number{}
	}
	switch d := &i.preemptDelay; {
	case d.value == 0:
	case master:
		cleared("the state is MASTER; write state BACKUP on both routers", d.at, "preempt_delay")
		*d = length{}
	case i.strict.value == 1:
		cleared("vrrp_strict is set", d.at, "preempt_delay")
		*d = length{}
	case i.nopreempt.value == 1:
		cleared("nopreempt is set", d.at, "preempt_delay")
		*d = length{}
	case priority.value == 255:
		*d = length{}
	}
	if i.strict.value == 1 && i.misses.said && i.misses.value != 3 {
		cleared("vrrp_strict is set", i.misses.at, "down_timer_adverts")
		i.misses = number{}
	}
	if !i.accept.said && i.strict.value == 1 && priority.value != 255 {
		i.accept = number{0, i.strict.at, true}
	}
}

// completeSecrets drops authentication that has no effect, and shortens the password.
func (i *instance) completeSecrets(r *syntax.Report) {
	const longest = 8
	v3 := i.version.value == 3
	switch w := i.authType; {
	case w.Text == "":
		if i.authPass.Text != "" {
			r.Ignore(i.authPass.Position, "set auth_type PASS", "auth_pass has no effect without auth_type")
		}
	case i.strict.value == 1:
		r.Ignore(w.Position, "", "strict mode has no authentication: ripcord leaves it out")
	case v3:
		r.Ignore(w.Position, "", "version 3 has no authentication: ripcord leaves it out")
	case i.hmac != nil:
		r.Ignore(w.Position, "", "auth_hmac is set: auth_type is left out")
	case i.authPass.Text == "":
		r.Ignore(w.Position, "", "auth_pass is missing: ripcord sends adverts without authentication")
	case w.Text == "AH":
		r.Fail(w.Position, "write auth_type PASS, or leave the authentication out, on all routers of the LAN at the same time",
			"ripcord does not support AH: routers that use it would reject this router's adverts and be Active at the same time")
	default:
		if len(i.authPass.Text) > longest {
			r.Ignore(i.authPass.Position, "", "ripcord uses only the first %d characters of the password, as keepalived does", longest)
			i.authPass.Text = i.authPass.Text[:longest]
		}
		return
	}
	i.authType, i.authPass = syntax.Word{}, syntax.Word{}
}

// completeSending determines where adverts are sent, and the virtual MAC.
func (i *instance) completeSending(r *syntax.Report, g *globals) {
	if len(i.peers) > 0 && i.strict.value == 1 {
		r.Differ(i.peers[0].at, "leave vrrp_strict out", "keepalived 2.4 does not start with unicast peers in strict mode; ripcord sends to them, as keepalived 2.2 does")
	}
	i.multicast.complete(r, i, g.multicast[i.family])
	if i.ttl.said && len(i.peers) == 0 {
		r.Ignore(i.ttl.at, "", "unicast_ttl has no effect without unicast_peer")
	}
	i.vmac.complete(r, i)
	if i.trackSource.said && i.source.Text != "" {
		r.Differ(i.trackSource.at, "", "while this machine does not have %s at the start, the instance is in Fault; keepalived becomes MASTER then, and enters FAULT only when the address is removed later", i.source.Text)
	}
	if a, err := netip.ParseAddr(i.source.Text); err == nil && a.Is6() && !a.IsLinkLocalUnicast() && len(i.peers) == 0 {
		r.Differ(i.source.Position, "", "ripcord sends multicast adverts from the link-local address, not from %s", a)
		i.source = syntax.Word{}
	}
	i.noteLinkLocalSource(r)
	first := map[netip.Addr]bool{}
	i.peers = slices.DeleteFunc(i.peers, func(p peer) bool {
		again := first[p.address]
		first[p.address] = true
		if again {
			r.Ignore(p.at, "leave one out", "the peer %s is given twice", p.address)
		}
		return again
	})
	own, _ := netip.ParseAddr(i.source.Text)
	if isOwn := func(p peer) bool { return p.address == own }; len(i.peers) > 1 {
		for _, p := range i.peers {
			if isOwn(p) {
				r.Ignore(p.at, "name the other routers only", "the peer %s is this router's own address, and is left out", p.address)
			}
		}
		i.peers = slices.DeleteFunc(i.peers, isOwn)
	}
}

// noteLinkLocalSource notes that adverts are not sent from the link-local address. Under keepalived
// they are if global IPv6 peers are named without a source, and the peers do not hear them.
func (i *instance) noteLinkLocalSource(r *syntax.Report) {
	n := slices.IndexFunc(i.peers, func(p peer) bool { return p.address.Is6() && !p.address.IsLinkLocalUnicast() })
	if n >= 0 && i.source.Text == "" {
		r.Differ(i.peers[n].at, "write unicast_src_ip",
			"without unicast_src_ip, keepalived sends from the link-local address and receives only adverts to this address: two such routers are both MASTER. ripcord sends from a global address of the interface")
	}
}

// completeAddresses moves addresses that do not fit into an advert to those that are not
// advertised, and notes the other interfaces with addresses.
func (i *instance) completeAddresses(r *syntax.Report) {
	const max4, max6 = 255, (1500 - 14 - 40 - 8) / 16 // keepalived also subtracts the Ethernet header
	limit := max4
	if i.family == 6 {
		limit = max6
	}
	if len(i.addresses) > limit {
		r.Differ(i.addresses[limit].at, "", "an advert has room for %d addresses, so this one and those after it are not advertised; keepalived advertises more where the MTU of the link is greater than 1500", limit)
		i.extra = slices.Concat(i.addresses[limit:], i.extra)
		i.addresses = i.addresses[:limit]
	}
	i.tracked = slices.DeleteFunc(i.tracked, func(one tracked) bool {
		own := one.kind == trackedInterface && one.name.Text == i.iface.Text
		if own {
			r.Ignore(one.name.Position, "", "track_interface %s has no effect: it is the instance's own interface", syntax.Show(one.name.Text))
		}
		return own
	})
	for _, a := range slices.Concat(i.addresses, i.extra) {
		switch {
		case a.device.Text == "":
		case a.device.Text == i.iface.Text && i.vmac.bears(a, i):
			r.Ignore(a.device.Position, "leave dev out", "ripcord adds %s to the macvlan with the virtual MAC, and not to %s", a.prefix, syntax.Show(a.device.Text))
		default:
			i.devices = append(i.devices, device{a.follow, a.device, a.prefix.Addr().String()})
		}
	}
}

// trackDevices tracks the other interfaces on which the instance holds something, once all of it is
// known.
func (i *instance) trackDevices(r *syntax.Report) {
	for _, d := range i.devices {
		if !d.untracked {
			i.trackDevice(r, d)
		}
	}
}

// trackDevice tracks an interface as a fault, regardless of a weight in track_interface.
func (i *instance) trackDevice(r *syntax.Report, d device) {
	if d.name.Text == i.iface.Text || d.name.Text == "lo" {
		return
	}
	at := slices.IndexFunc(i.tracked, func(one tracked) bool { return one.kind == trackedInterface && one.name.Text == d.name.Text })
	if at < 0 {
		i.tracked = append(i.tracked, tracked{kind: trackedInterface, name: d.name})
		return
	}
	if one := &i.tracked[at]; one.weight != 0 {
		r.Ignore(one.name.Position, "write no_track behind "+d.held+" to keep the weight",
			"the weight of track_interface %s has no effect: the failure of the interface is a fault, since %s is configured on it", syntax.Show(one.name.Text), d.held)
		one.weight, one.reverse = 0, false
	}
}

// weigh removes the weights that have no effect because of the instance's group or its priority
// 255.
func (i *instance) weigh(r *syntax.Report, cs *checks) {
	byGroup := i.group != nil && !i.group.weights
	if !byGroup && i.election().value != 255 {
		return
	}
	r.Subject = i.title()
	why := "priority 255 does not change"
	if byGroup {
		why = "the group has no sync_group_tracking_weight"
	}
	i.tracked = slices.DeleteFunc(i.tracked, func(one tracked) bool {
		if one.weight == 0 || one.kind == trackedProcess || keepsFault(one, byGroup) {
			return false
		}
		r.Ignore(one.name.Position, "", "%s %s is not tracked, since it has a weight: %s", one.kind, syntax.Show(one.name.Text), why)
		cs.drop(one.kind, one.name.Text)
		return true
	})
	for n := range i.tracked {
		if one := &i.tracked[n]; one.weight != 0 && keepsFault(*one, byGroup) {
			r.Ignore(one.name.Position, "", "the weight of %s %s is left out, so the failure is a fault: %s", one.kind, syntax.Show(one.name.Text), why)
			one.weight = 0
		}
	}
}

// noteStart notes the commands that keepalived runs at the start and ripcord does not.
func (i *instance) noteStart(r *syntax.Report) {
	notified := i.notify.backup.said || i.notify.any.said
	if i.group != nil {
		notified = notified || i.group.notify.backup.said || i.group.notify.any.said
	}
	if notified && i.election().value == 255 && i.advertsAtStart() > 0 {
		r.Subject = i.title()
		r.Differ(i.election().at, "", "with priority 255, ripcord runs no command for BACKUP at the start; keepalived runs it unless the state is MASTER")
	}
}

// keepsFault reports whether a tracked thing becomes a fault if its weight has no effect.
func keepsFault(one tracked, byGroup bool) bool {
	return byGroup && one.kind == trackedInterface || one.kind == trackedFile && one.weight == 1
}
