package keepalived

import (
	"net/netip"
	"slices"
	"strconv"
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

// build makes the tree.
func (t *translator) build() *tree.Node {
	root := newMap(tree.Position{Line: 1, Column: 1}, "")
	t.accounts(root)
	t.fifo(root)
	var instances, groups []*tree.Node
	for _, i := range t.instances {
		instances = append(instances, t.instanceTree(i))
	}
	for _, g := range t.groups {
		groups = append(groups, t.groupTree(g))
	}
	checks := t.checkTrees()
	t.subject = ""
	links := newMap(root.Position, "")
	for _, l := range t.links {
		if inner := l.tree(); len(inner.Entries) > 0 {
			links.nested(l.name.Text, inner)
		}
	}
	root.nested("links", links)
	root.list("instances", instances)
	root.list("groups", groups)
	root.list("checks", checks)
	return root.Node
}

// checkTrees are the entries of checks that are tracked.
func (t *translator) checkTrees() (all []*tree.Node) {
	use := func(list []tracked) {
		for _, one := range list {
			switch one.kind {
			case trackedScript:
				t.scripts[one.name.Text].used = true
				t.scripts[one.name.Text].fatal = t.scripts[one.name.Text].fatal || one.weight == 0
			case trackedProcess:
				t.processes[one.name.Text].used = true
			default:
			}
		}
	}
	for _, i := range t.instances {
		use(i.tracked)
	}
	for _, g := range t.groups {
		use(g.tracked)
	}
	for _, source := range t.checks {
		if n := source.check(t); n != nil {
			all = append(all, n)
		}
		if f, ok := source.(*trackFile); ok {
			for n := 1; n < len(f.weights); n++ {
				all = append(all, f.variant(t, n))
			}
		}
	}
	return all
}

// ScriptUser is the user that commands run as where there is one of that name and the file
// says no other.
const ScriptUser = "keepalived_script"

// accounts says whom commands run as.
func (t *translator) accounts(root builder) {
	user := t.globals.user
	switch {
	case user.Text != "":
	case t.System.User(ScriptUser, ""):
		user = Word{Text: ScriptUser, Position: root.Position}
	default:
		user = Word{Text: "root", Position: root.Position}
	}
	root.text("script_user", user.Position, user.Text)
	if group := t.globals.group; group.Text != "" {
		root.text("script_group", group.Position, group.Text)
	}
}

// fifo says where transitions are written.
func (t *translator) fifo(root builder) {
	first, second := t.globals.fifo, t.globals.vrrpFIFO
	if first.Text == "" {
		first, second = second, Word{}
	}
	if first.Text != "" {
		root.text("fifo", first.Position, first.Text)
	}
	if second.Text != "" && second.Text != first.Text {
		t.without(second.Position, "", "there is one FIFO: nothing is written to %s", show(second.Text))
	}
}

// instanceTree is an entry of instances.
func (t *translator) instanceTree(i *instance) *tree.Node {
	title := i.title()
	t.subject = title
	m := newMap(i.at, title)
	m.text("name", i.name.Position, i.name.Text)
	m.text("interface", i.iface.Position, i.iface.Text)
	m.text("vrid", i.vrid.Position, canonical(i.vrid.Text))
	if len(i.addresses) == 0 {
		m.text("family", i.at, "ipv"+strconv.Itoa(i.family))
	}
	m.number("version", t.versionOf(i))
	m.number("priority", t.priorityOf(i))
	m.duration("interval", i.interval)
	m.number("miss", i.misses)
	if i.nopreempt.value == 1 {
		m.text("preempt", i.nopreempt.at, "false")
	}
	if i.preemptDelay.value > 0 {
		i.preemptDelay.value = i.preemptDelay.value.Round(time.Millisecond)
		m.duration("preempt_delay", i.preemptDelay)
	}
	if t.globals.startupDelay.value > 0 {
		m.duration("startup_delay", t.globals.startupDelay)
	}
	t.sendingTree(m, i)
	t.heldTree(m, i)
	if i.dontTrack.said {
		m.text("track_link", i.dontTrack.at, "false")
	}
	var track []*tree.Node
	for _, one := range i.tracked {
		track = append(track, t.trackTree(one, title))
	}
	m.list("track", track)
	t.notifyTree(m, i.notify, i.at)
	return m.Node
}

// canonical is a number as YAML has it, if the text is one.
func canonical(text string) string {
	if n, err := strconv.Atoi(text); err == nil {
		return strconv.Itoa(n)
	}
	return text
}

// sendingTree adds how adverts are sent.
func (t *translator) sendingTree(m builder, i *instance) {
	if i.source.Text != "" {
		m.text("source", i.source.Position, i.source.Text)
	}
	if i.version2.value == 1 {
		m.text("checksum", i.version2.at, "rfc9568")
	}
	if i.authPass.Text != "" {
		inner := newMap(i.authPass.Position, m.Name)
		inner.text("pass", i.authPass.Position, i.authPass.Text)
		m.nested("auth", inner)
	}
	if i.hmac != nil {
		inner := newMap(i.hmac.at, m.Name)
		inner.nested("hmac", t.hmacTree(i.hmac, m.Name))
		m.nested("auth", inner)
	}
	if len(i.peers) == 0 {
		return
	}
	inner := newMap(i.peers[0].at, m.Name)
	var peers []*tree.Node
	bound := number{1, i.peers[0].at, true} // any TTL is believed unless a peer has a bound
	for n, p := range i.peers {
		peers = append(peers, scalar(p.address.String(), p.at))
		switch {
		case n == 0:
			bound.value = max(p.minTTL.value, 1)
		case max(p.minTTL.value, 1) < bound.value:
			t.differ(p.at, "", "one least TTL for all peers: %d", max(p.minTTL.value, 1))
			bound.value = max(p.minTTL.value, 1)
		}
		if p.maxTTL.said && p.maxTTL.value < 255 {
			t.differ(p.maxTTL.at, "", "there is no greatest TTL of a peer")
		}
	}
	inner.list("peers", peers)
	if i.ttl.said && i.ttl.value > 0 {
		inner.number("ttl", i.ttl)
	}
	inner.number("min_ttl", bound)
	m.nested("unicast", inner)
}

// heldTree adds what is held, and how it is announced.
func (t *translator) heldTree(m builder, i *instance) {
	if i.vmac.said {
		name := i.vmacName
		if name.Text == "" {
			name = Word{Text: "true", Position: i.vmac.at}
		}
		m.text("virtual_mac", name.Position, name.Text)
	}
	var addresses, extra []*tree.Node
	for _, a := range i.addresses {
		addresses = append(addresses, a.tree(i.iface.Text, m.Name))
	}
	for _, a := range i.extra {
		extra = append(extra, a.tree(i.iface.Text, m.Name))
	}
	m.list("addresses", addresses)
	m.list("extra_addresses", extra)
	m.list("routes", i.routes)
	m.list("rules", i.rules)
	if i.accept.said && i.accept.value == 0 {
		m.text("accept", i.accept.at, "false")
	}
	g := t.globals
	announce := newMap(i.at, m.Name)
	announce.number("count", t.repeats(i.repeat.or(g.repeat)))
	announce.duration("again_after", within(i.delay.or(g.delay), time.Hour))
	announce.duration("refresh", within(i.refresh.or(g.refresh), 24*time.Hour))
	spacing := g.garpInterval
	if i.family == 6 {
		spacing = g.gnaInterval
	}
	announce.duration("spacing", within(spacing, time.Second))
	m.nested("announce", announce)
}

// repeats bounds how often an address is announced: 0 counts as 1.
func (t *translator) repeats(n number) number {
	n.value = min(max(n.value, 1), 100)
	return n
}

// within bounds a duration.
func within(l length, most time.Duration) length {
	l.value = min(l.value, most)
	return l
}

// hmacTree is auth.hmac.
func (t *translator) hmacTree(h *hmac, title string) builder {
	m := newMap(h.at, title)
	keys := newMap(h.at, title)
	for _, k := range h.keys {
		inner := newMap(k.value.Position, title)
		key, value := hmacSecret(k.value.Text)
		inner.text(key, k.value.Position, value)
		keys.nested(strconv.Itoa(k.id.value), inner)
	}
	m.nested("keys", keys)
	m.number("active", h.active)
	if h.mode.Text != "" {
		m.text("mode", h.mode.Position, h.mode.Text)
	}
	if h.replay.Text != "" {
		m.text("replay", h.replay.Position, h.replay.Text)
	}
	m.duration("window", h.window)
	return m
}

// notifyTree adds the commands of transitions.
func (t *translator) notifyTree(m builder, n notify, at tree.Position) {
	inner := newMap(at, m.Name)
	var first *command
	for _, c := range []struct {
		key string
		command
	}{{"active", n.master}, {"backup", n.backup}, {"fault", n.fault}, {"stop", n.stop}, {"any", n.any}} {
		if !c.said {
			continue
		}
		inner.set(c.key, c.at, c.tree())
		switch {
		case first == nil:
			first = &c.command
			account(inner, c.at, c.user, c.group)
		case first.user != c.user || first.group != c.group:
			t.differ(c.at, "", "all notify commands of an instance run as one user, here as that of the first")
		}
	}
	m.nested("notify", inner)
}
