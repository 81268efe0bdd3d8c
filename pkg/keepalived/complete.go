package keepalived

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/tree"
)

// finish completes what the statements said with keepalived's defaults, once all of them
// are known.
func (t *translator) finish() {
	t.refuse()
	t.multicast(t.globals.group4, 4)
	t.multicast(t.globals.group6, 6)
	for _, i := range t.instances {
		t.complete(i)
		if t.byName[i.name.Text] == nil {
			t.byName[i.name.Text] = i
		}
	}
	for _, g := range t.groups {
		t.gather(g)
	}
	t.groups = slices.DeleteFunc(t.groups, func(g *group) bool { return len(g.members) == 0 })
	for _, g := range t.groups {
		t.level(g)
	}
	for _, i := range t.instances {
		t.weigh(i)
	}
	t.subject = ""
	if len(t.instances) == 0 && t.errors == 0 {
		hint := ""
		if len(t.balanced) > 0 {
			hint = "run keepalived for its load balancing"
		}
		t.fail(tree.Position{Line: 1, Column: 1}, hint, "there is no vrrp_instance")
	}
}

// complete fills in the defaults of an instance and takes back what keepalived takes back.
func (t *translator) complete(i *instance) {
	t.subject = i.title()
	if i.iface.Text == "" {
		i.iface = t.globals.defaultInterface
	}
	if i.iface.Text == "" && !i.bad {
		t.fail(i.at, "say on which interface the other routers are", "has no interface")
	}
	if i.vrid.Text == "" && !i.bad {
		t.fail(i.at, "say virtual_router_id, the same on all routers", "has no virtual_router_id")
	}
	if i.family == 0 {
		i.family = 4
	}
	i.strict = i.strict.or(t.globals.strict)
	i.misses = i.misses.or(t.globals.misses)
	i.version2 = i.version2.or(t.globals.version2)
	t.multicast(i.multicast, i.family)
	t.completeVersion(i)
	t.completeElection(i)
	t.completeSecrets(i)
	t.completeSending(i)
	t.completeAddresses(i)
}

// versionOf is the version of VRRP: what the instance says, what all say, or 2; over IPv6
// always 3.
func (t *translator) versionOf(i *instance) number {
	v := i.version.or(t.globals.version)
	if i.family == 6 {
		return number{3, v.at, true}
	}
	if !v.said {
		return number{2, i.at, true}
	}
	return v
}

func (t *translator) completeVersion(i *instance) {
	if i.version.value == 2 && i.family == 6 {
		t.ignore(i.version.at, "", "IPv6 has version 3")
	}
	v3 := t.versionOf(i).value == 3
	switch d := &i.interval; {
	case !d.said:
	case v3 && d.value > 40950*time.Millisecond:
		t.ignore(d.at, "", "version 3 has at most 40.95 seconds, which is what counts")
		d.value = 40950 * time.Millisecond
	case v3 && d.value%(10*time.Millisecond) != 0:
		t.ignore(d.at, "", "version 3 has steps of 0.01 seconds: %s counts", plainSeconds(d.value.Round(10*time.Millisecond)))
		d.value = max(d.value.Round(10*time.Millisecond), 10*time.Millisecond)
	case !v3 && d.value%time.Second != 0:
		whole := max((d.value + time.Second/2).Truncate(time.Second), time.Second)
		t.ignore(d.at, "write vrrp_version 3 into global_defs on all routers for shorter ones", "version 2 has whole seconds: %s counts", plainSeconds(whole))
		d.value = whole
	}
	if i.version2.value == 1 && !v3 {
		i.version2 = number{}
	}
}

// priorityOf is the priority: as it is said, or 255 with state MASTER, or 100.
func (t *translator) priorityOf(i *instance) number {
	switch {
	case i.priority.said:
		return i.priority
	case i.state.Text == "MASTER":
		return number{255, i.state.Position, true}
	}
	return number{100, i.at, false}
}

// completeElection takes back what state MASTER, the priority and strict mode do not let
// count.
func (t *translator) completeElection(i *instance) {
	priority := t.priorityOf(i)
	if !i.priority.said && priority.said {
		t.ignore(priority.at, "say which priority is meant", "without a priority, state MASTER makes it 255")
	}
	cleared := func(why string, at tree.Position, what string) {
		t.ignore(at, "", "%s does not count: %s", what, why)
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
		cleared("strict mode", d.at, "preempt_delay")
		*d = length{}
	case i.nopreempt.value == 1:
		cleared("there is nopreempt", d.at, "preempt_delay")
		*d = length{}
	case priority.value == 255:
		*d = length{}
	}
	if i.strict.value == 1 && i.misses.said && i.misses.value != 3 {
		cleared("strict mode", i.misses.at, "down_timer_adverts")
		i.misses = number{}
	}
	if !i.accept.said && i.strict.value == 1 && priority.value != 255 {
		i.accept = number{0, i.strict.at, true}
	}
}

// completeSecrets takes back authentication that does not count, and cuts the password.
func (t *translator) completeSecrets(i *instance) {
	const longest = 8
	v3 := t.versionOf(i).value == 3
	switch w := i.authType; {
	case w.Text == "":
		if i.authPass.Text != "" {
			t.ignore(i.authPass.Position, "say auth_type PASS", "the password does not count without a type")
		}
	case i.strict.value == 1:
		t.ignore(w.Position, "", "strict mode has no authentication: it is left out")
	case v3:
		t.ignore(w.Position, "", "version 3 has no authentication: it is left out")
	case i.hmac != nil:
		t.ignore(w.Position, "", "auth_hmac takes its place: it is left out")
	case i.authPass.Text == "":
		t.ignore(w.Position, "", "there is no password: adverts go without authentication")
	case w.Text == "AH":
		t.fail(w.Position, "leave the authentication out on all routers of the LAN at the same time",
			"AH is not supported: routers that use it would not hear this one, and serve beside it")
	default:
		if len(i.authPass.Text) > longest {
			t.ignore(i.authPass.Position, "", "only the first %d characters of the password count", longest)
			i.authPass.Text = i.authPass.Text[:longest]
		}
		return
	}
	i.authType, i.authPass = Word{}, Word{}
}

// completeSending settles unicast and the virtual MAC.
func (t *translator) completeSending(i *instance) {
	if len(i.peers) > 0 && i.strict.value == 1 {
		t.fail(i.peers[0].at, "leave vrrp_strict out", "strict mode has no unicast peers")
	}
	if i.ttl.said && len(i.peers) == 0 {
		t.ignore(i.ttl.at, "", "unicast_ttl does not count without unicast_peer")
	}
	if i.vmac.said && len(i.peers) > 0 {
		t.differ(i.vmac.at, "", "there is no virtual MAC with unicast peers: the addresses have the interface's MAC")
		i.vmac = number{}
	}
	if a, err := netip.ParseAddr(i.source.Text); err == nil && a.Is6() && !a.IsLinkLocalUnicast() && len(i.peers) == 0 {
		t.differ(i.source.Position, "", "adverts to ff02::12 leave from the link-local address, not from %s", a)
		i.source = Word{}
	}
	first := map[netip.Addr]bool{}
	own, _ := netip.ParseAddr(i.source.Text)
	i.peers = slices.DeleteFunc(i.peers, func(p peer) bool {
		again := first[p.address]
		first[p.address] = true
		switch {
		case again:
			t.ignore(p.at, "leave one out", "the peer %s is given twice", p.address)
		case p.address == own:
			t.ignore(p.at, "name the other routers only", "the peer %s is this router's own address, and is left out", p.address)
		}
		return again || p.address == own
	})
}

// completeAddresses moves what does not fit into an advert to the addresses that are not
// advertised, and tracks the other interfaces on which addresses stand.
func (t *translator) completeAddresses(i *instance) {
	const most4, most6 = 255, (1500 - 40 - 8) / 16
	most := most4
	if i.family == 6 {
		most = most6
	}
	if len(i.addresses) > most {
		t.ignore(i.addresses[most].at, "", "an advert has room for %d addresses: this one and those behind it are not advertised", most)
		i.extra = slices.Concat(i.addresses[most:], i.extra)
		i.addresses = i.addresses[:most]
	}
	seen := map[string]bool{i.iface.Text: true}
	i.tracked = slices.DeleteFunc(i.tracked, func(one tracked) bool {
		own := one.kind == trackedInterface && one.name.Text == i.iface.Text
		if own {
			t.ignore(one.name.Position, "", "track_interface %s does not count: it is the instance's own", show(one.name.Text))
		}
		return own
	})
	for _, one := range i.tracked {
		if one.kind == trackedInterface {
			seen[one.name.Text] = true
		}
	}
	for _, a := range slices.Concat(i.addresses, i.extra) {
		if a.device.Text == "" || a.untracked || seen[a.device.Text] {
			continue
		}
		seen[a.device.Text] = true
		i.tracked = append(i.tracked, tracked{kind: trackedInterface, name: a.device, implied: true})
	}
}
