package keepalived

import (
	"net/netip"
	"time"
)

var rootKeywords = table[translator]{
	{"global_defs", 0, 0, nested, Translated, "what all instances have, and keys of the file itself", "", func(t *translator, s *Statement, _ *translator) {
		globalKeywords.read(t, "global_defs", s.Block, &t.globals)
	}},
	{"vrrp_instance", 1, 1, nested, Translated, "`instances`", "", func(t *translator, s *Statement, _ *translator) {
		i := &instance{name: s.Words[1], at: s.at(), holds: map[netip.Addr]bool{}}
		t.subject = i.title()
		before := t.errors
		instanceKeywords.read(t, "vrrp_instance", s.Block, i)
		i.bad = t.errors > before
		t.subject = ""
		t.instances = append(t.instances, i)
	}},
	{"vrrp_sync_group", 1, 1, nested, Translated, "`groups`", "", func(t *translator, s *Statement, _ *translator) {
		g := &group{name: s.Words[1], at: s.at()}
		if t.groupNames[g.name.Text] {
			t.ignore(s.at(), "give it another name", "%s is there already: this one is left out", g.title())
			return
		}
		t.subject = g.title()
		groupKeywords.read(t, "vrrp_sync_group", s.Block, g)
		t.subject = ""
		t.groupNames[g.name.Text] = true
		t.groups = append(t.groups, g)
	}},
	{"vrrp_script", 1, 1, nested, Translated, "`checks: [{command: …}]`; it has to stand before what tracks it", "", readScript},
	{"vrrp_track_process", 1, 1, nested, Translated, "`checks: [{process: …}]`", "", func(t *translator, s *Statement, _ *translator) {
		p := &process{name: s.Words[1], at: s.at()}
		t.subject = titled("vrrp_track_process", p.name.Text)
		defer func() { t.subject = "" }()
		processKeywords.read(t, "vrrp_track_process", s.Block, p)
		switch {
		case p.path.Text == "":
			t.ignore(p.at, "", "it names no process, and is left out")
		case t.processes[p.name.Text] == nil:
			t.processes[p.name.Text] = p
			t.checks = append(t.checks, p)
		}
	}},
	{"track_file", 1, 1, nested, Translated, "`checks: [{file: …}]`", "", readFile},
	{"vrrp_track_file", 1, 1, nested, Translated, "as `track_file`", "", readFile},
	{"interface_up_down_delays", 0, 0, entries, Translated, "`links.NAME.down_delay`, `links.NAME.up_delay`", "", readDelays},
	{"linkbeat_interfaces", 0, 0, entries, Translated, "`links.NAME.monitor`", "", readMonitors},
	{"linkbeat_use_polling", 0, 0, plain, Inherent, "`links.default.monitor: auto` polls where the driver does not notify", "", nil},
	{"garp_group", 0, 0, skipped, Changed, "one spacing for all interfaces: `vrrp_garp_interval`", "", nil},
	{"static_ipaddress", 0, 0, skipped, Missing, noStatic, "static", nil},
	{"static_routes", 0, 0, skipped, Missing, noStatic, "static", nil},
	{"static_rules", 0, 0, skipped, Missing, noStatic, "static", nil},
	{"track_group", 0, -1, skipped, Missing, noStatic, "static", nil},
	{"bfd_instance", 0, -1, skipped, Missing, noBFD, "BFD", nil},
	{"virtual_server", 0, -1, skipped, Translated, "an error unless `--without-lvs` is given: " + noLVS, "", readBalanced},
	{"virtual_server_group", 0, -1, skipped, Translated, "an error unless `--without-lvs` is given: " + noLVS, "", readBalanced},
	{"SSL", 0, -1, skipped, Missing, noLVS, "LVS", nil},
	{"net_namespace", 1, 1, plain, Changed, "ripcord runs in the namespace in which it is started: `ip netns exec NAME ripcord run`", "", nil},
	{"net_namespace_ipvs", 0, 1, plain, Missing, noLVS, "LVS", nil},
	{"namespace_with_ipsets", 0, 0, plain, Inherent, "there are no ipsets", "", nil},
	{"instance", 1, 1, plain, Inherent, "`control.socket` tells daemons apart", "", nil},
	{"use_pid_dir", 0, 0, plain, Inherent, "there are no files with process numbers", "", nil},
	{"child_wait_time", 1, 1, plain, Inherent, "a stop takes 20 s at most", "", nil},
}

const noStatic = "ripcord keeps nothing in place that is independent of an instance: let the system's network configuration do it"

// A keywordBlock is a kind of block and its keywords.
type keywordBlock struct {
	name     string // empty: outside of blocks
	keywords []string
}

// blocks are all kinds of blocks.
func blocks() []keywordBlock {
	return []keywordBlock{
		{"", rootKeywords.names()}, {"global_defs", globalKeywords.names()},
		{"vrrp_instance", instanceKeywords.names()}, {"authentication", authKeywords.names()}, {"auth_hmac", hmacKeywords.names()},
		{"vrrp_sync_group", groupKeywords.names()}, {"vrrp_script", scriptKeywords.names()},
		{"vrrp_track_process", processKeywords.names()}, {"track_file", fileKeywords.names()},
	}
}

func readScript(t *translator, s *Statement, _ *translator) {
	c := &script{name: s.Words[1], at: s.at()}
	t.subject = titled("vrrp_script", c.name.Text)
	defer func() { t.subject = "" }()
	scriptKeywords.read(t, "vrrp_script", s.Block, c)
	delete(t.later, c.name.Text)
	switch {
	case c.absent, c.removed:
		t.gone[c.name.Text] = true
	case !c.command.said:
		t.gone[c.name.Text] = true
		t.ignore(c.at, "", "it has no script, and is left out")
	case t.scripts[c.name.Text] != nil:
		t.ignore(c.at, "give it another name", "there is one of that name already, which counts")
	default:
		t.scripts[c.name.Text] = c
		t.checks = append(t.checks, c)
	}
}

func readFile(t *translator, s *Statement, _ *translator) {
	f := &trackFile{name: s.Words[1], at: s.at()}
	t.subject = titled("track_file", f.name.Text)
	defer func() { t.subject = "" }()
	fileKeywords.read(t, "track_file", s.Block, f)
	switch {
	case f.path.Text == "":
		t.ignore(f.at, "", "it names no file, and is left out")
	case t.files[f.name.Text] == nil:
		t.files[f.name.Text] = f
		t.checks = append(t.checks, f)
	}
}

// readBalanced keeps a block of load balancing, of which nothing is read.
func readBalanced(t *translator, s *Statement, _ *translator) { t.balanced = append(t.balanced, s) }

// linkSettings are what is said of an interface.
type linkSettings struct {
	name     Word
	monitor  Word
	down, up length
}

// link returns the settings of an interface.
func (t *translator) link(name Word) *linkSettings {
	if l := t.linkNames[name.Text]; l != nil {
		return l
	}
	l := &linkSettings{name: name}
	t.linkNames[name.Text] = l
	t.links = append(t.links, l)
	return l
}

// readDelays reads one interface a line, with the delays of its loss and its return.
func readDelays(t *translator, s *Statement, _ *translator) {
	for _, entry := range s.Block {
		if len(entry.Words) < 2 {
			t.ignore(entry.at(), "", "%s has no delay: it is left out", entry.title())
			continue
		}
		if !isLink(entry.word(0)) {
			t.ignore(entry.at(), "", "no interface is called %s: it is left out", show(entry.word(0)))
			continue
		}
		l := t.link(entry.Words[0])
		l.down = t.secondsIn(entry.Words[1], 0, 255*time.Second, "there is no delay")
		if len(entry.Words) > 2 {
			l.up = t.secondsIn(entry.Words[2], 0, 255*time.Second, "there is no delay")
		}
	}
}

// readMonitors reads one interface a line, and how its link is watched.
func readMonitors(t *translator, s *Statement, _ *translator) {
	for _, entry := range s.Block {
		if !isLink(entry.word(0)) {
			t.ignore(entry.at(), "", "no interface is called %s: it is left out", show(entry.word(0)))
			continue
		}
		l := t.link(entry.Words[0])
		switch entry.word(1) {
		case "":
		case "MII":
			l.monitor = Word{Text: "mii", Position: entry.Words[1].Position}
		case "ETHTOOL":
			l.monitor = Word{Text: "ethtool", Position: entry.Words[1].Position}
		case "IOCTL":
		default:
			t.ignore(entry.Words[1].Position, "write MII or ETHTOOL", "%s is no way to watch a link", show(entry.word(1)))
		}
	}
}

// tree is an entry of links.
func (l *linkSettings) tree() builder {
	m := newMap(l.name.Position, "")
	if l.monitor.Text != "" {
		m.text("monitor", l.monitor.Position, l.monitor.Text)
	}
	m.duration("down_delay", whole(l.down, time.Millisecond))
	m.duration("up_delay", whole(l.up, time.Millisecond))
	return m
}

// refuse fails where the file has load balancing, unless another program does it.
func (t *translator) refuse() {
	if t.WithoutLVS {
		for _, s := range t.balanced {
			t.leaveOut(s, "LVS", noLVS)
		}
	}
	if len(t.balanced) == 0 || t.WithoutLVS {
		return
	}
	first := t.balanced[0]
	what := "this virtual server is"
	if n := len(t.balanced); n > 1 {
		what = "this and the other blocks of LVS are"
	}
	t.fail(first.at(), "let keepalived --check run beside ripcord, which does the load balancing alone, and give ripcord --without-lvs",
		"%s not served by ripcord: a router that answers for a service and does not forward it is an outage", what)
}
