package vrrp

import (
	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// absorbHeard takes an advert.
func (s *step) absorbHeard(h Heard) {
	m := s.member(h.Instance)
	if m == nil {
		return
	}
	if h.Version != m.Version || h.Stale || h.Invalid {
		s.absorbForeign(m, h)
		return
	}
	m.foreign.believedAgain(h.Source)
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
	switch {
	case s.f.waiting():
		s.heardActive(m, h, m.fell(was, h))
	case s.f.state() == event.Active:
		s.heardRival(m, h)
	}
	s.followChecksum(m, h)
}

// hear remembers who is Active: the sender, unless a better one is still known.
func (m *member) hear(h Heard) {
	at, o := h.Cause.At, &m.other
	gone := !m.known(at)
	switch {
	case o.source == h.Source && !gone:
		o.count++
	case gone || h.Priority > o.priority || h.Priority == o.priority && o.source.Less(h.Source):
		*o = other{source: h.Source, since: at, count: 1}
	default:
		return
	}
	o.priority, o.interval, o.at = h.Priority, h.Interval, at
	o.best = max(o.best, h.Priority)
}

// heardActive is an advert in Backup (RFC 9568 §6.4.2). Where two Actives are
// heard, the better one sets the timer, and the other can only lengthen it:
// otherwise its shorter interval would end the wait between two adverts of the
// better. One that fell below our priority is replaced after Skew_Time.
func (s *step) heardActive(m *member, h Heard, fell bool) {
	if s.failAgain(m, h.Cause) {
		return
	}
	if m.outranks(h.Priority, s.now) {
		if fell {
			s.replace(m, h)
		}
		return // the timer runs on
	}
	s.reportPreemptDelay(m, h)
	if s.f.skip != nil {
		s.why = s.f.skip.cause // two owners: the later one is Backup
	}
	if h.Source == m.other.source {
		m.interval = h.Interval
		m.renew(h.Cause.At)
	} else if at := h.Cause.At.Add(m.ActiveDownInterval(h.Interval)); at.After(m.downAt) {
		m.downAt = at
	}
	s.f.unverify()
}

// heardRival is an advert in Active (RFC 9568 §6.4.3).
func (s *step) heardRival(m *member, h Heard) {
	switch {
	case s.f.listening != nil:
		s.giveWay(m, m.other.interval)
	case h.Priority > m.Priority:
		s.yieldTo(m, h.Cause)
	case h.Priority == m.Priority:
		s.heardEqual(m, h)
	default:
		s.assert(m, h)
	}
}

// yieldTo leaves it to the better Active that member m hears.
func (s *step) yieldTo(m *member, cause event.Cause) {
	s.yield(because{event.HigherPriorityBackup, m, cause})
	m.interval = m.other.interval
	m.renew(m.other.at)
}

// assert answers a rival that we outrank: by an advert at once, at most one an
// interval, so that two misled routers cannot make each other send without end
// (VRRPv2 only discards the rival's: RFC 3768 §6.4.3); and the hosts, which have
// learned the rival's address, hear ours again. Not if our adverts do not reach it: it
// would go on, and the hosts would lose the one that is heard.
func (s *step) assert(m *member, h Heard) {
	if !s.f.unconfirmed.IsZero() { // it may not have heard our first advert yet
		s.holdConfirmed(h.Cause)
		return
	}
	if o := &m.other; o.source == h.Source && (!o.named || o.count > m.Miss && !o.told) {
		o.named, o.told = true, o.count > m.Miss
		s.report(event.AdvertRival{
			Stamp: s.stamp(h.Cause), Virtual: m.Virtual, Source: h.Source, Priority: h.Priority, Unheard: o.told,
		})
	}
	s.followChecksum(m, h)
	if s.judgeSends(m, h.Cause) {
		return
	}
	if m.Version != wire.V2 {
		s.advertiseNow(m, h.Cause)
	}
	if m.refusedTo(h.Source) == 0 && s.now.Sub(s.f.reannounced) >= reannounceSpaced {
		s.f.reannounced = s.now
		s.emit(Reannounce{h.Cause})
	}
}

func (s *step) advertiseNow(m *member, cause event.Cause) {
	if s.now.Sub(m.asserted) >= m.Instance.Interval {
		m.asserted = s.now
		s.emit(AdvertiseNow{cause, m.Instance})
	}
}

// followChecksum sends the form of the checksum that another Active uses, if
// the configuration leaves it to us.
func (s *step) followChecksum(m *member, h Heard) {
	if !m.AutoChecksum {
		return
	}
	m.checksum = h.Checksum
	if s.f.state() == event.Active {
		s.show(m, h.Cause)
	}
}

// absorbResignation takes a priority 0 (RFC 9568 §6.4.2, §6.4.3). While an
// Active is known, only its own counts: another sender's says nothing of it.
func (s *step) absorbResignation(m *member, h Heard) {
	r := resignation{h.Source, h.Cause.At, h.Cause}
	if s.f.state() == event.Active && s.f.listening == nil {
		s.advertiseNow(m, h.Cause)
	}
	if m.known(s.now) && m.other.source != h.Source {
		return
	}
	gone := m.other
	m.other, m.lastResign = other{}, r
	s.inStep(m, r)
	if !s.f.waiting() || s.f.skip != nil {
		return
	}
	if m.resigned == nil {
		s.f.unverify()
		m.downAt = r.at.Add(m.skew())
		m.resigned, m.heldBack = &r, false
	}
	if gone.source == h.Source {
		s.cascade(m, gone.priority, r)
	}
}
