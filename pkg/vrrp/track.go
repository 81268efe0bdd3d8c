package vrrp

import (
	"time"

	"ripcord/pkg/event"
)

// A group tracks what is outside the protocol: other links, and checks. A tracker
// without a weight is a fault while it is down. One with a weight changes the group's
// priority: a positive weight is added while it is up, a negative one while it is down,
// as keepalived does. All members of a group have one priority, so the weights of all of
// them and of the group itself are added up, each tracker once.
//
// A group whose checks have no result yet does not start: it stays in Initialize, and
// reports that it waits for them. Once started it waits for no check any more, also not
// for one that a reload has added.

// TrackerKind is what a tracker watches.
type TrackerKind uint8

// The kinds.
const (
	TrackInterface TrackerKind = iota // a link, by its name
	TrackCheck                        // a check, by its name
)

// Tracker is one entry of the list `track` of an instance or a group.
type Tracker struct {
	Kind TrackerKind
	Name string
	// Weight is added to the priority while the tracker is up if it is positive, while
	// it is down if it is negative. 0: the failure is a fault.
	Weight int
	// Reverse adds it while the tracker is in the other state; without a weight, the
	// fault is that it is up.
	Reverse bool
	// Reported is set where the tracker itself reports how much it adds to the priority, as
	// a check of a file does; Weight is not used then. While it is down it is a fault,
	// whatever FaultAll says.
	Reported bool
}

// TrackerState is what is known of what a tracker watches.
type TrackerState uint8

// The states.
const (
	TrackerWaiting TrackerState = iota // it has no result yet
	TrackerUp
	TrackerDown
)

// tracker is a Tracker of the group, and what is known of it.
type tracker struct {
	Tracker
	member *member // that lists it; nil: the group does
	state  TrackerState
	since  time.Time // of the state
	change int       // that it reported, if it reports one
	err    string
}

// failed reports whether the tracker is down, or up if it is reversed.
func (t *tracker) failed() bool {
	if t.Reverse {
		return t.state == TrackerUp
	}
	return t.state == TrackerDown
}

// adds returns what the tracker adds to the priority.
func (t *tracker) adds() int {
	switch {
	case t.state == TrackerWaiting, t.Reported && t.failed():
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
	if t.Kind == TrackInterface {
		return faultKey{t.Name, event.InterfaceDown}
	}
	return faultKey{t.Name, event.CheckFailed}
}

// newTrackers returns what a group tracks. The links of the members are watched anyway;
// a link of which nothing is known is down.
func newTrackers(cfg *Group, members []*member, now time.Time) (list []tracker) {
	add := func(m *member, of []Tracker) {
		for _, t := range of {
			state := TrackerWaiting
			if t.Kind == TrackInterface {
				state = TrackerDown
			}
			list = append(list, tracker{Tracker: t, member: m, state: state, since: now})
		}
	}
	for _, m := range members {
		add(m, m.Track)
	}
	add(nil, cfg.Track)
	return list
}

// absorbTracked learns the state of a check.
func (s *step) absorbTracked(in Tracked) {
	if s.note(TrackCheck, in.Check, in.State, in.Change, in.Err) {
		s.follow(in.Check, in.Cause)
	}
	s.startIfChecked()
}

// startIfChecked starts a group that waited for the results of checks once it has all.
func (s *step) startIfChecked() {
	if s.f.startWaits != nil && !s.f.awaitsChecks() {
		start := *s.f.startWaits
		s.f.startWaits = nil
		s.culprit = ""
		s.absorbStart(start)
	}
}

// trackLink learns the state of a link that the group may track, and reports whether it is
// news.
func (s *step) trackLink(l event.Link) bool {
	state, err := TrackerUp, ""
	if !l.Usable {
		state, err = TrackerDown, l.Name+" is not usable: "+l.Trouble()
	}
	return s.note(TrackInterface, l.Name, state, 0, err)
}

// note notes the state of all trackers of that name, and reports whether it is news.
func (s *step) note(kind TrackerKind, name string, state TrackerState, change int, err string) (changed bool) {
	for i := range s.f.trackers {
		t := &s.f.trackers[i]
		if t.Kind != kind || t.Name != name || t.state == state && t.change == change && t.err == err {
			continue
		}
		if t.state != state {
			t.since = s.now
		}
		t.state, t.change, t.err = state, change, err
		changed, s.trackers = true, nil
	}
	return changed
}

// follow lets faults and priority follow the trackers of that name.
func (s *step) follow(name string, cause event.Cause) {
	s.followTrackers(cause)
	s.followPriority(name, cause)
}

// followTrackers raises the faults of the trackers that have failed, and clears those of
// the others: in this order, so that a group which stays in Fault begins no wait anew.
func (s *step) followTrackers(cause event.Cause) {
	for _, t := range s.f.trackers {
		if t.fatal() && s.f.isFault(&t) {
			if len(s.f.faults) == 0 {
				s.culprit = t.Name
			}
			s.raise(t.fault(), t.err, trigger{t.fault().reason, t.member, cause})
		}
	}
	for _, t := range s.f.trackers {
		_, stands := s.f.faults[t.fault()]
		if !t.fatal() || !stands || s.f.faulty(t.fault()) {
			continue
		}
		if len(s.f.faults) == 1 {
			s.culprit = t.Name
		}
		s.clear(t.fault(), trigger{t.ends(), t.member, cause})
	}
}

// ends returns the reason of the transition that the end of the fault brings.
func (t *tracker) ends() event.Reason {
	if t.Kind == TrackInterface {
		return event.InterfaceUp
	}
	return event.Recovered
}

// faulty reports whether any tracker, or the link of a member, causes a fault.
func (f *facts) faulty(key faultKey) bool {
	if f.tracked(key) {
		return true
	}
	for _, m := range f.members {
		if wrong, _ := m.linkFault(); wrong == key {
			return true
		}
	}
	return false
}

// tracked reports whether any tracker causes a fault.
func (f *facts) tracked(key faultKey) bool {
	for i := range f.trackers {
		if t := &f.trackers[i]; t.fatal() && t.fault() == key && f.isFault(t) {
			return true
		}
	}
	return false
}

// isFault reports whether the failure of a tracker is a fault now. If all entries of a group
// must have failed (FaultAll), one alone is no fault.
func (f *facts) isFault(t *tracker) bool {
	if !t.failed() || t.member != nil || !f.faultAll || t.Reported {
		return t.failed()
	}
	for i := range f.trackers {
		if o := &f.trackers[i]; o.member == nil && o.fatal() && !o.Reported && !o.failed() {
			return false
		}
	}
	return true
}

// trackerFault returns the first tracker that is a fault now; nil if there is none.
func (f *facts) trackerFault() *tracker {
	for i := range f.trackers {
		if t := &f.trackers[i]; t.fatal() && f.isFault(t) {
			return t
		}
	}
	return nil
}

// awaitsChecks reports whether a check of the group has no result yet.
func (f *facts) awaitsChecks() bool {
	for i := range f.trackers {
		if f.trackers[i].state == TrackerWaiting {
			return true
		}
	}
	return false
}

// weights returns the sum of what all trackers add to the priority, each once however
// often the group and its members list it.
func (f *facts) weights() (sum int) {
	for i := range f.trackers {
		t := &f.trackers[i]
		if !f.listedBefore(i) {
			sum += t.adds()
		}
	}
	return sum
}

func (f *facts) listedBefore(i int) bool {
	for j := range i {
		if f.trackers[j].Tracker == f.trackers[i].Tracker {
			return true
		}
	}
	return false
}

// waitForChecks puts a start off until all checks have a result, and reports it.
func (s *step) waitForChecks(in Start) {
	s.f.startWaits = &in
	for _, m := range s.f.members {
		s.report(event.InstanceHolding{Stamp: s.stamp(in.Cause), Virtual: m.Virtual, Reason: event.HoldCheck})
	}
}

// followPriority lets the priority in force follow the trackers and reports the change.
func (s *step) followPriority(tracker string, cause event.Cause) {
	from := s.f.members[0].Priority
	s.reprioritize(cause)
	to := s.f.members[0].Priority
	if from == to {
		return
	}
	e := event.InstancePriority{Stamp: s.stamp(cause), Group: s.cfg.Name, From: from, To: to, Tracker: tracker}
	if e.Group == "" {
		e.Virtual = s.f.members[0].Virtual
	}
	s.report(e)
}

// A person may take a router out of service for a while: the group is released. It hands
// over as at a fault, and takes part again when it is resumed.

// absorbReleased begins or ends a release.
func (s *step) absorbReleased(in Released) {
	key := s.f.releaseKey()
	if !in.On {
		s.f.releasedUntil = time.Time{}
		s.clear(key, trigger{event.Resumed, nil, in.Cause})
		return
	}
	s.f.releasedUntil = in.Until
	s.raise(key, in.Err(), trigger{event.Released, nil, in.Cause})
}

// endRelease ends a release that was for a time.
func (s *step) endRelease(in Tick) {
	if at := s.f.releasedUntil; !at.IsZero() && !s.now.Before(at) {
		s.absorbReleased(Released{Cause: in.Cause})
	}
}

// releaseKey is the fault that a release is: that of the whole group.
func (f *facts) releaseKey() faultKey { return faultKey{f.name, event.Released} }

// concerns reports whether a fault of a tracker, or of the group, is shown at a member.
func (f *facts) concerns(key faultKey, m *member) bool {
	if key == f.releaseKey() {
		return true
	}
	for i := range f.trackers {
		if t := &f.trackers[i]; t.fatal() && t.fault() == key && (t.member == nil || t.member == m) {
			return true
		}
	}
	return false
}
