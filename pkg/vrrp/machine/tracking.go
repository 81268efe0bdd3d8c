package machine

import (
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// A group may track links and checks (pkg/vrrp/tracker). One that fails is a fault of the
// group, or changes its priority if it has a weight.

// tracking is a step as far as the trackers are concerned.
type tracking struct{ *step }

// absorb takes the state of a check.
func (s tracking) absorb(in vrrp.Tracked) {
	if s.f.trackers.Note(vrrp.TrackCheck, in.Check, in.State, in.Change, in.Err, s.now) {
		if !s.f.trackers.Waiting() {
			s.f.inherited = 0
		}
		s.follow(in.Check, in.Cause)
	}
	s.startIfChecked()
}

// noteLink notes the state of a link that the group may track, and reports whether it is
// news.
func (s tracking) noteLink(l event.Link) bool {
	state, err := vrrp.TrackerUp, ""
	if !l.Usable {
		state, err = vrrp.TrackerDown, l.Name+" is not usable: "+l.Trouble()
	}
	return s.f.trackers.Note(vrrp.TrackInterface, l.Name, state, 0, err, s.now)
}

// follow lets faults and priority follow the trackers of that name.
func (s tracking) follow(name string, cause event.Cause) {
	s.followTrackers(cause)
	s.followPriority(name, cause)
}

// followTrackers raises the faults of the trackers that have failed, and clears those of
// the others: in this order, so that a group which stays in Fault begins no wait anew.
func (s tracking) followTrackers(cause event.Cause) {
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
		if !s.f.faults.has(key) || s.f.faulty(key) {
			continue
		}
		if len(s.f.faults) == 1 {
			s.culprit = t.Name
		}
		s.clear(key, trigger{t.EndReason(), s.f.lister(t), cause})
	}
}

// followPriority lets the priority in force follow the trackers and reports the change.
func (s tracking) followPriority(tracker string, cause event.Cause) {
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
