package keepalived

import (
	"maps"
	"slices"

	"ripcord/pkg/keepalived/syntax"
)

// follow says which instances an interface matters to on which something is held: to its own,
// or to those of a track_group where it is held for none.
type follow struct {
	untracked  bool        // no_track
	trackGroup syntax.Word // empty: none
}

// A device is an interface on which an address, a route or a rule is held.
type device struct {
	follow
	name syntax.Word
	held string // what that is, as "192.0.2.1" or "the route"
}

// A trackGroup is a track_group: instances that follow what is held for none.
type trackGroup struct{ names []syntax.Word }

// stands notes the interface that a key of the line names.
func (r *lineReader) stands(key string) {
	if e := r.m.Find(key); e != nil {
		name := syntax.Word{Text: e.Value.Text, Position: e.Value.Position}
		r.i.devices = append(r.i.devices, device{r.follow, name, r.what})
	}
}

// trackStatic has the instances of track_groups track the interfaces of what is held for none.
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
			t.Ignore(d.trackGroup.Position, "", "no track_group is named %s: no instance follows %s", syntax.Show(d.trackGroup.Text), syntax.Show(d.name.Text))
		case d.untracked:
			t.Ignore(d.trackGroup.Position, "leave one out", "track_group does not count beside no_track")
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
