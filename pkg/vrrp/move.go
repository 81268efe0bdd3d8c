package vrrp

import "ripcord/pkg/event"

// move lists the effects of a transition, in the order of docs/architecture.md#transitions.
func (s *step) move(from, to event.State) {
	if from == event.Active {
		s.leave()
	}
	if to == event.Active {
		s.enter()
	}
	if from == event.Initialize {
		s.up = s.now
	}
	s.since, s.reason = s.now, s.why.reason
	s.publish(from, to)
}

// enter takes over: every advert first, then the addresses, which may wait for it.
func (s *step) enter() {
	s.tryAgain()
	for _, m := range s.f.members {
		m.newActive = newActiveReason(s.why.reason)
		s.wantConfirmation(m)
		m.interval = m.Instance.Interval
		if m.resigned = nil; !m.confirm.wanted {
			m.other = other{} // who was Active is gone, or will show itself
		}
		m.sends.refused = nil // what failed before this is history
		s.advertise(m, s.why.cause)
	}
	if s.f.unconfirmed.IsZero() {
		s.emit(Hold{s.why.cause})
	}
}

// leave gives up: all members fall silent before any address goes. Priority 0
// is for links that live and where nobody better has spoken.
func (s *step) leave() {
	for _, m := range s.f.members {
		m.newActive = event.NotActive
		if s.silent || !m.canSend() || m.tooLong() || s.outranked(m) {
			s.emit(Mute{s.why.cause, m.Instance})
		} else {
			s.emit(Resign{s.why.cause, m.Instance})
		}
	}
	s.emit(Release{s.why.cause})
	s.dropConfirmations()
	s.holdOff()
}

// outranked reports whether a member hears the Active to which the group
// yields, or one that is better in its own right.
func (s *step) outranked(m *member) bool {
	if s.why.reason != event.HigherPriorityBackup {
		return false
	}
	return m == s.why.member || m.known(s.now) && m.other.priority >= m.Priority
}

func newActiveReason(r event.Reason) event.NewActiveReason {
	switch r {
	case event.ActiveTimeout:
		return event.NoResponse
	case event.LowerPriorityActive, event.OwnerPreempt, event.PreemptHoldTimeout:
		return event.Preempted
	}
	return event.ByPriority
}

// publish tells of the move: the member that caused it bears the reason.
func (s *step) publish(from, to event.State) {
	stamp, culprit := s.stamp(s.why.cause), ""
	for _, m := range s.f.members {
		m.reason = s.why.reason
		if s.why.member != nil && m != s.why.member {
			m.reason = event.GroupMoved
		}
		s.report(event.InstanceTransition{
			Stamp: stamp, Virtual: m.Virtual, From: from, To: to, Reason: m.reason, Priority: m.Priority,
		})
	}
	if s.cfg.Name == "" {
		return
	}
	if s.why.member != nil {
		culprit = s.why.member.Name
	}
	s.report(event.GroupTransition{
		Stamp: stamp, Group: s.cfg.Name, From: from, To: to, Reason: s.why.reason, Member: culprit,
	})
}
