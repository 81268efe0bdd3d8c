package machine

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// Two routers of which each has lost another cable are both in Fault, and nobody serves,
// though each of them could serve one segment. With last_standing a member that is sound
// itself then serves alone, while its group stays in Fault:
//
//   - A member is sound if it has no fault of its own: its link, its adverts, its
//     addresses, what it tracks itself. What another member or the group as a whole has is
//     none of its own. A release by a person and a recovery keep it from serving, too.
//   - It begins when nobody was heard on its segment for an Active_Down_Interval of its
//     own priority and the Skew_Time of priority 1: so every router without fault is first,
//     an impaired one also, and of two with faults the one with the greater priority. A
//     priority 0 shortens nothing: the routers without fault wait for Skew_Time alone.
//   - It advertises priority 1; a router that is impaired has 2 in such a group. Every router
//     without fault preempts that, whatever its Preempt_Mode, and it yields to each Active of
//     a greater priority as soon as it hears it, on this segment alone.
//   - Two that serve alone compare their addresses on the first member on which both serve
//     and hear each other, as groups do.
//   - It goes on while the group, whose faults are over, waits in Backup: the takeover only
//     raises its priority. Else the end of a fault would be an outage.

// serves reports whether a member is Active, with its group or alone.
func (f *facts) serves(m *member) bool { return f.state() == event.Active || f.servesAlone(m) }

// servesAlone reports whether a member is Active and its group is not.
func (f *facts) servesAlone(m *member) bool {
	if !m.alone || !f.sound(m) {
		return false
	}
	state := f.state()
	return state == event.Fault || state == event.Backup
}

// stateOf returns the state of a member: that of the group, unless it serves alone.
func (f *facts) stateOf(m *member) event.State {
	if f.servesAlone(m) {
		return event.Active
	}
	return f.state()
}

// anyAlone reports whether any member serves alone.
func (f *facts) anyAlone() bool { return slices.ContainsFunc(f.members, f.servesAlone) }

// sound reports whether a member may serve alone as far as it is concerned itself.
func (f *facts) sound(m *member) bool {
	if !f.lastStanding || m.recovery != nil {
		return false
	}
	if _, released := f.faults[f.releaseKey()]; released {
		return false
	}
	for _, key := range m.faultKeys() {
		if _, on := f.faults[key]; on {
			return false
		}
	}
	return !f.trackers.FailedOf(m.index)
}

// aloneWait returns how long nobody may be heard, whose adverts would come each interval,
// until a member serves alone.
func (f *facts) aloneWait(m *member, interval time.Duration) time.Duration {
	return time.Duration(m.Miss)*interval + m.Timing(f.ownPriority()).SkewTime(interval) + m.Timing(vrrp.Impaired).SkewTime(interval)
}

// aloneAt returns when a member is to serve alone unless somebody is heard; false if it
// serves, or may not.
func (f *facts) aloneAt(m *member) (at time.Time, ok bool) {
	if m.aloneFrom.IsZero() || m.alone {
		return time.Time{}, false
	}
	at = m.aloneFrom
	for _, other := range [...]time.Time{m.others.Until(m.timing()), f.startupEnds} {
		if other.After(at) {
			at = other
		}
	}
	return at, true
}

// nextAlone returns the first instant at which a member is to serve alone.
func (f *facts) nextAlone() (time.Time, bool) {
	var first deadline.Earliest
	for _, m := range f.members {
		first.AddIf(f.aloneAt(m))
	}
	return first.Get()
}

// waitAlone lets members serve alone whose wait is over and verified, as wait does for the
// whole group.
func (s *step) waitAlone(in vrrp.Tick) {
	f := s.f
	at, ok := f.nextAlone()
	if !ok || s.giveTimeAlone(s.lateFor(at)) || !s.dueAndVerified(at, in.Cause.Trace) {
		return
	}
	s.why = trigger{event.LastStanding, nil, event.Cause{Trace: f.asked.trace, At: at}}
	for _, m := range f.members {
		if due, may := f.aloneAt(m); may && !due.After(s.now) {
			m.alone = true
		}
	}
	f.asked, f.graceGiven = asked{}, false
}

// giveTimeAlone is giveTime for members that are to serve alone.
func (s *step) giveTimeAlone(gap time.Duration) bool {
	f := s.f
	if gap <= f.shortest() || f.graceGiven {
		return false
	}
	given := false
	for _, m := range f.members {
		at := s.now.Add(f.aloneWait(m, m.interval) - time.Duration(m.Miss-1)*m.interval)
		if _, may := f.aloneAt(m); may && at.After(m.aloneFrom) {
			m.aloneFrom, given = at, true
		}
	}
	if given {
		f.asked, f.graceGiven = asked{}, true
		s.reportGrace(gap)
	}
	return given
}

// silenceBroken begins the wait of a member to serve alone anew: an Active, whose adverts
// come each interval, was heard at the instant at.
func (s *step) silenceBroken(m *member, at time.Time, interval time.Duration) {
	if from := at.Add(s.f.aloneWait(m, interval)); !m.aloneFrom.IsZero() && from.After(m.aloneFrom) {
		m.aloneFrom = from
	}
}

// heardAlone takes an advert for a member that serves alone.
func (s *step) heardAlone(m *member, h vrrp.Heard) {
	if h.Priority > vrrp.Impaired {
		s.standDown(m, trigger{event.HigherPriorityBackup, m, h.Cause})
		return
	}
	first := s.decides()
	if first == nil || !first.source.Less(first.others.Best.Source) {
		s.answerRival(m, h)
		return
	}
	for _, n := range s.f.members {
		if s.f.servesAlone(n) && n.known(s.now) && n.others.Best.Priority == vrrp.Impaired {
			n.others.Best.Lost = true
			s.standDown(n, trigger{event.HigherPriorityBackup, first, h.Cause})
		}
	}
}

// decides returns the member whose addresses decide between two routers that serve alone:
// the first on which both have done so. One that has yielded there goes by it on the
// others, too, or the two would yield to each other on different segments.
func (s *step) decides() *member {
	for _, m := range s.f.members {
		if (s.f.servesAlone(m) || m.others.Best.Lost) && m.known(s.now) && m.others.Best.Priority == vrrp.Impaired {
			return m
		}
	}
	return nil
}

// standDown ends that a member serves alone.
func (s *step) standDown(m *member, why trigger) { m.alone, s.why = false, why }

// stallAlone ends that members serve alone after a time in which the process did not run:
// others may serve by now. It reports whether any did.
func (s *step) stallAlone(by *member, cause event.Cause) bool {
	if !s.f.anyAlone() {
		return false
	}
	for _, m := range s.f.members {
		m.alone = false
		s.silenceBroken(m, s.now, m.interval)
	}
	s.why, s.silent = trigger{event.StalledLoop, by, cause}, true
	return true
}

// sleptAlone judges a time in which the whole router stood still for gap, for members that
// serve alone, or are to.
func (s *step) sleptAlone(in vrrp.Slept) {
	for _, m := range s.f.members {
		if s.f.servesAlone(m) && in.Gap > time.Duration(m.Miss)*m.Instance.Interval {
			s.stallAlone(m, in.Cause)
			return
		}
	}
	s.giveTimeAlone(in.Gap)
}

// serving returns the instances to which an order for all that serves goes: nil stands for
// all members, where the group is Active.
func (s *step) serving() (only []*vrrp.Instance) {
	if s.f.state() == event.Active {
		return nil
	}
	for _, m := range s.f.members {
		if s.f.servesAlone(m) {
			only = append(only, m.Instance)
		}
	}
	return only
}

// beganAlone reports whether a member served alone before this step, in which the group
// was in the given state.
func (m *member) beganAlone(group event.State) bool {
	return m.state == event.Active && group != event.Active
}

// followAlone gives the orders for members that begin or cease to serve alone, and reports
// whether there are any. The group was and is in the given states.
func (s *step) followAlone(before, after event.State) (changed bool) {
	var begun, ended []*vrrp.Instance
	for _, m := range s.f.members {
		did, does := m.beganAlone(before), s.f.servesAlone(m)
		switch {
		case after == event.Active:
			m.alone = false // it serves with the group
		case did && !does:
			s.leaveAlone(m)
			ended = append(ended, m.Instance)
		case does && !did:
			s.enterAlone(m)
			begun = append(begun, m.Instance)
		}
	}
	if len(ended) > 0 {
		s.emit(vrrp.Release{Cause: s.why.cause, Only: ended})
	}
	if len(begun) > 0 {
		s.emit(vrrp.Hold{Cause: s.why.cause, Only: begun})
	}
	return len(begun)+len(ended) > 0
}

// enterAlone begins to advertise a member alone.
func (s *step) enterAlone(m *member) {
	m.silent, m.resigned = netip.Addr{}, nil
	m.others.Forget()
	m.newActive, m.interval = event.NoResponse, m.Instance.Interval
	m.sends.refused = nil
	if m.lacks != nil {
		m.lacks.until = time.Time{}
	}
	s.advertise(m, s.why.cause)
}

// leaveAlone silences a member that served alone, as leave does for the whole group.
func (s *step) leaveAlone(m *member) {
	if s.why.reason == "" {
		by, reason := s.f.firstFault()
		s.why = trigger{reason, by, event.Cause{}}
	}
	m.alone, m.newActive = false, event.NotActive
	if s.silent || !m.canSend() || m.tooLong() || s.why.reason == event.HigherPriorityBackup {
		s.emit(vrrp.Mute{Cause: s.why.cause, Instance: m.Instance})
	} else {
		s.emit(vrrp.Resign{Cause: s.why.cause, Instance: m.Instance})
	}
	if m.lacks != nil {
		m.lacks.wait(s.now, s.f.impairment.holdOff)
	}
}

// countAlone begins the wait of each member that may come to serve alone from now on, and
// ends that of each that may not any more.
func (s *step) countAlone() {
	if !s.f.lastStanding {
		return
	}
	fault := s.f.started && s.f.impeded()
	for _, m := range s.f.members {
		switch may := fault && s.f.sound(m); {
		case !may:
			m.aloneFrom = time.Time{}
			m.alone = m.alone && s.f.servesAlone(m)
		case m.aloneFrom.IsZero():
			m.aloneFrom = s.now.Add(s.f.aloneWait(m, m.interval))
		}
	}
}
