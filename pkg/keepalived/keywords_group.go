package keepalived

import "ripcord/pkg/keepalived/syntax"

var groupKeywords = table[group]{
	{"group", 0, 0, entries, Translated, "`members`", "", func(t *translator, s *syntax.Statement, g *group) {
		if g.listed {
			t.Ignore(s.At(), "write all members into one list", "the group has a list of members already: this one is left out")
			return
		}
		g.listed = true
		for _, entry := range s.Block {
			g.names = append(g.names, entry.Words...)
		}
	}},
	{"track_interface", 0, 0, entries, Translated, "`track: [{interface: …}]`", "", trackedTo(trackedInterface, func(g *group) *[]tracked { return &g.tracked })},
	{"track_script", 0, 0, entries, Translated, "`track: [{check: …}]`", "", trackedTo(trackedScript, func(g *group) *[]tracked { return &g.tracked })},
	{"track_file", 0, 0, entries, Translated, "`track: [{check: …}]`", "", trackedTo(trackedFile, func(g *group) *[]tracked { return &g.tracked })},
	{"track_process", 0, 0, entries, Translated, "`track: [{check: …}]`", "", trackedTo(trackedProcess, func(g *group) *[]tracked { return &g.tracked })},
	{"track_bfd", 0, 0, entries, Missing, noBFD, "BFD", nil},
	{"notify_master", 1, -1, plain, Translated, "`notify.active`", "", notifyTo(func(g *group) *command { return &g.notify.master })},
	{"notify_backup", 1, -1, plain, Translated, "`notify.backup`", "", notifyTo(func(g *group) *command { return &g.notify.backup })},
	{"notify_fault", 1, -1, plain, Translated, "`notify.fault`", "", notifyTo(func(g *group) *command { return &g.notify.fault })},
	{"notify_stop", 1, -1, plain, Translated, "`notify.stop`", "", notifyTo(func(g *group) *command { return &g.notify.stop })},
	{"notify", 1, -1, plain, Translated, "`notify.any`, with the same four arguments", "", notifyTo(func(g *group) *command { return &g.notify.any })},
	{"smtp_alert", 0, 1, plain, Missing, noMail, "mail", nil},
	{"global_tracking", 0, 0, plain, Translated, "as `sync_group_tracking_weight`", "", weighted},
	{"sync_group_tracking_weight", 0, 0, plain, Translated, "weights in the members' own entries apply to the whole group. Without this keyword, members' entries with a weight are ignored", "", weighted},
	{"notify_priority_changes", 0, 1, plain, Missing, noPriorityLines, "priority changes", nil},
}

func weighted(_ *translator, _ *syntax.Statement, g *group) { g.weights = true }

var trackGroupKeywords = table[trackGroup]{
	{"group", 0, 0, entries, Translated, "`track: [{interface: …}]` of each listed instance", "", func(_ *translator, s *syntax.Statement, g *trackGroup) {
		for _, entry := range s.Block {
			g.names = append(g.names, entry.Words...)
		}
	}},
}

var garpGroupKeywords = table[garpGroup]{
	{"garp_interval", 1, 1, plain, Translated, "`announce.spacing` of IPv4 instances", "", secondsTo(func(g *garpGroup) *length { return &g.garp }, 0, 4000*second)},
	{"gna_interval", 1, 1, plain, Translated, "`announce.spacing` of IPv6 instances", "", secondsTo(func(g *garpGroup) *length { return &g.gna }, 0, 4000*second)},
	{"interface", 1, 1, plain, Translated, "the interface whose instances get these values", "", func(_ *translator, s *syntax.Statement, g *garpGroup) {
		g.interfaces = append(g.interfaces, s.Words[1])
	}},
	{"interfaces", 0, 0, entries, Translated, "as `interface`, for several interfaces", "", func(_ *translator, s *syntax.Statement, g *garpGroup) {
		for _, entry := range s.Block {
			g.interfaces = append(g.interfaces, entry.Words...)
		}
	}},
}
