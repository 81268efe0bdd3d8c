package machine

import (
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// tracker is a Tracker of the group, and what is known of it.
type tracker struct {
	vrrp.Tracker
	member *member // that lists it; nil: the group does
	// faultAll is set if all that the group itself lists have to fail.
	faultAll bool
	state    vrrp.TrackerState
	since    time.Time // of the state
	change   int       // that it reported, if it reports one
	err      string
}

// failed reports whether the tracker is down, or up if it is reversed.
func (t *tracker) failed() bool {
	if t.Reverse {
		return t.state == vrrp.TrackerUp
	}
	return t.state == vrrp.TrackerDown
}

// adds returns what the tracker adds to the priority.
func (t *tracker) adds() int {
	switch {
	case t.state == vrrp.TrackerWaiting, t.Reported && t.failed():
		return 0
	case t.Reported:
		return t.change
	case (t.Weight > 0) != t.failed():
		return t.Weight
	}
	return 0
}

// fatal reports whether the failure of the tracker is a fault.
func (t *tracker) fatal() bool { return t.Weight == 0 }

// fault returns the fault that the failure of the tracker is.
func (t *tracker) fault() faultKey {
	if t.Kind == vrrp.TrackInterface {
		return faultKey{t.Name, event.InterfaceDown}
	}
	return faultKey{t.Name, event.CheckFailed}
}

// ends returns the reason of the transition that the end of the fault brings.
func (t *tracker) ends() event.Reason {
	if t.Kind == vrrp.TrackInterface {
		return event.InterfaceUp
	}
	return event.Recovered
}

// trackers are what a group and its members track, those of the members first.
type trackers []tracker

// newTrackers returns what a group tracks. The links of the members are watched anyway;
// a link of which nothing is known is down.
func newTrackers(cfg *vrrp.Group, members []*member, now time.Time) (list trackers) {
	add := func(m *member, of []vrrp.Tracker) {
		for _, t := range of {
			state := vrrp.TrackerWaiting
			if t.Kind == vrrp.TrackInterface {
				state = vrrp.TrackerDown
			}
			list = append(list, tracker{Tracker: t, member: m, faultAll: cfg.FaultAll, state: state, since: now})
		}
	}
	for _, m := range members {
		add(m, m.Track)
	}
	add(nil, cfg.Track)
	return list
}

// note notes the state of all trackers of that name, and reports whether it is news.
func (l trackers) note(kind vrrp.TrackerKind, name string, state vrrp.TrackerState, change int, err string, now time.Time) (changed bool) {
	for i := range l {
		t := &l[i]
		if t.Kind != kind || t.Name != name || t.state == state && t.change == change && t.err == err {
			continue
		}
		if t.state != state {
			t.since = now
		}
		t.state, t.change, t.err = state, change, err
		changed = true
	}
	return changed
}

// cause reports whether any of them causes a fault.
func (l trackers) cause(key faultKey) bool {
	for i := range l {
		if t := &l[i]; t.fatal() && t.fault() == key && l.isFault(t) {
			return true
		}
	}
	return false
}

// isFault reports whether the failure of a tracker is a fault now. If all entries of a group
// must have failed (FaultAll), one alone is no fault.
func (l trackers) isFault(t *tracker) bool {
	if !t.failed() || t.member != nil || !t.faultAll || t.Reported {
		return t.failed()
	}
	for i := range l {
		if o := &l[i]; o.member == nil && o.fatal() && !o.Reported && !o.failed() {
			return false
		}
	}
	return true
}

// failedItself reports whether something has failed that the member itself tracks, and whose
// failure is a fault.
func (l trackers) failedItself(m *member) bool {
	return slices.ContainsFunc(l, func(t tracker) bool { return t.member == m && t.fatal() && t.failed() })
}

// firstFault returns the first that is a fault now; nil if there is none.
func (l trackers) firstFault() *tracker {
	for i := range l {
		if t := &l[i]; t.fatal() && l.isFault(t) {
			return t
		}
	}
	return nil
}

// awaitChecks reports whether a check of the group has no result yet.
func (l trackers) awaitChecks() bool {
	for i := range l {
		if l[i].state == vrrp.TrackerWaiting {
			return true
		}
	}
	return false
}

// weights returns the sum of what all trackers add to the priority, each once however
// often the group and its members list it.
func (l trackers) weights() (sum int) {
	for i := range l {
		t := &l[i]
		if !l.listedBefore(i) {
			sum += t.adds()
		}
	}
	return sum
}

func (l trackers) listedBefore(i int) bool {
	for j := range i {
		if l[j].Tracker == l[i].Tracker {
			return true
		}
	}
	return false
}
