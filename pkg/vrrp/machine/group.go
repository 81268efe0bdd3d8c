package machine

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/heard"
)

// transition lists the effects of a transition, in the order of docs/architecture.md#transitions.
func (s *step) transition(from, to event.State) {
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
	s.reportTransition(from, to)
}

// enter takes over: every advert first, then the addresses, which may wait for it.
func (s *step) enter() {
	s.tryAgain()
	s.f.fence.Cancel()
	s.f.fence.Forget()
	for _, m := range s.f.members {
		m.silent = netip.Addr{}
		if m.newActive = newActiveReason(s.why.reason); m.state != event.Active { // else it served alone
			s.wantConfirmation(m)
		}
		m.interval = m.Instance.Interval
		if m.resigned = nil; !m.confirm.wanted {
			m.others.Forget() // who was Active is gone, or will show itself
		}
		m.sends.refused = nil // what failed before this is history
		s.advertise(m, s.why.cause)
		if m.state == event.Active {
			s.emit(vrrp.AdvertiseNow{Cause: s.why.cause, Instance: m.Instance})
		}
	}
	if s.f.confirmBy.IsZero() {
		s.emit(vrrp.Hold{Cause: s.why.cause})
	}
}

// leave ends the time as Active: all members fall silent before any address goes. Priority
// 0 is sent on links that live and where no better Active was heard.
func (s *step) leave() {
	for _, m := range s.f.members {
		m.newActive = event.NotActive
		neverSent := m.ordered.config == nil // it joined in this very step
		if s.silent || neverSent || !m.canSend() || m.tooLong() || s.outranked(m) {
			s.emit(vrrp.Mute{Cause: s.why.cause, Instance: m.Instance})
		} else {
			s.emit(vrrp.Resign{Cause: s.why.cause, Instance: m.Instance})
		}
	}
	s.emit(vrrp.Release{Cause: s.why.cause})
	s.dropConfirmations()
	s.holdOff()
}

// outranked reports whether a member hears the Active to which the group
// yields, or one that is better in its own right.
func (s *step) outranked(m *member) bool {
	if s.why.reason != event.HigherPriorityBackup {
		return false
	}
	return m == s.why.member || m.known(s.now) && m.others.Best.Priority >= m.Priority
}

func newActiveReason(r event.Reason) event.NewActiveReason {
	switch r {
	case event.ActiveTimeout, event.FenceFailed:
		return event.NoResponse
	case event.LowerPriorityActive, event.OwnerPreempt, event.PreemptHoldTimeout:
		return event.Preempted
	}
	return event.ByPriority
}

// reportTransition reports the transition: the member that caused it bears the reason.
// Where the group stays as it is, only members that begin or cease to serve alone change.
func (s *step) reportTransition(from, to event.State) {
	stamp, blamed := s.stamp(s.why.cause), ""
	for _, m := range s.f.members {
		was, is := m.state, s.f.stateOf(m)
		if was == is && to != event.Active {
			continue
		}
		m.reason = s.why.reason
		if s.why.member != nil && m != s.why.member {
			m.reason = event.GroupMoved
		}
		if was == is { // it served alone before its group
			continue
		}
		m.state, m.since = is, s.now
		s.report(event.InstanceTransition{
			Stamp: stamp, Virtual: m.Virtual, From: was, To: is, Reason: m.reason, Priority: m.advertised(), Alone: from == to,
		})
	}
	if s.cfg.Name == "" || from == to {
		return
	}
	switch {
	case s.culprit != "":
		blamed = s.culprit
	case s.why.member != nil:
		blamed = s.why.member.Name
	}
	s.report(event.GroupTransition{
		Stamp: stamp, Group: s.cfg.Name, From: from, To: to, Reason: s.why.reason, Member: blamed,
	})
}

// A router that resigns on one segment of a group leaves them all, but a pulled
// cable cannot carry its own priority 0. So the resignation cascades to the
// members whose Active last advertised the same priority; and where that Active
// proves to be alive, the two addresses are no longer taken for one router
// (docs/architecture.md#cascade).

// pair is two senders that may be one router: its addresses on two members.
type pair struct {
	a, b             int // indices of the members, a < b
	sourceA, sourceB netip.Addr
}

func pairOf(m *member, source netip.Addr, n *member, other netip.Addr) pair {
	if n.index < m.index {
		m, source, n, other = n, other, m, source
	}
	return pair{m.index, n.index, source, other}
}

// cascade marks a wait that another member's resignation shortened.
type cascade struct {
	from   *member
	by     resignation
	source netip.Addr // the Active of this member, believed gone
}

// cascade carries the resignation r of m's Active, which had advertised the
// given priority, to the other members.
func (s *step) cascade(m *member, priority uint8, r resignation) {
	for _, n := range s.f.members {
		if n == m || !n.known(s.now) || n.others.Best.Priority != priority || s.provedApart(m, r.source, n, n.others.Best.Source) {
			continue
		}
		n.silent = netip.Addr{}
		if at := r.at.Add(s.f.resignationWait(n)); at.Before(n.downAt) {
			s.f.unverify()
			n.downAt, n.holdReported = at, false
			n.cascaded = &cascade{from: m, by: r, source: n.others.Best.Source}
		}
	}
}

// provedApart reports whether two addresses have proved not to be in step.
func (s *step) provedApart(m *member, source netip.Addr, n *member, other netip.Addr) bool {
	key := pairOf(m, source, n, other)
	until, ok := s.f.outOfStep[key]
	if ok && !s.now.Before(until) {
		delete(s.f.outOfStep, key)
		return false
	}
	return ok
}

// provesOutOfStep checks whether an advert shows alive an Active that a
// cascade took for gone. It reports true for an advert that was received before
// the resignation and proves nothing, nor renews anything.
func (s *step) provesOutOfStep(m *member, h vrrp.Heard) (stale bool) {
	c := m.cascaded
	if c == nil || c.source != h.Source {
		return false
	}
	if h.Cause.At.Before(c.by.at) {
		return true
	}
	soon := h.Cause.At.Sub(c.by.at) <= time.Duration(m.Miss)*m.interval
	if soon && !m.outranks(h.Priority, s.now) {
		if s.f.outOfStep == nil {
			s.f.outOfStep = make(map[pair]time.Time)
		}
		s.f.outOfStep[pairOf(c.from, c.by.source, m, c.source)] = s.now.Add(outOfStep)
		s.report(event.GroupCascade{
			Stamp: s.stamp(h.Cause), Group: s.cfg.Name, Source: c.by.source.String(),
			Why: fmt.Sprintf("it resigned %s, but %s is still Active of %s", c.from.Name, h.Source, m.Name),
		})
	}
	m.cascaded = nil
	return false
}

// inStep takes a pair for one router again when both of its addresses resign
// within one interval, in either order: two links are not read in step.
func (s *step) inStep(m *member, r resignation) {
	m.cascaded = nil
	for _, n := range s.f.members {
		if n == m || !n.lastResign.source.IsValid() || r.at.Sub(n.lastResign.at).Abs() > n.interval {
			continue
		}
		key := pairOf(m, r.source, n, n.lastResign.source)
		if _, ok := s.f.outOfStep[key]; ok {
			delete(s.f.outOfStep, key)
			s.report(event.GroupCascade{
				Stamp: s.stamp(r.cause), Group: s.cfg.Name, Source: r.source.String(), On: true,
				Why: fmt.Sprintf("it and %s resigned together", n.lastResign.source),
			})
		}
	}
}

// priority returns the priority in force, which is one for all members of a group:
// it is advertised, sets Skew_Time, and is compared with that of others. It is the
// only place that derives it.
func (f *facts) priority() uint8 {
	if f.impaired() {
		return f.members[0].impaired
	}
	return f.ownPriority()
}

// ownPriority returns the priority that the group has if it lacks nothing.
func (f *facts) ownPriority() uint8 {
	least := leastPriority
	if f.lastStanding {
		least = vrrp.ImpairedLastStanding + 1
	}
	return f.trackers.Priority(f.members[0].Instance.Priority, least)
}

// leastPriority bounds a priority with weights: 0 resigns.
const leastPriority = 1

// reprioritize lets all members follow the priority in force. An Active whose
// priority changes sends its adverts at once: a better Backup counts its Skew_Time
// from the first that it hears.
func (s *step) reprioritize(cause event.Cause) {
	p := s.f.priority()
	if p == s.f.members[0].Priority {
		return
	}
	active, outranking := s.f.state() == event.Active, s.outranking()
	for _, m := range s.f.members {
		m.Priority = p
		if active {
			s.updateAdvert(m, cause)
			if s.f.listening == nil {
				s.emit(vrrp.AdvertiseNow{Cause: cause, Instance: m.Instance})
			}
		}
	}
	if s.f.ownerWait != nil { // it is no owner now, and waits as a Backup
		s.why = s.f.ownerWait.cause
		s.f.unverify()
		for _, m := range s.f.members {
			m.renew(s.now)
		}
	}
	s.yieldAgain(outranking)
}

// outranking returns the members that hear an Active which they may preempt: its adverts
// do not renew their timers.
func (s *step) outranking() (list []*member) {
	for _, m := range s.f.members {
		if m.known(s.now) && m.outranks(m.others.Best.Priority, s.now) {
			list = append(list, m)
		}
	}
	return list
}

// yieldAgain lets those of some members that may not preempt their Active any more wait for
// it as if its last advert had renewed their timers.
func (s *step) yieldAgain(list []*member) {
	if !s.f.waiting() || s.f.ownerWait != nil {
		return
	}
	for _, m := range list {
		if slices.Contains(s.f.members, m) && m.known(s.now) && !m.outranks(m.others.Best.Priority, s.now) {
			s.f.unverify()
			m.interval = m.others.Best.Interval
			m.renew(m.others.Best.At)
		}
	}
}

// fell reports whether an advert shows that the Active, which was at least as good as
// this router until then, has lowered its priority below ours.
func (m *member) fell(was heard.Active, h vrrp.Heard) bool {
	return was.Source == h.Source && was.Priority >= m.Priority && h.Priority < m.Priority
}

// replace lets the group take over from an Active that fell when Skew_Time has
// passed, or at once if it is the only Backup: until then the Active goes on serving.
func (s *step) replace(m *member, h vrrp.Heard) {
	if at := h.Cause.At.Add(s.f.resignationWait(m)); at.Before(m.downAt) {
		s.f.unverify()
		m.downAt, m.holdReported = at, false
	}
}
