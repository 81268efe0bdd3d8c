package machine

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// absorbHeard takes an advert of another router.
func (s *step) absorbHeard(h vrrp.Heard) {
	m := s.member(h.Instance)
	if m == nil {
		return
	}
	s.meet(m, h)
	if h.Version != m.Version || h.Stale || h.Invalid {
		s.heardIncompatible(m, h)
		return
	}
	m.others.Incompatible.Believe(h.Source)
	s.prove(m.Interface, h.Cause.At)
	if h.Priority == 0 {
		s.absorbResignation(m, h)
		return
	}
	if s.provesOutOfStep(m, h) {
		return
	}
	was := m.others.Best
	m.others.Hear(&h, m.timing())
	s.countAdvert(m, h)
	s.heardServing(m, h)
	s.silenceBroken(m, h.Cause.At, h.Interval)
	if s.f.servesAlone(m) {
		s.heardAlone(m, h)
	}
	switch {
	case s.f.waiting():
		s.heardActive(m, h, m.fell(was, h))
	case s.f.state() == event.Active:
		s.heardRival(m, h)
	}
	s.hearActive(m)
	s.followChecksum(m, h)
}

// heardActive takes an advert in Backup (RFC 9568 §6.4.2). If two Actives are heard, the
// better one sets the timer, and the other can only lengthen it: otherwise its shorter
// interval would end the wait between two adverts of the better. One that fell below our
// priority is replaced after Skew_Time.
func (s *step) heardActive(m *member, h vrrp.Heard, fell bool) {
	if s.failAgain(m, h.Cause) {
		return
	}
	if m.outranks(h.Priority, s.now) {
		s.cancelFence()
		if fell {
			s.replace(m, h)
		}
		return // the timer runs on
	}
	s.reportPreemptDelay(m, h)
	if s.f.ownerWait != nil {
		s.why = s.f.ownerWait.cause // two owners: the later one is Backup
	}
	if h.Source == m.others.Best.Source {
		m.interval = h.Interval
		m.renew(h.Cause.At)
	} else {
		m.waitForSecond(s.now)
	}
	s.f.unverify()
}

// heardRival takes an advert in Active (RFC 9568 §6.4.3).
func (s *step) heardRival(m *member, h vrrp.Heard) {
	switch {
	case s.f.listening != nil:
		s.yieldAfterStall(m, m.others.Best.Interval)
	case h.Priority > m.Priority:
		s.yieldTo(m, h.Cause)
	case h.Priority == m.Priority:
		s.heardEqual(m, h)
	default:
		s.answerRival(m, h)
	}
}

// yieldTo yields to the better Active that member m hears.
func (s *step) yieldTo(m *member, cause event.Cause) {
	s.yield(trigger{event.HigherPriorityBackup, m, cause})
	m.interval = m.others.Best.Interval
	m.renew(m.others.Best.At)
}

// answerRival answers a rival that we outrank: by an advert at once, at most one an
// interval, so that two misled routers cannot make each other send without end
// (VRRPv2 only discards the rival's: RFC 3768 §6.4.3); and the hosts, which have
// learned the rival's address, hear ours again. Not if our adverts do not reach it: it
// would go on, and the hosts would lose the one that is heard.
func (s *step) answerRival(m *member, h vrrp.Heard) {
	if !s.f.confirmBy.IsZero() { // it may not have heard our first advert yet
		s.holdConfirmed(h.Cause)
		return
	}
	if rival := &m.others.Best; rival.Source == h.Source {
		if log, unheard := rival.LogRival(m.Miss); log {
			s.report(event.AdvertRival{
				Stamp: s.stamp(h.Cause), Virtual: m.Virtual, Source: h.Source, Priority: h.Priority, Unheard: unheard,
			})
		}
	}
	s.followChecksum(m, h)
	if s.judgeSends(m, h.Cause) {
		return
	}
	if m.Version != wire.V2 {
		s.advertiseNow(m, &m.answered, h.Cause)
	}
	if m.refusedTo(h.Source) == 0 && s.now.Sub(s.f.reannouncedAt) >= reannounceSpaced {
		s.f.reannouncedAt = s.now
		s.emit(vrrp.Reannounce{Cause: h.Cause, Only: s.serving()})
	}
}

// advertiseNow answers by an advert at once, at most one an interval of those that answer
// the like: last is when that was last done.
func (s *step) advertiseNow(m *member, last *time.Time, cause event.Cause) {
	if s.now.Sub(*last) >= m.Instance.Interval {
		*last = s.now
		s.emit(vrrp.AdvertiseNow{Cause: cause, Instance: m.Instance})
	}
}

// followChecksum takes over the form of the checksum that another Active uses, if the
// configuration does not prescribe one.
func (s *step) followChecksum(m *member, h vrrp.Heard) {
	if !m.AutoChecksum {
		return
	}
	m.checksum = h.Checksum
	if s.f.serves(m) {
		s.updateAdvert(m, h.Cause)
	}
}

// absorbResignation takes a priority 0 (RFC 9568 §6.4.2, §6.4.3). While an Active is known,
// only its own is believed: another sender may resign beside it.
func (s *step) absorbResignation(m *member, h vrrp.Heard) {
	r := resignation{h.Source, h.Cause.At, h.Cause}
	if s.f.serves(m) && s.f.listening == nil {
		s.advertiseNow(m, &m.answeredResign, h.Cause) // else a Backup of low priority takes over just ahead of our next advert
	}
	gone, ok := m.others.Resigned(h.Source, s.now, m.timing())
	if !ok {
		return
	}
	m.lastResign = r
	m.silent = netip.Addr{}
	s.f.fence.Forget()
	s.inStep(m, r)
	if !s.f.waiting() || s.f.ownerWait != nil {
		return
	}
	if m.resigned == nil {
		s.f.unverify()
		m.downAt = r.at.Add(s.f.resignationWait(m))
		m.resigned, m.holdReported = &r, false
	}
	if alone := s.f.lastStanding && gone.Priority == vrrp.Impaired; gone.Source == h.Source && !alone {
		s.cascade(m, gone.Priority, r)
	}
}

// Two Actives of equal priority compare their addresses (RFC 9568 §6.4.3). In a
// group they must compare those of one segment, the same on both sides: the
// first member in which the rival is heard. Otherwise two routers whose
// addresses are ordered differently would each yield on another segment, and
// nobody would serve (docs/architecture.md#group).

// heardEqual takes an advert of our own priority while we are Active.
func (s *step) heardEqual(m *member, h vrrp.Heard) {
	first := s.firstEqual()
	if first == nil {
		return
	}
	if first.index == 0 {
		s.judgeTie(first, h.Cause)
	} else if decided := first.others.Best.Since.Add(first.others.Best.Interval); s.now.Before(decided) {
		s.f.tieEnds = decided // an earlier member may still hear it
		return
	} else {
		s.judgeTie(first, h.Cause)
	}
	if s.f.state() == event.Active {
		s.answerRival(m, h)
	}
}

// decideTie decides the tie that waited for an earlier member to hear the rival,
// if the rival is still there: it may have yielded to us on that very member.
func (s *step) decideTie() {
	if s.f.tieEnds.IsZero() || s.now.Before(s.f.tieEnds) {
		return
	}
	if first := s.firstEqual(); first != nil && first.others.Best.At.Sub(first.others.Best.Since) >= first.others.Best.Interval/2 {
		s.judgeTie(first, event.Cause{})
	}
	s.f.tieEnds = time.Time{}
}

// judgeTie compares the addresses of the member that decides.
func (s *step) judgeTie(first *member, cause event.Cause) {
	if first.source.Less(first.others.Best.Source) {
		s.yieldTo(first, cause)
	}
}

// firstEqual returns the first member that hears a rival of our own priority.
func (s *step) firstEqual() *member {
	for _, m := range s.f.members {
		if m.known(s.now) && m.others.Best.Priority == m.Priority {
			return m
		}
	}
	return nil
}

// heardIncompatible takes a valid advert of the version that the member does not
// speak, or one that is stale or invalid.
func (s *step) heardIncompatible(m *member, h vrrp.Heard) {
	if h.Interval <= 0 {
		h.Interval = m.Instance.Interval
	}
	s.prove(m.Interface, h.Cause.At)
	if h.Priority == 0 || !h.Stale && !h.Invalid && m.others.SendBoth(&h, m.timing()) {
		return
	}
	i := &m.others.Incompatible
	log := i.Hear(&h, s.now, m.timing())
	if s.f.listening != nil && m.Priority != vrrp.Owner {
		s.yieldAfterStall(m, h.Interval)
	}
	active := s.f.serves(m)
	if !active && m.Priority != vrrp.Owner {
		i.Hold()
	}
	switch {
	case active:
		if log {
			i.Logged(s.now)
			s.report(rivalOf(m, h, s.stamp(h.Cause)))
		}
		s.judgeSends(m, h.Cause)
	case s.f.waiting() && s.failAgain(m, h.Cause):
	case s.f.waiting() && m.Priority != vrrp.Owner:
		s.f.unverify()
		if log {
			i.Logged(s.now)
			s.report(event.InstanceHolding{
				Stamp: s.stamp(h.Cause), Virtual: m.Virtual, Reason: h.HoldReason(), Until: i.Until,
			})
		}
	}
}

func rivalOf(m *member, h vrrp.Heard, stamp event.Stamp) event.AdvertRival {
	e := event.AdvertRival{Stamp: stamp, Virtual: m.Virtual, Source: h.Source, Priority: h.Priority, Skewed: h.Stale, Invalid: h.Invalid}
	if !h.Stale && !h.Invalid {
		e.Version = h.Version.Number()
	}
	return e
}

// due returns the end of the member's own wait: of the Active_Down_Timer, and of the time
// for which incompatible adverts hold it back.
func (m *member) due() time.Time {
	if m.others.Incompatible.Holds.After(m.downAt) {
		return m.others.Incompatible.Holds
	}
	return m.downAt
}
