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

// alone tells whether a member serves alone, and from when it may.
type alone struct {
	serves bool
	from   time.Time // if nobody is heard until then; zero: it may not
}

// waits reports whether the member may come to serve alone.
func (a *alone) waits() bool { return !a.serves && !a.from.IsZero() }

// postpone puts off when it is to serve alone, if the instant from is later.
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

// stateOf returns the state of a member: that of the group, unless it serves alone.
func (f *facts) stateOf(m *member) event.State {
	if f.servesAlone(m) {
		return event.Active
	}
	return f.state()
}

// anyAlone reports whether any member serves alone.
func (f *facts) anyAlone() bool { return slices.ContainsFunc(f.members, f.servesAlone) }

// serving returns the instances to which an order for all that serves goes: nil stands for
// all members, where the group is Active.
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

// sound reports whether a member may serve alone as far as it is concerned itself.
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

// aloneWait returns how long nobody may be heard, whose adverts would come each interval,
// until a member serves alone.
func (f *facts) aloneWait(m *member, interval time.Duration) time.Duration {
	return time.Duration(m.Miss)*interval + m.Timing(f.ownPriority()).SkewTime(interval) + m.Timing(vrrp.Impaired).SkewTime(interval)
}

// aloneAt returns when a member is to serve alone unless somebody is heard; false if it
// serves, or may not.
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

// nextAlone returns the first instant at which a member is to serve alone.
func (f *facts) nextAlone() (time.Time, bool) {
	var first deadline.Earliest
	for _, m := range f.members {
		first.AddIf(f.aloneAt(m))
	}
	return first.Get()
}

// beginAlone lets members serve alone whose wait is over.
func (f *facts) beginAlone(now time.Time) {
	for _, m := range f.members {
		if due, may := f.aloneAt(m); may && !due.After(now) {
			m.alone.serves = true
		}
	}
	f.asked, f.graceGiven = verification{}, time.Time{}
}

// waitAlone begins the wait of each member that may come to serve alone from now on, and
// ends that of each that may not any more.
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

// giveTimeAlone does what giveTime does, for members that are to serve alone.
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

// restartAlone begins the wait of a member to serve alone anew: an Active, whose adverts
// come each interval, was heard at the instant at.
func (f *facts) restartAlone(m *member, at time.Time, interval time.Duration) {
	if !m.alone.from.IsZero() { // else, as at most adverts, it may not
		m.alone.postpone(at.Add(f.aloneWait(m, interval)))
	}
}

// endAlone ends that members serve alone, since this process did not run until now.
func (f *facts) endAlone(now time.Time) {
	for _, m := range f.members {
		m.alone.serves = false
		f.restartAlone(m, now, m.interval)
	}
}

// tieAlone returns the member whose addresses decide between two routers that serve alone:
// the first on which both have done so. One that has yielded there goes by it on the
// others, too, or the two would yield to each other on different segments.
func (f *facts) tieAlone(now time.Time) *member {
	for _, m := range f.members {
		if (f.servesAlone(m) || m.others.Best.Lost) && m.known(now) && m.others.Best.Priority == vrrp.Impaired {
			return m
		}
	}
	return nil
}

// lastStanding is a step as far as members are concerned that serve alone.
type lastStanding struct{ *step }

// follow gives the orders for members that begin or cease to serve alone, and reports
// whether there are any. The group was and is in the given states.
func (s lastStanding) follow(before, after event.State) (changed bool) {
	var begun, ended []*vrrp.Instance
	for _, m := range s.f.members {
		did, does := m.beganAlone(before), s.f.servesAlone(m)
		switch {
		case after == event.Active:
			m.alone.serves = false // it serves with the group
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

// begin begins to advertise a member alone.
func (s lastStanding) begin(m *member) {
	m.silent, m.resigned = netip.Addr{}, nil
	m.others.Forget()
	m.newActive, m.interval = event.NoResponse, m.Instance.Interval
	m.sends.refused = nil
	m.lacks.holdOff(time.Time{})
	s.advertise(m, s.why.cause)
}

// end silences a member that served alone, as leave does for the whole group.
func (s lastStanding) end(m *member) {
	if s.why.reason == "" {
		by, reason := s.f.firstFault()
		s.why = trigger{reason, by, event.Cause{}}
	}
	m.alone.serves, m.newActive = false, event.NotActive
	s.fallSilent(m, s.why.reason == event.HigherPriorityBackup)
	m.lacks.holdOff(s.now.Add(s.f.impairment.wait))
}

// serve lets members serve alone whose wait is over and verified, as wait does for the
// whole group.
func (s lastStanding) serve(in vrrp.Tick) {
	at, ok := s.f.nextAlone()
	if !ok || s.giveTimeAlone(s.f.asked.late(at, s.now)) || !s.dueAndVerified(at, in.Cause.Trace) {
		return
	}
	s.why = trigger{event.LastStanding, nil, event.Cause{Trace: s.f.asked.trace, At: at}}
	s.f.beginAlone(s.now)
}

// hear takes an advert for a member that serves alone.
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

// standDown ends that a member serves alone.
func (s lastStanding) standDown(m *member, why trigger) { m.alone.serves, s.why = false, why }
