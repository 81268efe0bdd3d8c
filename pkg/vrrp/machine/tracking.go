package machine

import (
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// A group may track links and checks (pkg/vrrp/tracker). One that fails is a fault of the group,
// or changes its priority if it has a weight.

// tracking is the part of a step that concerns the trackers.
type tracking struct{ *step }

// absorb absorbs the state of a check.
func (s tracking) absorb(in vrrp.Tracked) {
	if s.f.trackers.Note(vrrp.TrackCheck, in.Check, in.State, in.Change, in.Err, s.now) {
		if !s.f.trackers.Waiting() {
			s.f.inherited = 0
		}
		s.follow(in.Check, in.Cause)
	}
	s.startIfChecked()
}

// noteLink records the state of a link that the group may track, and reports whether it has
// changed.
func (s tracking) noteLink(l event.Link) bool {
	state, err := vrrp.TrackerUp, ""
	if !l.Usable {
		state, err = vrrp.TrackerDown, l.Name+" is not usable: "+l.Trouble()
	}
	return s.f.trackers.Note(vrrp.TrackInterface, l.Name, state, 0, err, s.now)
}

// follow updates faults and priority after a change of the trackers with that name.
func (s tracking) follow(name string, cause event.Cause) {
	s.followTrackers(cause)
	s.followPriority(name, cause)
}

// followTrackers raises the faults of the trackers that have failed, and clears those of the
// others: in this order, so that a group which stays in Fault restarts no wait.
func (s tracking) followTrackers(cause event.Cause) {
	for t := range s.f.trackers.Fatal() {
		if s.f.trackers.Faulty(t) {
			if len(s.f.faults) == 0 {
				s.tracker = t.Name
			}
			s.raise(trackerKey(t), t.Err, trigger{t.Reason(), s.f.trackingMember(t), cause})
		}
	}
	for t := range s.f.trackers.Fatal() {
		key := trackerKey(t)
		if !s.f.faults.has(key) || s.f.faulty(key) {
			continue
		}
		if len(s.f.faults) == 1 {
			s.tracker = t.Name
		}
		s.clear(key, trigger{t.EndReason(), s.f.trackingMember(t), cause})
	}
}

// delayPreemption begins preempt_delay if a weight has raised the priority from the given one
// above that of an Active to which the group yielded. For that Active, it is the same as the end of
// a fault: what failed here has just returned, and may fail again.
func (s tracking) delayPreemption(from uint8) {
	if !s.f.waiting() {
		return
	}
	for _, m := range s.f.members {
		if p := m.others.Best.Priority; m.known(s.now) && from <= p && p < m.Priority {
			s.f.members.delayPreemption(s.now)
			return
		}
	}
}

// followPriority updates the priority in force after a change of the trackers, and reports it.
func (s tracking) followPriority(tracker string, cause event.Cause) {
	from := s.f.members[0].Priority
	s.reprioritize(cause)
	to := s.f.members[0].Priority
	if from == to {
		return
	}
	s.delayPreemption(from)
	e := event.InstancePriority{Stamp: s.stamp(cause), Group: s.cfg.Name, From: from, To: to, Tracker: tracker}
	if e.Group == "" {
		e.Virtual = s.f.members[0].Virtual
	}
	s.report(e)
}
