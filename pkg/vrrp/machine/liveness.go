package machine

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// A Backup may watch the machine of its Active (`probe`, docs/probe.md): it asks the source
// address of the Active's adverts by ARP or neighbor discovery (pkg/liveness). When regular
// answers cease, and no advert arrived since the first missing answer, the machine is dead, and
// the group moves as after a resignation: after Skew_Time, or at once with `routers: 2`,
// verified. The Active fell silent, so a fence runs.
//
// Not every silence is death. Another station of the segment must answer, or if none is known
// the same Active must be silent on another segment as well; and it must not answer any member
// that watches it. If an Active that counted as dead is heard within its interval, or answers
// again before the takeover, it is not watched for an hour.

// suspendedFor is how long an Active is not watched after it wrongly counted as dead.
const suspendedFor = time.Hour

// watch is what is known of the machine of a member's Active.
type watch struct {
	// ordered is the watch that was last ordered; its Active is zero if none is.
	ordered orderedWatch
	// known is the last report about it; the zero value before the first one.
	known vrrp.Watched
	// taken is the Active that last counted as dead; the zero value if none did, or if that was
	// refuted.
	taken takenForDead
	// suspended is an Active that is not watched until suspendedUntil.
	suspended      netip.Addr
	suspendedUntil time.Time
}

// unwatched is the shared value of members that have never watched a machine.
var unwatched watch

// ownWatch returns the member's own watch, which may be modified.
func (m *member) ownWatch() *watch {
	if m.watch == &unwatched {
		m.watch = new(watch)
	}
	return m.watch
}

// orderedWatch is an Active, and how it is watched.
type orderedWatch struct {
	active netip.Addr
	vrrp.Watching
}

// takenForDead is an Active that counted as dead from the instant at, because it had not answered
// since an earlier instant, and its interval.
type takenForDead struct {
	active    netip.Addr
	since, at time.Time
	interval  time.Duration
}

// status returns the watch as `ripcord status` shows it.
func (w *watch) status(now time.Time) vrrp.WatchStatus {
	st := vrrp.WatchStatus{Active: w.ordered.active, Liveness: w.known.Liveness}
	if now.Before(w.suspendedUntil) {
		st.SuspendedUntil = w.suspendedUntil
	}
	return st
}

// isSilent reports whether the Active of the member no longer answers, and sent no advert since
// the first missing answer.
func (m *member) isSilent() bool {
	k := &m.watch.known
	return k.Liveness == vrrp.Silent && k.Active == m.others.Best.Source && m.others.Best.At.Before(k.Since)
}

// answersProbe reports whether the Active of the member answers at least sometimes.
func (m *member) answersProbe(now time.Time) bool {
	k := &m.watch.known
	return m.known(now) && k.Active == m.others.Best.Source && k.Liveness != vrrp.Unasked && !m.isSilent()
}

// liveness is the part of a step that concerns the machines of Actives.
type liveness struct{ *step }

// follow orders that the machine of each member's Active be watched while the group is Backup.
func (s liveness) follow() {
	backup := s.f.state() == event.Backup
	for _, m := range s.f.members {
		active := netip.Addr{}
		if w := m.watch; backup && m.Watches() && m.known(s.now) && !(w.suspended == m.others.Best.Source && s.now.Before(w.suspendedUntil)) {
			active = m.others.Best.Source
		}
		s.watch(m, active)
	}
	s.f.watches = s.f.members.watch()
}

// watch orders that the machine of an Active be watched instead of the previous one; the zero
// address ends watching.
func (s liveness) watch(m *member, active netip.Addr) {
	order := orderedWatch{active: active}
	if active.IsValid() {
		order.Watching = m.Watching
	}
	if order != m.watch.ordered {
		w := m.ownWatch()
		w.ordered, w.known = order, vrrp.Watched{}
		s.emit(vrrp.Watch{Instance: m.Instance, Active: active})
	}
}

// absorb absorbs a report about the answers of an Active.
func (s liveness) absorb(in vrrp.Watched) {
	m := s.f.members.find(in.Instance)
	if m == nil || !in.Active.IsValid() || in.Active != m.watch.ordered.active {
		return
	}
	m.watch.known = in
	switch {
	case !s.f.waiting() || s.f.members.recovering():
	case m.dead != nil && in.Liveness != vrrp.Silent:
		s.suspend(m, in.Cause, "it answers again")
	case in.Liveness == vrrp.Silent:
		s.judge(m, in.Cause)
	}
}

// judge moves the group if the machine of its Active is dead.
func (s liveness) judge(m *member, cause event.Cause) {
	proved := s.f.members.provedDead(s.now)
	if proved == nil || s.f.ownerWait != nil {
		return
	}
	why, sooner := &proved.watch.known, false
	for _, n := range s.f.members {
		switch at := s.now.Add(s.f.members.resignationWait(n)); {
		case n.dead != nil || !n.isSilent() && !s.sameMachine(n, proved):
		case at.Before(n.downAt):
			s.f.unverify()
			sooner = true
			n.downAt, n.dead, n.holdReported = at, &cause, false
			n.waitForSecond(s.now) // the second Active may serve by now
			n.ownWatch().taken = takenForDead{n.others.Best.Source, why.Since, s.now, n.others.Best.Interval}
		}
	}
	if sooner {
		s.report(event.ProbeDead{
			Stamp: s.stamp(cause), Virtual: proved.Virtual, Active: why.Active,
			Answers: why.Answered, Asked: why.Asked, Unanswered: why.Unanswered, Silent: s.now.Sub(why.Since),
		})
	}
}

// provedDead returns a member whose Active is silent although its segment forwards, or fell
// silent on another segment as well; nil if there is none, or if the Active answers any member.
func (l members) provedDead(now time.Time) (proved *member) {
	for _, m := range l {
		if m.answersProbe(now) {
			return nil
		}
		if proved == nil && m.isSilent() && (m.watch.known.OtherStations == vrrp.OtherStationsAnswer || l.silentElsewhere(m)) {
			proved = m
		}
	}
	return proved
}

// silentElsewhere reports whether the Active fell silent on the member's segment and on another
// one, and no other station is known on either.
func (l members) silentElsewhere(m *member) bool {
	if m.watch.known.OtherStations != vrrp.NoOtherStation {
		return false
	}
	for _, n := range l {
		if n.Interface != m.Interface && n.isSilent() && n.watch.known.OtherStations == vrrp.NoOtherStation {
			return true
		}
	}
	return false
}

// sameMachine reports whether the Active of member n, which has not been asked, counts as the
// same machine as the dead one of another member, as it would for a resignation.
func (s liveness) sameMachine(n, dead *member) bool {
	best, gone := &n.others.Best, &dead.others.Best
	return n.known(s.now) && n.watch.known.Liveness == vrrp.Unasked && best.Priority == gone.Priority && best.At.Before(dead.watch.known.Since) &&
		!s.f.distinct.has(pairOf(dead, gone.Source, n, best.Source), s.now)
}

// refute handles an advert of an Active that counted as dead but still sends within its interval.
func (s liveness) refute(m *member, h *vrrp.Heard) {
	t := &m.watch.taken
	if t.active == h.Source && !h.Cause.At.Before(t.since) && h.Cause.At.Sub(t.at) <= t.interval {
		s.suspend(m, h.Cause, "it still advertises")
	}
}

// suspend cancels the death of the Actives of the group, and suspends watching them for an hour.
// Member m is the one whose Active proved to be alive.
func (s liveness) suspend(m *member, cause event.Cause, why string) {
	until, at := s.now.Add(suspendedFor), m.watch.taken.at
	s.report(event.ProbeSuspended{
		Stamp: s.stamp(cause), Virtual: m.Virtual, Active: m.watch.taken.active, Until: until, Why: why,
	})
	for _, n := range s.f.members {
		t := &n.watch.taken
		if !t.active.IsValid() || !t.at.Equal(at) {
			continue // it is part of another death
		}
		n.watch.suspended, n.watch.suspendedUntil = t.active, until
		*t = takenForDead{}
		if n.dead != nil && s.f.waiting() {
			s.f.unverify()
			n.renew(n.others.Best.At)
			n.waitForSecond(s.now) // the second Active may serve by now
		}
	}
}
