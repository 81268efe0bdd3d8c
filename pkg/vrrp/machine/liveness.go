package machine

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// A Backup may watch the machine of its Active (`probe`, docs/probe.md): it asks the address
// that its adverts come from (pkg/liveness). When answers cease that came regularly, and no
// advert came since the first one that is missing, the machine is dead, and the group moves as
// after a resignation: after Skew_Time, or at once with `routers: 2`, verified. It fell silent,
// so a fence runs.
//
// Not every silence is death. Another station of the segment has to answer, or where none is
// known the same Active has to be silent on another segment too; and it must not answer any
// member that watches it. Where an Active that was taken for dead is heard within its interval,
// or answers again before the takeover, it is not watched for an hour.

// suspendedFor is how long an Active is not watched that was taken for dead and was not.
const suspendedFor = time.Hour

// watch is what is known of the machine of a member's Active.
type watch struct {
	// ordered is what was last ordered to be watched; its Active is zero if nothing is.
	ordered orderedWatch
	// known is the last report of it; the zero value before the first.
	known vrrp.Watched
	// taken is the Active that was last taken for dead; the zero value if none was, or it
	// was refuted.
	taken takenForDead
	// suspended is an Active that is not watched until an instant.
	suspended      netip.Addr
	suspendedUntil time.Time
}

// unwatched is what is known of a machine that was never watched.
var unwatched watch

// ownWatch returns what is known of the machine of the member's Active, to be written to.
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

// takenForDead is an Active that was taken for dead at an instant, since it had not answered
// since an earlier one, and its interval.
type takenForDead struct {
	active    netip.Addr
	since, at time.Time
	interval  time.Duration
}

// status returns what is known at the instant now.
func (w *watch) status(now time.Time) vrrp.WatchStatus {
	st := vrrp.WatchStatus{Active: w.ordered.active, Liveness: w.known.Liveness}
	if now.Before(w.suspendedUntil) {
		st.SuspendedUntil = w.suspendedUntil
	}
	return st
}

// isSilent reports whether the Active that member m hears does not answer any more, and sent no
// advert since the first answer that is missing.
func (m *member) isSilent() bool {
	k := &m.watch.known
	return k.Liveness == vrrp.Silent && k.Active == m.others.Best.Source && m.others.Best.At.Before(k.Since)
}

// answersProbe reports whether the Active that member m hears answers now and then.
func (m *member) answersProbe(now time.Time) bool {
	k := &m.watch.known
	return m.known(now) && k.Active == m.others.Best.Source && k.Liveness != vrrp.Unasked && !m.isSilent()
}

// liveness is a step as far as the machines of Actives are concerned.
type liveness struct{ *step }

// follow has the machine of each member's Active watched while the group is Backup.
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

// watch has the machine of an Active watched in place of the one before; the zero address: none.
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

// absorb takes what the answers of an Active show.
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
		case n.dead != nil || !n.isSilent() && !s.diesWith(n, proved):
		case at.Before(n.downAt):
			s.f.unverify()
			sooner = true
			n.downAt, n.dead, n.holdReported = at, &cause, false
			n.waitForSecond(s.now) // it may serve by now
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

// provedDead returns a member whose Active is silent although its segment forwards, or which
// fell silent on another segment too; nil if there is none, or if it answers any member.
func (l members) provedDead(now time.Time) (proved *member) {
	for _, m := range l {
		if m.answersProbe(now) {
			return nil
		}
		if proved == nil && m.isSilent() && (m.watch.known.Others == vrrp.OthersAnswer || l.silentBeside(m)) {
			proved = m
		}
	}
	return proved
}

// silentBeside reports whether no other station is known on the segment of member m, nor on
// another one on which the Active fell silent too.
func (l members) silentBeside(m *member) bool {
	if m.watch.known.Others != vrrp.NoOthers {
		return false
	}
	for _, n := range l {
		if n.Interface != m.Interface && n.isSilent() && n.watch.known.Others == vrrp.NoOthers {
			return true
		}
	}
	return false
}

// diesWith reports whether the Active of member n, of which no answer is known, goes for the
// same machine as the dead one of another member, as it would for a resignation.
func (s liveness) diesWith(n, dead *member) bool {
	best, gone := &n.others.Best, &dead.others.Best
	return n.known(s.now) && n.watch.known.Liveness == vrrp.Unasked && best.Priority == gone.Priority && best.At.Before(dead.watch.known.Since) &&
		!s.f.outOfStep.apart(pairOf(dead, gone.Source, n, best.Source), s.now)
}

// refute takes an advert of an Active that was taken for dead, and sends within its
// interval.
func (s liveness) refute(m *member, h *vrrp.Heard) {
	t := &m.watch.taken
	if t.active == h.Source && !h.Cause.At.Before(t.since) && h.Cause.At.Sub(t.at) <= t.interval {
		s.suspend(m, h.Cause, "it goes on to advertise")
	}
}

// suspend ends that the Actives of the group count as dead, and has none of them watched
// for an hour. It is member m on which one shows that it lives.
func (s liveness) suspend(m *member, cause event.Cause, why string) {
	until, at := s.now.Add(suspendedFor), m.watch.taken.at
	s.report(event.ProbeSuspended{
		Stamp: s.stamp(cause), Virtual: m.Virtual, Active: m.watch.taken.active, Until: until, Why: why,
	})
	for _, n := range s.f.members {
		t := &n.watch.taken
		if !t.active.IsValid() || !t.at.Equal(at) {
			continue // it is of an earlier death
		}
		n.watch.suspended, n.watch.suspendedUntil = t.active, until
		*t = takenForDead{}
		if n.dead != nil && s.f.waiting() {
			s.f.unverify()
			n.renew(n.others.Best.At)
		}
	}
}
