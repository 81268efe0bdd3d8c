package keepalived

import (
	"maps"
	"slices"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
)

// A group is a vrrp_sync_group.
type group struct {
	name    syntax.Word
	at      tree.Position
	names   []syntax.Word
	listed  bool
	members []*instance
	places  []tree.Position // the places of their names
	tracked []tracked
	weights bool // the weights of the members count
	notify  notify
}

func (g *group) title() string { return titled("vrrp_sync_group", g.name.Text) }

// gather finds the members of the group among the instances.
func (g *group) gather(r *syntax.Report, byName map[string]*instance) {
	r.Subject = g.title()
	for _, w := range g.names {
		i := byName[w.Text]
		switch {
		case i == nil:
			hint := ""
			if !r.Full() {
				hint = spelling.DidYouMean(nearest(w.Text, slices.Sorted(maps.Keys(byName))))
			}
			r.Ignore(w.Position, hint, "no vrrp_instance is named %s: it is left out", syntax.Show(w.Text))
		case i.group == g:
			r.Ignore(w.Position, "", "%s is given twice", syntax.Show(w.Text))
		case i.group != nil:
			r.Ignore(w.Position, "", "%s is a member of %s already: it is left out here", syntax.Show(w.Text), i.group.title())
		default:
			i.group = g
			g.members = append(g.members, i)
			g.places = append(g.places, w.Position)
		}
	}
	if len(g.members) == 0 {
		r.Ignore(g.at, "name the instances with group { … }", "the group has no member: it is left out")
	}
}

// level gives all members the priority of the first, because the group has one priority.
func (g *group) level(r *syntax.Report) {
	for _, m := range g.members {
		first := g.members[0]
		if m.election().value == first.election().value {
			continue
		}
		r.Subject = m.title()
		at := m.election().at
		r.Differ(at, "give all members of the group one priority, on each router",
			"ripcord uses priority %d, that of %s: all members of a group change state together", first.election().value, first.title())
		m.priority = number{first.election().value, at, true}
	}
}

// noteWeights notes weights that change the priority of only some members under keepalived.
func (g *group) noteWeights(r *syntax.Report) {
	if !g.weights {
		return
	}
	type thing struct {
		kind trackedKind
		name string
	}
	noted := map[thing]bool{}
	for _, m := range g.members {
		for _, one := range m.tracked {
			same := func(other tracked) bool {
				return other.kind == one.kind && other.name.Text == one.name.Text && other.weight == one.weight && other.reverse == one.reverse
			}
			ofAll := slices.ContainsFunc(g.tracked, same) ||
				!slices.ContainsFunc(g.members, func(other *instance) bool { return !slices.ContainsFunc(other.tracked, same) })
			what := thing{one.kind, one.name.Text}
			if one.weight == 0 || ofAll || noted[what] {
				continue
			}
			noted[what] = true
			r.Subject = m.title()
			r.Differ(one.name.Position, "", "the weight of %s %s changes the priority of the whole group; under keepalived it changes only the members that track it",
				one.kind, syntax.Show(one.name.Text))
		}
	}
}

// noteStart notes the commands of the group that run at the start in another way than under
// keepalived.
func (g *group) noteStart(r *syntax.Report) {
	if !g.notify.master.said && !g.notify.any.said {
		return
	}
	if g.members[0].advertsAtStart() > 0 {
		return
	}
	r.Subject = g.title()
	r.Differ(g.at, "", "ripcord also runs the group's commands when the group is MASTER at the start; keepalived runs only those of its members if all have state MASTER and priority 255")
}

// noteFirstFault notes whose FAULT commands run if a script fails at the start, before keepalived
// has brought the group into any state: those of the members that track it under keepalived, those
// of all members under ripcord.
func (g *group) noteFirstFault(r *syntax.Report, fifo bool) {
	waits := func(m *instance) (tracked, bool) {
		at := slices.IndexFunc(m.tracked, func(one tracked) bool { return one.kind == trackedScript && one.weight == 0 })
		if at < 0 {
			return tracked{}, false
		}
		return m.tracked[at], true
	}
	if slices.ContainsFunc(g.tracked, func(one tracked) bool { return one.kind == trackedScript && one.weight == 0 }) {
		return // all members wait for it
	}
	notified := func(m *instance) bool {
		_, own := waits(m)
		return !own && (fifo || m.notify.fault.said || m.notify.any.said)
	}
	if !slices.ContainsFunc(g.members, notified) {
		return
	}
	for _, m := range g.members {
		if script, found := waits(m); found {
			r.Subject = m.title()
			r.Differ(script.name.Position, "", "if %s fails at the start, the FAULT commands of all members of %s run; under keepalived only those of members that track it",
				syntax.Show(script.name.Text), g.title())
			return
		}
	}
}

// tree returns an entry of groups.
func (g *group) tree(r *syntax.Report, cs *checks) *tree.Node {
	m := newMap(g.at, g.title())
	m.text("name", g.name.Position, g.name.Text)
	var members, track []*tree.Node
	for n, i := range g.members {
		if !i.bad {
			members = append(members, scalar(i.name.Text, g.places[n]))
		}
	}
	m.list("members", members)
	for _, one := range g.tracked {
		track = append(track, cs.trackerTree(one, g.title()))
	}
	m.list("track", track)
	m.nested("notify", g.notify.tree(g.at, m.Name))
	return m.Node
}
