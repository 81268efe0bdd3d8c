package sim

import (
	"iter"

	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// trackers are the trackers of a router beside its links.
type trackers struct {
	router *Router
	checks []*check
	specs  []track.Spec // for the checks that are run by their interval
}

// check returns the check with a name; nil if the router has none.
func (t *trackers) check(name string) *check {
	for _, c := range t.checks {
		if c.name == name {
			return c
		}
	}
	return nil
}

// add adds a check, which runs if it has runs and the router is on.
func (t *trackers) add(name string) {
	c := &check{router: t.router, name: name}
	t.checks = append(t.checks, c)
	c.adopt()
}

// entries returns all entries of the lists of some groups and their members.
func entries(groups ...vrrp.Group) iter.Seq[vrrp.Tracker] {
	return func(yield func(vrrp.Tracker) bool) {
		for g := range groups {
			if !yieldAll(yield, groups[g].Track) {
				return
			}
			for i := range groups[g].Members {
				if !yieldAll(yield, groups[g].Members[i].Track) {
					return
				}
			}
		}
	}
}

// yieldAll yields the entries of one list, until yield returns false.
func yieldAll(yield func(vrrp.Tracker) bool, list []vrrp.Tracker) bool {
	for _, e := range list {
		if !yield(e) {
			return false
		}
	}
	return true
}

// weighs reports whether a check only changes priorities.
func (t *trackers) weighs(name string) bool {
	for e := range entries(t.router.groups...) {
		if e.Kind == vrrp.TrackCheck && e.Name == name && e.Weight == 0 {
			return false
		}
	}
	return true
}

// reports reports whether a check reports a change of the priority.
func (t *trackers) reports(name string) bool {
	for e := range entries(t.router.groups...) {
		if e.Kind == vrrp.TrackCheck && e.Name == name && e.Reported {
			return true
		}
	}
	return false
}

// view returns for an entry whether it is down, and the change that it reports, really or as far
// as a router knows; waits means that the router has no result yet.
type view func(e vrrp.Tracker) (down bool, change int, waits bool)

// truth is the view of an omniscient observer.
func (t *trackers) truth(e vrrp.Tracker) (down bool, change int, waits bool) {
	if e.Kind == vrrp.TrackInterface {
		return !t.router.Port(e.Name).usable(), 0, false
	}
	c := t.check(e.Name)
	return c.finds.Down, c.finds.Change, false
}

// knowledge is the view of the router.
func (t *trackers) knowledge(e vrrp.Tracker) (down bool, change int, waits bool) {
	if e.Kind == vrrp.TrackInterface {
		return !t.router.Port(e.Name).known, 0, false
	}
	k := t.check(e.Name).known
	return k.state == vrrp.TrackerDown, k.change, k.state == vrrp.TrackerWaiting
}

// barred reports whether an entry without a weight keeps the first group of the router from
// serving: one of a member, or any or all of those of the group.
func (t *trackers) barred(v view) bool {
	g := &t.router.groups[0]
	for i := range g.Members {
		for _, e := range g.Members[i].Track {
			if down, _, waits := v(e); e.Weight == 0 && !waits && down != e.Reverse {
				return true
			}
		}
	}
	failed, of := 0, 0
	for _, e := range g.Track {
		down, _, waits := v(e)
		switch {
		case e.Weight != 0:
		case e.Reported && down:
			return true
		case e.Reported:
		default:
			of++
			if !waits && down != e.Reverse {
				failed++
			}
		}
	}
	return failed > 0 && (!g.FaultAll || failed == of)
}

// wait reports whether a check of the first group has no result yet.
func (t *trackers) wait() bool {
	for _, e := range t.router.tracked {
		if _, _, waits := t.knowledge(e); waits {
			return true
		}
	}
	return false
}

// weighed returns the priority of the first group by its configuration and what the router knows
// of its trackers: each entry counts once, however often it is listed.
func (t *trackers) weighed() uint8 {
	g := &t.router.groups[0]
	own := int(g.Members[0].Priority)
	if own == vrrp.Owner {
		return vrrp.Owner
	}
	for _, e := range t.router.tracked {
		down, change, waits := t.knowledge(e)
		if waits {
			continue
		}
		switch bad := down != e.Reverse; {
		case e.Reported && !bad:
			own += change
		case e.Weight > 0 && !bad, e.Weight < 0 && bad:
			own += e.Weight
		}
	}
	least := 1
	if g.LastStanding {
		least = vrrp.ImpairedLastStanding + 1
	}
	return uint8(min(max(own, least), vrrp.Owner-1))
}
