package keepalived

import (
	"net/netip"

	"ripcord/pkg/keepalived/syntax"
)

var rootKeywords = table[translator]{
	{"global_defs", 0, 0, nested, Translated, "defaults of all instances, and top-level keys", "", func(t *translator, s *syntax.Statement, _ *translator) {
		globalKeywords.read(t, "global_defs", s.Block, &t.globals)
	}},
	{"vrrp_instance", 1, 1, nested, Translated, "`instances`", "", func(t *translator, s *syntax.Statement, _ *translator) {
		i := &instance{name: s.Words[1], at: s.At(), holds: map[netip.Addr]bool{}}
		t.Subject = i.title()
		before := t.Errors()
		instanceKeywords.read(t, "vrrp_instance", s.Block, i)
		i.bad = t.Errors() > before
		t.Subject = ""
		t.instances = append(t.instances, i)
	}},
	{"vrrp_sync_group", -1, 1, nested, Translated, "`groups`", "", func(t *translator, s *syntax.Statement, _ *translator) {
		g := &group{name: s.Words[1], at: s.At()}
		if t.groupNames[g.name.Text] {
			t.Ignore(s.At(), "give it another name", "%s is defined already: this one is left out", g.title())
			return
		}
		t.Subject = g.title()
		groupKeywords.read(t, "vrrp_sync_group", s.Block, g)
		t.Subject = ""
		t.groupNames[g.name.Text] = true
		t.groups = append(t.groups, g)
	}},
	{"vrrp_script", 1, 1, nested, Translated, "`checks: [{command: …}]`. The block must come before the instances that track it", "", func(t *translator, s *syntax.Statement, _ *translator) {
		c := &script{name: s.Words[1], at: s.At()}
		t.Subject = titled("vrrp_script", c.name.Text)
		defer func() { t.Subject = "" }()
		scriptKeywords.read(t, "vrrp_script", s.Block, c)
		c.removed = c.removed || c.user == "" && t.commands.unowned()
		if !c.absent && !c.removed && c.command.said {
			c.absent = !t.commands.fit(c.command, c.user, c.group, "the script is not run, and counts as if nobody tracked it")
			if !c.absent {
				t.commands.noteLink(c.command, c.user)
			}
		}
		t.checks.addScript(c)
	}},
	{"vrrp_track_process", 1, 1, nested, Translated, "`checks: [{process: …}]`", "", func(t *translator, s *syntax.Statement, _ *translator) {
		p := &process{name: s.Words[1], at: s.At()}
		t.Subject = titled("vrrp_track_process", p.name.Text)
		defer func() { t.Subject = "" }()
		processKeywords.read(t, "vrrp_track_process", s.Block, p)
		t.checks.addProcess(p)
	}},
	{"track_file", 1, 1, nested, Translated, "`checks: [{file: …}]`", "", readFile},
	{"vrrp_track_file", 1, 1, nested, Translated, "as `track_file`", "", readFile},
	{"interface_up_down_delays", 0, 0, entries, Translated, "`links.NAME.down_delay`, `links.NAME.up_delay`", "", func(t *translator, s *syntax.Statement, _ *translator) { t.links.readDelays(t.Report, s) }},
	{"linkbeat_interfaces", 0, 0, entries, Translated, "`links.NAME.monitor`", "", func(t *translator, s *syntax.Statement, _ *translator) { t.links.readMonitors(t.Report, s) }},
	{"linkbeat_use_polling", 0, 0, plain, Inherent, "`links.default.monitor: auto` polls a NIC if its driver reports no link changes", "", nil},
	{"garp_group", 0, 0, nested, Translated, "`announce.spacing` of the instances on its interfaces, applied to each instance separately", "", func(t *translator, s *syntax.Statement, _ *translator) {
		g := &garpGroup{}
		garpGroupKeywords.read(t, "garp_group", s.Block, g)
		g.join(t)
	}},
	{"static_ipaddress", 0, 0, entries, Translated, "`static.addresses`", "", func(t *translator, s *syntax.Statement, _ *translator) {
		i := t.staticSet(s)
		i.readAddresses(t.Report, s, &i.addresses, true)
	}},
	{"static_routes", 0, 0, entries, Translated, "`static.routes`", "", func(t *translator, s *syntax.Statement, _ *translator) {
		i := t.staticSet(s)
		i.routeLines = append(i.routeLines, s.Block...)
	}},
	{"static_rules", 0, 0, entries, Translated, "`static.rules`", "", func(t *translator, s *syntax.Statement, _ *translator) {
		i := t.staticSet(s)
		i.ruleLines = append(i.ruleLines, s.Block...)
	}},
	{"track_group", 1, 1, nested, Translated, "`track: [{interface: …}]` of its instances, for each interface of the static entries that name the group", "", func(t *translator, s *syntax.Statement, _ *translator) {
		name := s.Word(1)
		if t.trackGroups[name] != nil {
			t.Ignore(s.At(), "give it another name", "track_group %s is defined already: this one is left out", syntax.Show(name))
			return
		}
		g := &trackGroup{}
		trackGroupKeywords.read(t, "track_group", s.Block, g)
		t.trackGroups[name] = g
	}},
	{"bfd_instance", 0, -1, skipped, Missing, noBFD, "BFD", nil},
	{"virtual_server", 0, -1, skipped, Translated, "an error without `--without-lvs`: " + noLVS, "", readBalanced},
	{"virtual_server_group", 0, -1, skipped, Translated, "an error without `--without-lvs`: " + noLVS, "", readBalanced},
	{"SSL", 0, -1, skipped, Missing, noLVS, "LVS", nil},
	{"net_namespace", -1, 1, plain, Translated, "an error unless ripcord runs in that namespace: `ip netns exec NAME ripcord run`", "", func(t *translator, s *syntax.Statement, _ *translator) {
		hint := "start it there: ip netns exec " + s.Word(1) + " ripcord run"
		switch system := t.commands.system; {
		case system.InNamespace(s.Word(1)):
		case t.commands.elsewhere:
			t.Differ(s.At(), hint, "ripcord runs in the network namespace in which it is started, and does not change it")
		default:
			t.Fail(s.At(), hint, "ripcord is not in the network namespace %s: it would use the interfaces of another one", syntax.Show(s.Word(1)))
		}
	}},
	{"net_namespace_ipvs", 0, 1, plain, Missing, noLVS, "LVS", nil},
	{"namespace_with_ipsets", 0, 0, plain, Inherent, "ripcord uses no ipsets", "", nil},
	{"instance", -1, 1, plain, Inherent, "each daemon has its own `control.socket`", "", nil},
	{"use_pid_dir", 0, 0, plain, Inherent, "ripcord writes no PID files", "", nil},
	{"child_wait_time", 1, 1, plain, Inherent, "ripcord stops within 25 s, and the time of `shutdown`", "", nil},
}

func readFile(t *translator, s *syntax.Statement, _ *translator) {
	f := &trackFile{name: s.Words[1], at: s.At()}
	t.Subject = titled("track_file", f.name.Text)
	defer func() { t.Subject = "" }()
	fileKeywords.read(t, "track_file", s.Block, f)
	t.checks.addFile(f)
}

// readBalanced keeps a block of load balancing without reading its contents.
func readBalanced(t *translator, s *syntax.Statement, _ *translator) {
	t.balancing = append(t.balancing, s)
}
