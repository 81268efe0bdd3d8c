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
	m.incompatible.believedAgain(h.Source)
	s.prove(m.Interface, h.Cause.At)
	if h.Priority == 0 {
		s.absorbResignation(m, h)
		return
	}
	if s.provesOutOfStep(m, h) {
		return
	}
	was := m.other
	m.hear(h)
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

// hear remembers the sender as the Active, unless a better one is still known.
func (m *member) hear(h vrrp.Heard) {
	at, o := h.Cause.At, &m.other
	gone := !m.known(at)
	switch {
	case o.source == h.Source && !gone:
		o.count++
	case gone || h.Priority > o.priority || h.Priority == o.priority && o.source.Less(h.Source):
		*o = other{source: h.Source, since: at, count: 1}
	default:
		m.second = &other{source: h.Source, priority: h.Priority, interval: h.Interval, at: at}
		return
	}
	m.second = nil
	o.priority, o.interval, o.at = h.Priority, h.Interval, at
	o.best = max(o.best, h.Priority)
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
	if h.Source == m.other.source {
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
		s.yieldAfterStall(m, m.other.interval)
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
	m.interval = m.other.interval
	m.renew(m.other.at)
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
	if o := &m.other; o.source == h.Source && (!o.reported || o.count > m.Miss && !o.reportedUnheard) {
		o.reported, o.reportedUnheard = true, o.count > m.Miss
		s.report(event.AdvertRival{
			Stamp: s.stamp(h.Cause), Virtual: m.Virtual, Source: h.Source, Priority: h.Priority, Unheard: o.reportedUnheard,
		})
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
	if m.second != nil && m.second.source == h.Source {
		m.second = nil
	}
	if m.known(s.now) && m.other.source != h.Source {
		return
	}
	gone := m.other
	m.other, m.lastResign = other{}, r
	m.silent, s.f.fence.err = netip.Addr{}, ""
	s.inStep(m, r)
	if !s.f.waiting() || s.f.ownerWait != nil {
		return
	}
	if m.resigned == nil {
		s.f.unverify()
		m.downAt = r.at.Add(s.f.resignationWait(m))
		m.resigned, m.holdReported = &r, false
	}
	if alone := s.f.lastStanding && gone.priority == vrrp.Impaired; gone.source == h.Source && !alone {
		s.cascade(m, gone.priority, r)
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
	} else if decided := first.other.since.Add(first.other.interval); s.now.Before(decided) {
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
	if first := s.firstEqual(); first != nil && first.other.at.Sub(first.other.since) >= first.other.interval/2 {
		s.judgeTie(first, event.Cause{})
	}
	s.f.tieEnds = time.Time{}
}

// judgeTie compares the addresses of the member that decides.
func (s *step) judgeTie(first *member, cause event.Cause) {
	if first.source.Less(first.other.source) {
		s.yieldTo(first, cause)
	}
}

// firstEqual returns the first member that hears a rival of our own priority.
func (s *step) firstEqual() *member {
	for _, m := range s.f.members {
		if m.known(s.now) && m.other.priority == m.Priority {
			return m
		}
	}
	return nil
}

// Routers of VRRPv2 and VRRPv3 do not understand each other: each discards the
// adverts of the other (RFC 9568 §7.1), takes the silence for the end of the
// Active, and there are two. So do routers that sign their adverts and whose
// clocks are apart. So a Backup for whose virtual router valid adverts of the
// other version come, or authentic ones that are stale and prove that their
// sender is there (pkg/advert/validate), stays Backup, whatever their priority: the first
// that serves goes on to, and both sides log it as an error. When none has come for an
// Active_Down_Interval, it goes on.
//
// Their priority 0 changes nothing: the router that resigns may have a Backup that goes
// Active. An Active only logs it: the two cannot agree which is to yield, and if it did the
// other might as well. But an Active that was paused yields: the router that took over was
// not, and the clock of a machine that was paused is behind when it goes on. So does an
// Active whose sends fail. An owner is held back by nobody. If an Active that we understand
// sends both versions (RFC 9568 §8.4), those of the other are ignored. Where ours
// cease, it has changed its version: they hold us before the silence lets us take over.

// incompatible remembers the adverts of routers that do not understand us.
type incompatible struct {
	until    time.Time     // their sender counts as Active until then
	holds    time.Time     // a wait cannot end before, because of them; past while Active
	logged   time.Time     // when they were last reported
	at       time.Time     // when the last one was heard
	source   netip.Addr    // of the last one
	interval time.Duration // of the last one
}

// incompatibleLogEvery is how often they are reported as long as they come.
const incompatibleLogEvery = time.Minute

// heardIncompatible takes a valid advert of the version that the member does not
// speak, or one that is stale or invalid.
func (s *step) heardIncompatible(m *member, h vrrp.Heard) {
	if h.Interval <= 0 {
		h.Interval = m.Instance.Interval
	}
	s.prove(m.Interface, h.Cause.At)
	if h.Priority == 0 || !h.Stale && !h.Invalid && m.sendsBoth(h) {
		return
	}
	f := &m.incompatible
	due := !s.now.Before(f.until) || s.now.Sub(f.logged) >= incompatibleLogEvery
	if until := h.Cause.At.Add(m.activeDown(h.Interval)); until.After(f.until) {
		f.until = until
	}
	f.at, f.source, f.interval = h.Cause.At, h.Source, h.Interval
	if s.f.listening != nil && m.Priority != vrrp.Owner {
		s.yieldAfterStall(m, h.Interval)
	}
	active := s.f.serves(m)
	if !active && m.Priority != vrrp.Owner {
		f.holds = f.until
	}
	switch {
	case active:
		if due {
			f.logged = s.now
			s.report(rivalOf(m, h, s.stamp(h.Cause)))
		}
		s.judgeSends(m, h.Cause)
	case s.f.waiting() && s.failAgain(m, h.Cause):
	case s.f.waiting() && m.Priority != vrrp.Owner:
		s.f.unverify()
		if due {
			f.logged = s.now
			s.report(event.InstanceHolding{
				Stamp: s.stamp(h.Cause), Virtual: m.Virtual, Reason: h.HoldReason(), Until: f.until,
			})
		}
	}
}

// sendsBoth reports whether an advert of the other version comes from an Active that sends ours
// as well: one of those may have been lost.
func (m *member) sendsBoth(h vrrp.Heard) bool {
	o := &m.other
	return o.source == h.Source && h.Cause.At.Before(o.at.Add(o.interval+o.interval/2)) && m.known(h.Cause.At)
}

// believedAgain forgets the adverts of a sender that is understood now.
func (f *incompatible) believedAgain(source netip.Addr) {
	if f.source == source {
		*f = incompatible{}
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
	if m.incompatible.holds.After(m.downAt) {
		return m.incompatible.holds
	}
	return m.downAt
}
