package keepalived

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// tree returns an entry of instances.
func (i *instance) tree(r *syntax.Report, g *globals, cs *checks) *tree.Node {
	title := i.title()
	r.Subject = title
	m := newMap(i.at, title)
	m.text("name", i.name.Position, i.name.Text)
	m.text("interface", i.iface.Position, i.iface.Text)
	m.text("vrid", i.vrid.Position, canonical(i.vrid.Text))
	if len(i.addresses) == 0 {
		m.text("family", i.at, "ipv"+strconv.Itoa(i.family))
	}
	m.number("version", i.version)
	m.number("priority", i.election())
	m.duration("interval", i.interval)
	m.number("miss", i.misses)
	if i.nopreempt.value == 1 {
		m.text("preempt", i.nopreempt.at, "false")
	}
	if i.preemptDelay.value > 0 {
		i.preemptDelay.value = i.preemptDelay.value.Round(time.Millisecond)
		m.duration("preempt_delay", i.preemptDelay)
	}
	if delay := i.startup(g); delay.value > 0 {
		m.duration("startup_delay", whole(within(delay, 24*time.Hour), time.Millisecond))
	}
	i.sendingTree(r, m)
	i.heldTree(g, m)
	if i.dontTrack.said {
		m.text("track_link", i.dontTrack.at, "false")
	}
	var track []*tree.Node
	for _, one := range i.tracked {
		track = append(track, cs.trackerTree(one, title))
	}
	m.list("track", track)
	m.nested("notify", i.notify.tree(i.at, m.Name))
	return m.Node
}

// startup returns how long after its start keepalived takes nothing over, if that is longer than
// ripcord's own wait: vrrp_startup_delay and the wait for adverts that follows it. Without such a
// delay only an owner of its addresses waits for more adverts than ripcord.
func (i *instance) startup(g *globals) length {
	const ofVersion2 = time.Second // the interval of which Skew_Time is a fraction
	priority, adverts := i.election().value, i.advertsAtStart()
	if priority != 255 && g.startupDelay.value == 0 || adverts == 0 {
		return g.startupDelay
	}
	interval := i.interval.or(length{value: time.Second}).value
	part := interval
	if i.version.value == 2 {
		part = ofVersion2
	}
	out := g.startupDelay.or(length{at: i.election().at, said: true})
	out.value += time.Duration(adverts)*interval + time.Duration(256-priority)*part/256
	return out
}

// advertsAtStart returns for how many adverts, beside Skew_Time, keepalived waits until the
// instance becomes MASTER for the first time: for none as an owner, unless it has state BACKUP. A
// group is MASTER at once only if the state and the priority of each member say so.
func (i *instance) advertsAtStart() int {
	all := i.misses.or(number{value: 3}).value
	if i.group == nil {
		if i.election().value == 255 && i.state.Text != "BACKUP" {
			return 0
		}
		return all
	}
	adverts := 0
	for _, m := range i.group.members {
		switch {
		case m.election().value != 255 || m.state.Text == "BACKUP":
			return all
		case m.state.Text != "MASTER" || !m.priority.said:
			adverts = 1
		}
	}
	return adverts
}

// canonical returns a number as YAML writes it, if the text is one.
func canonical(text string) string {
	if n, err := strconv.Atoi(text); err == nil {
		return strconv.Itoa(n)
	}
	return text
}

// sendingTree adds how adverts are sent.
func (i *instance) sendingTree(r *syntax.Report, m builder) {
	if i.source.Text != "" {
		m.textOf(i.sourceKeyword, "source", i.source.Position, i.source.Text)
		if i.family == 4 && len(i.peers) == 0 && !i.trackSource.said {
			m.text("track_source", i.source.Position, "false")
		}
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
		inner.nested("hmac", i.hmac.tree(m.Name))
		m.nested("auth", inner)
	}
	if group := i.multicast; group.IsValid() {
		m.textOf("mcast_dst_ip", "multicast", group.at, group.String())
	}
	if len(i.peers) == 0 {
		return
	}
	inner := newMap(i.peers[0].at, m.Name)
	var peers []*tree.Node
	bound := number{1, i.peers[0].at, true} // any TTL is accepted unless a peer has a bound
	for n, p := range i.peers {
		peer := scalar(p.address.String(), p.at)
		peer.Name = inner.inner("peers")
		peers = append(peers, peer)
		switch {
		case n == 0:
			bound.value = max(p.minTTL.value, 1)
		case max(p.minTTL.value, 1) < bound.value:
			r.Differ(p.at, "", "ripcord uses one minimum TTL for all peers: %d", max(p.minTTL.value, 1))
			bound.value = max(p.minTTL.value, 1)
		}
		if p.maxTTL.said && p.maxTTL.value < 255 {
			r.Differ(p.maxTTL.at, "", "ripcord does not support a maximum TTL of a peer")
		}
	}
	inner.list("peers", peers)
	if i.ttl.said && i.ttl.value > 0 {
		inner.number("ttl", i.ttl)
	}
	inner.number("min_ttl", bound)
	m.nested("unicast", inner)
}

// heldTree adds what the instance holds and how it is announced.
func (i *instance) heldTree(g *globals, m builder) {
	if i.vmac.used.said {
		name := i.vmac.name
		if name.Text == "" {
			name = syntax.Word{Text: "true", Position: i.vmac.used.at}
		}
		m.text("virtual_mac", name.Position, name.Text)
		if i.vmac.base.said {
			m.text("virtual_mac_adverts", i.vmac.base.at, "false")
		}
	}
	var addresses, extra []*tree.Node
	for _, a := range i.addresses {
		addresses = append(addresses, i.addressTree(a, m.Name))
	}
	for _, a := range i.extra {
		extra = append(extra, i.addressTree(a, m.Name))
	}
	m.list("addresses", addresses)
	m.list("extra_addresses", extra)
	m.list("routes", i.routes)
	m.list("rules", i.rules)
	if i.accept.said && i.accept.value == 0 {
		m.text("accept", i.accept.at, "false")
	}
	announce := newMap(i.at, m.Name)
	announce.number("count", repeats(i.repeat.or(g.repeat)))
	announce.duration("again_after", whole(within(i.delay.or(g.delay), time.Hour), time.Second))
	announce.duration("refresh", whole(within(i.refresh.or(g.refresh), 24*time.Hour), time.Second))
	announce.duration("spacing", within(g.spacing(i), time.Second))
	m.nested("announce", announce)
}

// addressTree returns an address as an entry of addresses. It leaves out the interface where it
// follows from the instance, whose addresses are on the macvlan of the virtual MAC if there is one.
func (i *instance) addressTree(a address, title string) *tree.Node {
	if a.device.Text == i.iface.Text {
		a.device = syntax.Word{}
	}
	if i.vmac.used.said && a.device.Text == "" && !i.vmac.bears(a, i) {
		a.device = syntax.Word{Text: i.iface.Text, Position: a.at}
	}
	if !a.preferred.said && a.prefix.Addr().Is6() && !a.prefix.IsSingleIP() {
		a.preferred = number{1, a.at, true}
	}
	if a.preferred.value == 0 { // that is the default
		a.preferred = number{}
	}
	return a.tree(title)
}

// repeats limits how often an address is announced: 0 counts as 1.
func repeats(n number) number {
	n.value = min(max(n.value, 1), 100)
	return n
}

// within limits a duration.
func within(l length, longest time.Duration) length {
	l.value = min(l.value, longest)
	return l
}

// whole rounds a duration down to whole steps.
func whole(l length, step time.Duration) length {
	l.value = l.value.Truncate(step)
	return l
}

// hmacSecret returns ripcord's key and value for a key of auth_hmac: a file, hexadecimal digits, or
// the characters themselves.
func hmacSecret(text string) (key, value string) {
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		return "keepalived_file", path
	}
	if digits, ok := strings.CutPrefix(text, "hex:"); ok {
		return "hex", strings.Join(strings.Fields(digits), "")
	}
	return "hex", hex.EncodeToString([]byte(text))
}

// tree returns the section auth.hmac.
func (h *hmac) tree(title string) builder {
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

// tree returns the commands of transitions. If all run as one user, that is given once.
func (n notify) tree(at tree.Position, title string) builder {
	type transition struct {
		key string
		command
	}
	said := slices.DeleteFunc([]transition{{"active", n.master}, {"backup", n.backup}, {"fault", n.fault}, {"stop", n.stop}, {"any", n.any}},
		func(c transition) bool { return !c.said })
	differ := slices.ContainsFunc(said, func(c transition) bool { return c.user != said[0].user || c.group != said[0].group })
	inner := newMap(at, title)
	for i, c := range said {
		if differ {
			inner.set(c.key, c.at, c.ownTree(title))
			continue
		}
		inner.set(c.key, c.at, c.command.tree())
		if i == 0 {
			account(inner, c.at, c.user, c.group)
		}
	}
	return inner
}
