package keepalived

import (
	"strconv"
	"time"

	"ripcord/pkg/tree"
)

// build makes the tree.
func (t *translator) build() *tree.Node {
	root := newMap(tree.Position{Line: 1, Column: 1}, "")
	t.accounts(root)
	t.fifo(root)
	t.program(root, "startup", t.globals.startup)
	t.program(root, "shutdown", t.globals.shutdown)
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

// fifo says where transitions are written, and who reads them.
func (t *translator) fifo(root builder) {
	g := t.globals
	first, second, reader := g.fifo, g.vrrpFIFO, g.reader
	if first.Text == "" {
		first, second, reader = second, Word{}, g.vrrpReader
	}
	if first.Text == "" {
		return
	}
	root.text("fifo", first.Position, first.Text)
	if reader.said {
		root.set("fifo_reader", reader.at, reader.tree())
		if user := reader.user; user != "" && user != root.Find("script_user").Value.Text {
			t.differ(reader.at, "", "the reader of the FIFO runs as script_user, not as %s", show(user))
		}
	}
	if second.Text != "" && second.Text != first.Text {
		t.without(second.Position, "", "there is one FIFO: nothing is written to %s", show(second.Text))
	}
}

// program says what is run once.
func (t *translator) program(root builder, key string, p program) {
	c := p.command
	if !c.said {
		return
	}
	m := newMap(c.at, "")
	m.set("command", c.at, c.tree())
	m.duration("timeout", whole(p.timeout, time.Millisecond))
	root.nested(key, m)
	if c.user != "" && c.user != root.Find("script_user").Value.Text {
		t.differ(c.at, "", "the %s program runs as script_user, not as %s", key, show(c.user))
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
		m.duration("startup_delay", whole(t.globals.startupDelay, time.Millisecond))
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
	announce.duration("again_after", whole(within(i.delay.or(g.delay), time.Hour), time.Second))
	announce.duration("refresh", whole(within(i.refresh.or(g.refresh), 24*time.Hour), time.Second))
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

// whole cuts a duration down to whole steps.
func whole(l length, step time.Duration) length {
	l.value = l.value.Truncate(step)
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
