package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/tracker"
)

// A group whose checks have no result yet does not start: it stays in Initialize, and
// reports that it waits for them. Once started it waits for no check any more, also not
// for one that a reload has added.

// absorbTracked learns the state of a check.
func (s *step) absorbTracked(in vrrp.Tracked) {
	if s.f.trackers.Note(vrrp.TrackCheck, in.Check, in.State, in.Change, in.Err, s.now) {
		s.follow(in.Check, in.Cause)
	}
	s.startIfChecked()
}

// startIfChecked starts a group that waited for the results of checks once it has all.
func (s *step) startIfChecked() {
	if s.f.startWaits != nil && !s.f.trackers.Waiting() {
		start := *s.f.startWaits
		s.f.startWaits = nil
		s.culprit = ""
		s.absorbStart(start)
	}
}

// trackLink learns the state of a link that the group may track, and reports whether it is
// news.
func (s *step) trackLink(l event.Link) bool {
	state, err := vrrp.TrackerUp, ""
	if !l.Usable {
		state, err = vrrp.TrackerDown, l.Name+" is not usable: "+l.Trouble()
	}
	return s.f.trackers.Note(vrrp.TrackInterface, l.Name, state, 0, err, s.now)
}

// follow lets faults and priority follow the trackers of that name.
func (s *step) follow(name string, cause event.Cause) {
	s.followTrackers(cause)
	s.followPriority(name, cause)
}

// followTrackers raises the faults of the trackers that have failed, and clears those of
// the others: in this order, so that a group which stays in Fault begins no wait anew.
func (s *step) followTrackers(cause event.Cause) {
	for t := range s.f.trackers.Fatal() {
		if s.f.trackers.Faulty(t) {
			if len(s.f.faults) == 0 {
				s.culprit = t.Name
			}
			s.raise(trackerKey(t), t.Err, trigger{t.Reason(), s.f.lister(t), cause})
		}
	}
	for t := range s.f.trackers.Fatal() {
		key := trackerKey(t)
		if _, stands := s.f.faults[key]; !stands || s.f.faulty(key) {
			continue
		}
		if len(s.f.faults) == 1 {
			s.culprit = t.Name
		}
		s.clear(key, trigger{t.EndReason(), s.f.lister(t), cause})
	}
}

// trackerKey returns the fault that the failure of a tracker is.
func trackerKey(t *tracker.Entry) faultKey { return faultKey{t.Name, t.Reason()} }

// lister returns the member that lists a tracker; nil if the group does.
func (f *facts) lister(t *tracker.Entry) *member {
	if t.Member == tracker.OfGroup {
		return nil
	}
	return f.members[t.Member]
}

// faulty reports whether any tracker, or the link of a member, causes a fault.
func (f *facts) faulty(key faultKey) bool {
	if f.trackers.Causes(key.source, key.reason) {
		return true
	}
	for _, m := range f.members {
		if wrong, _ := m.linkFault(); wrong == key {
			return true
		}
	}
	return false
}

// waitForChecks puts a start off until all checks have a result, and reports it.
func (s *step) waitForChecks(in vrrp.Start) {
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
func (s *step) absorbReleased(in vrrp.Released) {
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
func (s *step) endRelease(in vrrp.Tick) {
	if at := s.f.releasedUntil; !at.IsZero() && !s.now.Before(at) {
		s.absorbReleased(vrrp.Released{Cause: in.Cause})
	}
}

// releaseKey is the fault that a release is: that of the whole group.
func (f *facts) releaseKey() faultKey { return faultKey{f.name, event.Released} }

// concerns reports whether a fault of a tracker, or of the group, is shown at a member.
func (f *facts) concerns(key faultKey, m *member) bool {
	if key == f.releaseKey() {
		return true
	}
	return f.trackers.Concerns(key.source, key.reason, m.index)
}
