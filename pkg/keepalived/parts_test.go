package keepalived

import (
	"slices"
	"strings"
	"testing"

	"ripcord/pkg/keepalived/syntax"
)

// statementsOf parses a text without errors.
func statementsOf(t *testing.T, text string) []*syntax.Statement {
	t.Helper()
	r := &syntax.Report{}
	all, _ := syntax.Parse("x.conf", []byte(text), syntax.Options{System: testSystem{files: map[string]string{}}}, r)
	if len(r.Notes()) > 0 {
		t.Fatalf("%q: %+v", text, r.Notes())
	}
	return all
}

// said are the messages of a report.
func said(r *syntax.Report) (all []string) {
	for _, n := range r.Notes() {
		all = append(all, n.Message)
	}
	return all
}

// expectNotes compares how the messages of a report begin.
func expectNotes(t *testing.T, r *syntax.Report, want ...string) {
	t.Helper()
	got := said(r)
	if len(got) != len(want) {
		t.Errorf("said %q, want %q", got, want)
		return
	}
	for i := range got {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("said %q, want %q", got[i], want[i])
		}
	}
}

// TestCommandReader checks how the program, the user and words for a shell are read.
func TestCommandReader(t *testing.T) {
	for _, c := range []struct {
		text, want, user string
		notes            []string
	}{
		{`notify "/a/b.sh c 'd e'"`, "/a/b.sh|c|d e", "", nil},
		{`notify "/a/b.sh c" joe :wheel`, "/a/b.sh|c", "joe wheel", nil},
		{`notify "/a/b.sh c" nobody_here`, "", "", []string{"this machine has no user nobody_here: notify is left out"}},
		{`notify killall`, "/usr/bin/killall", "", nil},
		{`notify not_installed`, "", "", []string{"not_installed is not in PATH"}},
		{`notify a/./b`, "/a/b", "", []string{"a/./b is a relative path: ripcord runs /a/b"}},
		{`notify "/a | b"`, "/a|||b", "", []string{"the command does not run in a shell: | is"}},
		{`notify "/a 1>&2"`, "/a|1>&2", "", []string{"the command does not run in a shell: 1>&2 is"}},
		{`notify "/a >/dev/null"`, "/a|>/dev/null", "", []string{"the command does not run in a shell: >/dev/null is"}},
		{`notify "/a <x> a>b $x"`, "/a|<x>|a>b|$x", "", nil},
		{`notify "/bin/sh -c 'a | b'"`, "/bin/sh|-c|a | b", "", nil},
		{`notify "</dev/tcp/a/1"`, "/bin/sh|-c|</dev/tcp/a/1", "", nil},
		{`notify "a 'b"`, "", "", []string{"notify is left out: its command has a quote that is not closed"}},
	} {
		r := &syntax.Report{}
		got := (&commandReader{report: r, system: testSystem{}}).read(statementsOf(t, c.text)[0], true)
		if argv := strings.Join(got.argv, "|"); argv != c.want || strings.TrimSpace(got.user+" "+got.group) != c.user || got.said != (c.want != "") {
			t.Errorf("%s: %+v", c.text, got)
		}
		expectNotes(t, r, c.notes...)
	}
	r := &syntax.Report{}
	(&commandReader{report: r, system: testSystem{}}).read(statementsOf(t, "script /a/b c")[0], false)
	expectNotes(t, r, "only /a/b is run")
}

// TestMergedUsr requires that no hint leads to a path that keepalived 2.4 does not run, and that only
// paths in the file are noted.
func TestMergedUsr(t *testing.T) {
	for _, c := range []struct {
		script string
		merged bool
		want   []string
	}{
		{`exit 1 | true`, false, []string{"write /bin/sh -c '…' to run it by a shell"}},
		{`exit 1 | true`, true, []string{"write /usr/bin/sh -c '…' to run it by a shell"}},
		{`/bin/sh -c 'exit 1 | true'`, true, []string{"write the path without the link"}},
		{`/usr/bin/sh -c 'exit 1 | true'`, true, nil},
		{`</dev/tcp/127.0.0.1/6443`, true, nil},
	} {
		text := "vrrp_script s {\n script \"" + c.script + "\"\n}\nvrrp_instance a {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress { 192.0.2.1/24 }\n track_script { s }\n}\n"
		var hints []string
		for _, n := range Translate("x.conf", []byte(text), Options{System: testSystem{merged: c.merged}}).Notes {
			hints = append(hints, n.Hint)
		}
		if !slices.Equal(hints, c.want) {
			t.Errorf("%s (merged %t): %q, want %q", c.script, c.merged, hints, c.want)
		}
	}
}

// TestChecks checks which scripts can be tracked, and with which weights.
func TestChecks(t *testing.T) {
	r := &syntax.Report{}
	cs := newChecks(r)
	cs.expect(statementsOf(t, "vrrp_script early {\n}\nvrrp_script late {\n}\n"))
	named := func(name string, change func(*script)) *script {
		c := &script{name: syntax.Word{Text: name, Position: at(1, 1)}, at: at(1, 1), command: command{argv: []string{"/a"}, at: at(1, 1), said: true}}
		if change != nil {
			change(c)
		}
		return c
	}
	cs.addScript(named("early", func(c *script) { c.weight = number{-5, at(1, 1), true} }))
	cs.addScript(named("absent", func(c *script) { c.absent = true }))
	cs.addScript(named("empty", func(c *script) { c.command = command{} }))
	cs.addScript(named("early", nil))
	expectNotes(t, r, "it has no script", "another script above has the same name")

	var got []tracked
	r2 := &syntax.Report{}
	cs.report = r2
	cs.readTracked(statementsOf(t, "track_script {\n early weight 7\n early\n late\n absent\n empty\n erly\n}\n")[0], trackedScript, &got)
	if len(got) != 1 || got[0].weight != 7 {
		t.Errorf("%+v", got)
	}
	expectNotes(t, r2, "early is tracked already", "no script above is named late", "no script above is named erly")
	if hints := []string{r2.Notes()[1].Hint, r2.Notes()[2].Hint}; !slices.Equal(hints, []string{"move its vrrp_script to a place before this one", "did you mean early?"}) {
		t.Errorf("%q", hints)
	}
	if trees := cs.trees(); len(trees) != 0 {
		t.Errorf("%d checks, though none is used", len(trees))
	}
	cs.use([]tracked{{kind: trackedScript, name: got[0].name}}) // without a weight: its failure is a fault
	if trees := cs.trees(); trees[0].Find("initial") != nil {
		t.Error("instances do not wait for a check whose failure is a fault")
	}
	cs.use(got)
	if trees := cs.trees(); len(trees) != 1 || trees[0].Find("weight").Value.Text != "-5" || trees[0].Find("initial").Value.Text != "neutral" {
		t.Errorf("%+v", trees)
	}
}

// TestBlocksWithoutBraces checks that a block whose { is missing is empty where the file ends with it,
// and an error if keepalived reads the lines after it as its block.
func TestBlocksWithoutBraces(t *testing.T) {
	const whole = "vrrp_instance a {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress { 192.0.2.1/24 }\n}\n"
	for _, keyword := range []string{"static_ipaddress", "interface_up_down_delays", "garp_group", "global_defs"} {
		tr := Translate("x.conf", []byte(whole+keyword), Options{System: testSystem{}})
		if n := tr.Notes; tr.Root == nil || len(n) != 1 || n[0].Class != syntax.Ignored || n[0].Line != 6 || n[0].Message != keyword+" needs a block: ripcord reads it with an empty one" {
			t.Errorf("at the end: %+v", tr.Notes)
		}
		tr = Translate("x.conf", []byte(keyword+"\n"+whole), Options{System: testSystem{}})
		if n := tr.Notes; tr.Root != nil || len(n) != 1 || n[0].Class != syntax.Error || n[0].Message != keyword+" needs a block" {
			t.Errorf("before an instance: %+v", tr.Notes)
		}
	}
}

// TestLinks checks that the settings of an interface in several blocks are combined.
func TestLinks(t *testing.T) {
	r := &syntax.Report{}
	ls := links{byName: map[string]*linkSettings{}}
	ls.readDelays(r, statementsOf(t, "interface_up_down_delays {\n eth0 2 3.5\n eth1\n eth0:1 2\n}\n")[0])
	ls.readMonitors(r, statementsOf(t, "linkbeat_interfaces {\n eth0 MII\n eth2 IOCTL\n eth3 X\n}\n")[0])
	expectNotes(t, r, "eth1 has no delay", "eth0:1 cannot be the name of an interface", "X is not a method to monitor a link")
	if got, want := ls.tree(at(1, 1)).YAML(), "eth0:\n  monitor: mii\n  down_delay: 2s\n  up_delay: 3.5s\n"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestOmissions checks that a topic is one note, at its first line.
func TestOmissions(t *testing.T) {
	o := omissions{byTopic: map[string]int{}}
	for i, s := range statementsOf(t, "a 1\nb\na 2\na 3\n") {
		o.add(s, []string{"A", "B", "A", "A"}[i], "is not done")
	}
	r := &syntax.Report{}
	o.note(r)
	expectNotes(t, r, "a 1, and 2 more lines about it: is not done", "b: is not done")
}

// TestGroupGather checks which instances become members.
func TestGroupGather(t *testing.T) {
	word := func(text string) syntax.Word { return syntax.Word{Text: text, Position: at(2, 2)} }
	named := func(name string, priority int) *instance {
		return &instance{name: word(name), priority: number{priority, at(9, 9), true}}
	}
	a, b, c := named("a", 100), named("b", 90), named("c", 80)
	byName := map[string]*instance{"a": a, "b": b, "c": c}
	r := &syntax.Report{}
	one := &group{name: word("one"), names: []syntax.Word{word("a"), word("b"), word("a"), word("x")}}
	two := &group{name: word("two"), names: []syntax.Word{word("b")}}
	one.gather(r, byName)
	one.level(r)
	two.gather(r, byName)
	if len(one.members) != 2 || len(two.members) != 0 || b.priority.value != 100 || c.priority.value != 80 {
		t.Errorf("%d and %d members, priorities %d, %d", len(one.members), len(two.members), b.priority.value, c.priority.value)
	}
	expectNotes(t, r, "a is given twice", "no vrrp_instance is named x", "ripcord uses priority 100, that of vrrp_instance a", "b is a member of vrrp_sync_group one already", "the group has no member")
}

// TestVocabulary checks which keyword the hint for a misspelt one names.
func TestVocabulary(t *testing.T) {
	for text, want := range map[string]string{
		"nopreemt":             "did you mean nopreempt?",
		"NOPREEMPT":            "did you mean nopreempt?",
		"garp_master_delays 5": "did you mean garp_master_delay?",
		"router_id x":          "it belongs in global_defs",
		"vrrp_script x":        "it belongs outside of blocks",
		"zzz":                  "",
		"vrid 1":               "did you mean virtual_router_id?",
		"interfaces eth0":      "did you mean interface?",
		"track_interfaces":     "did you mean track_interface?",
		"track_if":             "", // and not track_bfd
		"unicast_source_ip x":  "did you mean unicast_src_ip?",
		"unicast x":            "did you mean unicast_peer?",
		"virtual_ip x":         "did you mean virtual_ipaddress?",
		"advert_interval 1":    "did you mean advert_int?",
	} {
		r := &syntax.Report{}
		blocks().unknown(r, statementsOf(t, text)[0], "vrrp_instance", instanceKeywords.names)
		if got := r.Notes()[0].Hint; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"snmp_server x": "", // and not smtp_server
		"smtp_port 25":  "",
		"version 3":     "did you mean vrrp_version?",
		"iptables x":    "did you mean vrrp_iptables?",
		"routerid x":    "did you mean router_id?",
		"enable_snmp":   "did you mean enable_snmp_vrrp?",
	} {
		r := &syntax.Report{}
		blocks().unknown(r, statementsOf(t, text)[0], "global_defs", globalKeywords.names)
		if got := r.Notes()[0].Hint; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
