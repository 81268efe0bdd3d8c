package keepalived

import (
	"maps"
	"slices"

	"ripcord/pkg/keepalived/syntax"
)

// follow determines which instances track the interface of an address, route or rule: its own
// instance, or, for static entries, the instances of a track_group.
type follow struct {
	untracked  bool        // no_track
	trackGroup syntax.Word // empty: none
}

// A device is an interface on which an address, a route or a rule is held.
type device struct {
	follow
	name syntax.Word
	held string // what is held, such as "192.0.2.1" or "the route"
}

// A trackGroup is a track_group: instances that track the interfaces of static entries.
type trackGroup struct{ names []syntax.Word }

// stands records the interface that a key of the line names.
func (r *lineReader) stands(key string) {
	if e := r.m.Find(key); e != nil {
		name := syntax.Word{Text: e.Value.Text, Position: e.Value.Position}
		r.i.devices = append(r.i.devices, device{r.follow, name, r.what})
	}
}

// trackStatic makes the instances of track_groups track the interfaces of static entries.
func (t *translator) trackStatic(byName map[string]*instance) {
	if t.static == nil {
		return
	}
	t.Subject = t.static.title()
	for _, d := range t.static.devices {
		group := t.trackGroups[d.trackGroup.Text]
		switch {
		case d.trackGroup.Text == "":
		case group == nil:
			t.Ignore(d.trackGroup.Position, "", "no track_group is named %s: a failure of %s affects no instance", syntax.Show(d.trackGroup.Text), syntax.Show(d.name.Text))
		case d.untracked:
			t.Ignore(d.trackGroup.Position, "leave one out", "track_group has no effect with no_track")
		default:
			for _, w := range group.names {
				if i := byName[w.Text]; i != nil {
					i.trackDevice(t.Report, d)
				}
			}
		}
	}
	t.Subject = ""
}

// checkTrackGroups notes members of track_groups that do not exist.
func (t *translator) checkTrackGroups(byName map[string]*instance) {
	for _, name := range slices.Sorted(maps.Keys(t.trackGroups)) {
		t.Subject = titled("track_group", name)
		for _, w := range t.trackGroups[name].names {
			if byName[w.Text] == nil {
				t.Ignore(w.Position, "", "no vrrp_instance is named %s: it is left out of the track_group", syntax.Show(w.Text))
			}
		}
	}
}
