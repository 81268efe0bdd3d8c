package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
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

// absorbTracked learns the state of a check.
func (s *step) absorbTracked(in vrrp.Tracked) {
	if s.note(vrrp.TrackCheck, in.Check, in.State, in.Change, in.Err) {
		s.follow(in.Check, in.Cause)
	}
	s.startIfChecked()
}

// startIfChecked starts a group that waited for the results of checks once it has all.
func (s *step) startIfChecked() {
	if s.f.startWaits != nil && !s.f.trackers.awaitChecks() {
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
	return s.note(vrrp.TrackInterface, l.Name, state, 0, err)
}

// note notes the state of all trackers of that name, and reports whether it is news.
func (s *step) note(kind vrrp.TrackerKind, name string, state vrrp.TrackerState, change int, err string) bool {
	changed := s.f.trackers.note(kind, name, state, change, err, s.now)
	if changed {
		s.trackers = nil // the status lists them anew
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
		if t.fatal() && s.f.trackers.isFault(&t) {
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

// faulty reports whether any tracker, or the link of a member, causes a fault.
func (f *facts) faulty(key faultKey) bool {
	if f.trackers.cause(key) {
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
	for i := range f.trackers {
		if t := &f.trackers[i]; t.fatal() && t.fault() == key && (t.member == nil || t.member == m) {
			return true
		}
	}
	return false
}
