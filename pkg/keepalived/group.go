package keepalived

import (
	"maps"
	"slices"

	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
)

// A group is a vrrp_sync_group.
type group struct {
	name    Word
	at      tree.Position
	names   []Word
	listed  bool
	members []*instance
	places  []tree.Position // of their names
	tracked []tracked
	weights bool // of its members count
	notify  notify
}

func (g *group) title() string { return titled("vrrp_sync_group", g.name.Text) }

var groupKeywords = table[group]{
	{"group", 0, 0, entries, Translated, "`members`", "", func(t *translator, s *Statement, g *group) {
		if g.listed {
			t.ignore(s.at(), "write all members into one", "a second list of members is left out")
			return
		}
		g.listed = true
		for _, entry := range s.Block {
			g.names = append(g.names, entry.Words...)
		}
	}},
	{"track_interface", 0, 0, entries, Translated, "`track: [{interface: …}]`", "", func(t *translator, s *Statement, g *group) { t.readTracked(s, trackedInterface, &g.tracked) }},
	{"track_script", 0, 0, entries, Translated, "`track: [{check: …}]`", "", func(t *translator, s *Statement, g *group) { t.readTracked(s, trackedScript, &g.tracked) }},
	{"track_file", 0, 0, entries, Translated, "`track: [{check: …}]`", "", func(t *translator, s *Statement, g *group) { t.readTracked(s, trackedFile, &g.tracked) }},
	{"track_process", 0, 0, entries, Translated, "`track: [{check: …}]`", "", func(t *translator, s *Statement, g *group) { t.readTracked(s, trackedProcess, &g.tracked) }},
	{"track_bfd", 0, 0, entries, Missing, noBFD, "BFD", nil},
	{"notify_master", 1, -1, plain, Translated, "`notify.active`", "", notifyTo(func(g *group) *command { return &g.notify.master })},
	{"notify_backup", 1, -1, plain, Translated, "`notify.backup`", "", notifyTo(func(g *group) *command { return &g.notify.backup })},
	{"notify_fault", 1, -1, plain, Translated, "`notify.fault`", "", notifyTo(func(g *group) *command { return &g.notify.fault })},
	{"notify_stop", 1, -1, plain, Translated, "`notify.stop`", "", notifyTo(func(g *group) *command { return &g.notify.stop })},
	{"notify", 1, -1, plain, Translated, "`notify.any`, with the same four arguments", "", notifyTo(func(g *group) *command { return &g.notify.any })},
	{"smtp_alert", 0, 1, plain, Missing, noMail, "mail", nil},
	{"global_tracking", 0, 0, plain, Translated, "as `sync_group_tracking_weight`", "", weighted},
	{"sync_group_tracking_weight", 0, 0, plain, Translated, "the members' own weights count; without it entries of theirs with a weight do not", "", weighted},
	{"notify_priority_changes", 0, 1, plain, Missing, noPriorityLines, "priority changes", nil},
}

func weighted(_ *translator, _ *Statement, g *group) { g.weights = true }

// gather finds the members of a group.
func (t *translator) gather(g *group) {
	t.subject = g.title()
	for _, w := range g.names {
		i := t.byName[w.Text]
		switch {
		case i == nil:
			hint := ""
			if !t.full() {
				hint = spelling.DidYouMean(nearest(w.Text, slices.Sorted(maps.Keys(t.byName))))
			}
			t.ignore(w.Position, hint, "no vrrp_instance is named %s: it is left out", show(w.Text))
		case i.group == g:
			t.ignore(w.Position, "", "%s is given twice", show(w.Text))
		case i.group != nil:
			t.ignore(w.Position, "", "%s is in %s already: it is left out", show(w.Text), i.group.title())
		default:
			i.group = g
			g.members = append(g.members, i)
			g.places = append(g.places, w.Position)
		}
	}
	if len(g.members) == 0 {
		t.ignore(g.at, "name the instances with group { … }", "the group has no member: it is left out")
	}
}

// level gives the members of a group one priority, that of the first: the group has it.
func (t *translator) level(g *group) {
	for _, m := range g.members {
		first := g.members[0]
		if t.priorityOf(m).value == t.priorityOf(first).value {
			continue
		}
		t.subject = m.title()
		at := t.priorityOf(m).at
		t.differ(at, "give all members of the group one priority, on each router",
			"the priority is %d, that of %s: a group moves as one", t.priorityOf(first).value, first.title())
		m.priority = number{t.priorityOf(first).value, at, true}
	}
}

// weigh takes out of a member what its group, or its priority of 255, does not let count:
// weights.
func (t *translator) weigh(i *instance) {
	byGroup := i.group != nil && !i.group.weights
	if !byGroup && t.priorityOf(i).value != 255 {
		return
	}
	t.subject = i.title()
	why := "priority 255 does not change"
	if byGroup {
		why = "the group has no sync_group_tracking_weight"
	}
	i.tracked = slices.DeleteFunc(i.tracked, func(one tracked) bool {
		if one.weight == 0 || one.kind == trackedProcess || keepsFault(one, byGroup) {
			return false
		}
		t.ignore(one.name.Position, "", "%s %s has a weight, and is not tracked: %s", one.kind, show(one.name.Text), why)
		return true
	})
	for n := range i.tracked {
		if one := &i.tracked[n]; one.weight != 0 && keepsFault(*one, byGroup) {
			t.ignore(one.name.Position, "", "the weight of %s %s is left out, so its failure is a fault: %s", one.kind, show(one.name.Text), why)
			one.weight = 0
		}
	}
}

// keepsFault reports whether something tracked becomes a fault where weights do not count.
func keepsFault(one tracked, byGroup bool) bool {
	return byGroup && one.kind == trackedInterface || one.kind == trackedFile && one.weight == 1
}

// groupTree is an entry of groups.
func (t *translator) groupTree(g *group) *tree.Node {
	m := newMap(g.at, g.title())
	m.text("name", g.name.Position, g.name.Text)
	var members, track []*tree.Node
	for n, i := range g.members {
		members = append(members, scalar(i.name.Text, g.places[n]))
	}
	m.list("members", members)
	for _, one := range g.tracked {
		track = append(track, t.trackTree(one, g.title()))
	}
	m.list("track", track)
	t.subject = g.title()
	t.notifyTree(m, g.notify, g.at)
	return m.Node
}
