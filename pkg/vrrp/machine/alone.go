package machine

import (
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// Two routers that have each lost a different cable are both in Fault, and no router serves,
// although each of them could serve one segment. With last_standing a healthy member then serves
// alone, while its group stays in Fault:
//
//   - A member is healthy if it has no fault of its own: of its link, its adverts, its
//     addresses, or its own trackers. Faults of other members and of the whole group do not
//     count. A release and a recovery keep it from serving as well.
//   - It begins when no Active was heard on its segment for an Active_Down_Interval of its
//     own priority and the Skew_Time of priority 1: so every router without a fault takes over
//     first, even an impaired one, and of two with faults the one with the greater priority. A
//     priority 0 shortens nothing: the routers without a fault wait for Skew_Time alone.
//   - It advertises priority 1; an impaired router advertises 2 in such a group. Every router
//     without a fault preempts priority 1, whatever its Preempt_Mode, and the member yields to
//     each Active of a greater priority as soon as it hears it, on this segment alone.
//   - Two routers that serve alone compare their addresses on the first member on which both
//     serve and hear each other, as groups do.
//   - It goes on while the group, whose faults are over, waits in Backup: the takeover only
//     raises its priority. Otherwise the end of a fault would be an outage.

// alone records whether a member serves alone, and from when it may.
type alone struct {
	serves bool
	from   time.Time // if no Active is heard until then; zero if it may not
}

// waits reports whether the member waits to serve alone.
func (a *alone) waits() bool { return !a.serves && !a.from.IsZero() }

// postpone postpones the beginning to the instant from, if that is later.
func (a *alone) postpone(from time.Time) {
	if from.After(a.from) {
		a.from = from
	}
}

// serves reports whether a member is Active, with its group or alone.
func (f *facts) serves(m *member) bool { return f.state() == event.Active || f.servesAlone(m) }

// servesAlone reports whether a member is Active and its group is not.
func (f *facts) servesAlone(m *member) bool {
	if !m.alone.serves || !f.sound(m) {
		return false
	}
	state := f.state()
	return state == event.Fault || state == event.Backup
}

// stateOf returns the state of a member: that of the group unless the member serves alone.
func (f *facts) stateOf(m *member) event.State {
	if f.servesAlone(m) {
		return event.Active
	}
	return f.state()
}

// anyAlone reports whether any member serves alone.
func (f *facts) anyAlone() bool { return slices.ContainsFunc(f.members, f.servesAlone) }

// serving returns the instances that serve, for an order to them; nil, for all members, if the
// group is Active.
func (f *facts) serving() (only []*vrrp.Instance) {
	if f.state() == event.Active {
		return nil
	}
	for _, m := range f.members {
		if f.servesAlone(m) {
			only = append(only, m.Instance)
		}
	}
	return only
}

// sound reports whether a member has nothing of its own that keeps it from serving alone.
func (f *facts) sound(m *member) bool {
	if !f.lastStanding || m.recovery != nil || f.faults.has(f.releaseKey()) {
		return false
	}
	for _, key := range m.faultKeys() {
		if f.faults.has(key) {
			return false
		}
	}
	return !f.trackers.FailedOf(m.index)
}

// aloneWait returns how long a member must hear no Active, which would advertise every interval,
// before it serves alone.
func (f *facts) aloneWait(m *member, interval time.Duration) time.Duration {
	return time.Duration(m.Miss)*interval + m.Timing(f.ownPriority()).SkewTime(interval) + m.Timing(vrrp.Impaired).SkewTime(interval)
}

// aloneAt returns when a member begins to serve alone if no Active is heard; false if it already
// serves or may not.
func (f *facts) aloneAt(m *member) (at time.Time, ok bool) {
	if !m.alone.waits() {
		return time.Time{}, false
	}
	at = m.alone.from
	for _, other := range [...]time.Time{m.heardUntil(), f.startupEnds} {
		if other.After(at) {
			at = other
		}
	}
	return at, true
}

// nextAlone returns the first instant at which a member begins to serve alone.
func (f *facts) nextAlone() (time.Time, bool) {
	var first deadline.Earliest
	for _, m := range f.members {
		first.AddIf(f.aloneAt(m))
	}
	return first.Get()
}

// beginAlone marks the members whose wait is over as serving alone.
func (f *facts) beginAlone(now time.Time) {
	for _, m := range f.members {
		if due, may := f.aloneAt(m); may && !due.After(now) {
			m.alone.serves = true
		}
	}
	f.asked, f.graceGiven = verification{}, time.Time{}
}

// waitAlone begins the wait of each member that may serve alone from now on, and ends that of
// each member that no longer may.
func (f *facts) waitAlone(now time.Time) {
	if !f.lastStanding {
		return
	}
	fault := f.started && f.impeded()
	for _, m := range f.members {
		switch may := fault && f.sound(m); {
		case !may:
			m.alone.from = time.Time{}
			m.alone.serves = m.alone.serves && f.servesAlone(m)
		case m.alone.from.IsZero():
			m.alone.from = now.Add(f.aloneWait(m, m.interval))
		}
	}
}

// giveTimeAlone does what giveTime does, for members that wait to serve alone.
func (f *facts) giveTimeAlone(now time.Time, gap time.Duration) (given bool) {
	if gap <= f.members.shortest() || !f.graceGiven.IsZero() {
		return false
	}
	for _, m := range f.members {
		at := now.Add(f.aloneWait(m, m.interval) - time.Duration(m.Miss-1)*m.interval)
		if _, may := f.aloneAt(m); may && at.After(m.alone.from) {
			m.alone.from, given = at, true
		}
	}
	if given {
		f.asked, f.graceGiven = verification{}, now
	}
	return given
}

// restartAlone restarts the wait of a member to serve alone, because an Active that advertises
// every interval was heard at the instant at.
func (f *facts) restartAlone(m *member, at time.Time, interval time.Duration) {
	if !m.alone.from.IsZero() { // usually zero: the member may not serve alone
		m.alone.postpone(at.Add(f.aloneWait(m, interval)))
	}
}

// endAlone makes all members cease to serve alone, since this process did not run until now.
func (f *facts) endAlone(now time.Time) {
	for _, m := range f.members {
		m.alone.serves = false
		f.restartAlone(m, now, m.interval)
	}
}

// tieAlone returns the member whose addresses decide between two routers that serve alone: the
// first on which both have done so. A router that has yielded there yields by the same comparison
// on the other members; otherwise the two would yield to each other on different segments.
func (f *facts) tieAlone(now time.Time) *member {
	for _, m := range f.members {
		if (f.servesAlone(m) || m.others.Best.Lost) && m.known(now) && m.others.Best.Priority == vrrp.Impaired {
			return m
		}
	}
	return nil
}

// lastStanding is the part of a step that concerns members that serve alone.
type lastStanding struct{ *step }

// follow emits the orders for members that begin or cease to serve alone, and reports whether
// there are any. The group was in the state before and is now in the state after.
func (s lastStanding) follow(before, after event.State) (changed bool) {
	var begun, ended []*vrrp.Instance
	for _, m := range s.f.members {
		did, does := m.beganAlone(before), s.f.servesAlone(m)
		switch {
		case after == event.Active:
			m.alone.serves = false // it now serves with the group
		case did && !does:
			s.end(m)
			ended = append(ended, m.Instance)
		case does && !did:
			s.begin(m)
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

// begin makes a member serve alone: it advertises.
func (s lastStanding) begin(m *member) {
	m.unresigned, m.resigned = nil, nil
	m.others.Forget()
	m.newActive, m.interval = event.NoResponse, m.Instance.Interval
	m.sends.refused = nil
	m.lacks.holdOff(time.Time{})
	s.advertise(m, s.why.cause)
}

// end stops the adverts of a member that served alone, as leave does for the whole group.
func (s lastStanding) end(m *member) {
	if s.why.reason == "" {
		by, reason := s.f.firstFault()
		s.why = trigger{reason, by, event.Cause{}}
	}
	m.alone.serves, m.newActive = false, event.NotActive
	s.fallSilent(m, s.why.reason == event.HigherPriorityBackup)
	m.lacks.holdOff(s.now.Add(s.f.impairment.wait))
}

// serve makes members serve alone whose wait is over and verified, as wait does for the whole
// group.
func (s lastStanding) serve(in vrrp.Tick) {
	at, ok := s.f.nextAlone()
	if !ok || s.giveTimeAlone(s.f.asked.late(at, s.now)) || !s.dueAndVerified(at, in.Cause.Trace) {
		return
	}
	s.why = trigger{event.LastStanding, nil, event.Cause{Trace: s.f.asked.trace, At: at}}
	s.f.beginAlone(s.now)
}

// hear handles an advert for a member that serves alone.
func (s lastStanding) hear(m *member, h *vrrp.Heard) {
	if h.Priority > vrrp.Impaired {
		s.standDown(m, trigger{event.HigherPriorityBackup, m, h.Cause})
		return
	}
	first := s.f.tieAlone(s.now)
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

// standDown makes a member cease to serve alone.
func (s lastStanding) standDown(m *member, why trigger) { m.alone.serves, s.why = false, why }
