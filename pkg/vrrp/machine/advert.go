package machine

import (
	"fmt"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// absorbHeard absorbs an advert of another router.
func (s *step) absorbHeard(h *vrrp.Heard) {
	m := s.f.members.find(h.Instance)
	if m == nil {
		return
	}
	s.countRouters(m, h)
	if h.Version != m.Version || h.Stale || h.Invalid {
		s.heardIncompatible(m, h)
		return
	}
	m.others.Incompatible.Believe(h.Source)
	s.f.members.prove(m.Interface, h.Cause.At)
	if h.Priority == 0 {
		s.absorbResignation(m, h)
		return
	}
	if s.disprovesCascade(m, h) {
		return
	}
	was := m.others.Best
	m.others.Hear(h, m.timing())
	s.countAdvert(m, h)
	liveness{s}.refute(m, h)
	s.noteServing(m, h)
	s.f.restartAlone(m, h.Cause.At, h.Interval)
	if s.f.servesAlone(m) {
		lastStanding{s}.hear(m, h)
	}
	switch {
	case s.f.waiting():
		s.heardActive(m, h, m.loweredPriority(was, h))
	case s.f.state() == event.Active:
		s.heardRival(m, h)
	}
	if s.f.state() != event.Active {
		m.unresigned.Hear(vrrp.Advertiser{Source: h.Source, Priority: h.Priority, Interval: h.Interval}, h.Source == m.others.Best.Source)
		s.f.fence.Forget()
	}
	s.followChecksum(m, h)
}

// countRouters records the sender of a valid advert for `routers: 2`, and warns if it is a third
// router.
func (s *step) countRouters(m *member, h *vrrp.Heard) {
	if m.Routers != 2 {
		return
	}
	before, third := m.peers.Observe(h.Source, h.Cause.At)
	if !third {
		return
	}
	s.warn(m, event.WarnThirdRouter, fmt.Sprintf("%s and %s both sent adverts, but `routers: 2` is configured: with this router there are three or more, or the other one has changed its address; "+
		"until only one other router was heard for an hour, a takeover waits for Skew_Time: "+
		"remove `routers: 2` on all routers, or switch off the router that does not belong here; "+
		"if only the address has changed, `ripcord handover` ends this at once", before, h.Source), h.Cause)
}

// noteServing records for the fault address-lost that an Active is heard that may serve.
func (s *step) noteServing(m *member, h *vrrp.Heard) {
	var since time.Time
	if best := &m.others.Best; best.Source == h.Source {
		since = best.Since
	}
	s.f.impairment.hear(h, since, m.impaired)
}

// heardActive handles an advert in Backup (RFC 9568 §6.4.2). If two Actives are heard, the better
// one sets the timer, and the other can only lengthen it: otherwise its shorter interval would
// end the wait between two adverts of the better one. An Active that has lowered its priority
// below ours is replaced after Skew_Time. A report that summarizes repeated adverts (Repeats > 0)
// always renews the timer: they arrived while this router was to yield to them, whatever has
// changed since.
func (s *step) heardActive(m *member, h *vrrp.Heard, fell bool) {
	if (refusals{s}).failAgain(m, h.Cause) {
		return
	}
	if h.Repeats == 0 && m.outranks(h.Priority, s.now) {
		fencing{s}.cancel()
		if fell {
			s.shortenToSkew(m, h)
		}
		return // the timer runs on
	}
	s.reportPreemptDelay(m, h)
	if s.f.ownerWait != nil {
		s.why = s.f.ownerWait.cause // of two owners, the later one is Backup
	}
	if h.Source == m.others.Best.Source {
		m.interval = h.Interval
		if m.wouldShorten(h.Cause.At) {
			return // it arrived while this process slept or could not hear, and the Active was given more time since
		}
		m.renew(h.Cause.At)
	} else {
		m.waitForSecond(s.now)
	}
	s.f.unverify()
}

// shortenToSkew shortens the wait for an Active that has lowered its priority, or for the last one
// to resign, to Skew_Time, or to nothing if this router is the only Backup. An Active that has
// lowered its priority goes on serving until then.
func (s *step) shortenToSkew(m *member, h *vrrp.Heard) {
	if at := h.Cause.At.Add(s.f.members.resignationWait(m)); at.Before(m.downAt) {
		s.f.unverify()
		m.downAt, m.holdReported = at, false
	}
}

// heardRival handles an advert in Active (RFC 9568 §6.4.3).
func (s *step) heardRival(m *member, h *vrrp.Heard) {
	switch {
	case s.f.listening != nil:
		pauses{s}.yieldToRival(m, m.others.Best.Interval)
	case h.Priority > m.Priority:
		s.yieldTo(m, h.Cause)
	case h.Priority == m.Priority:
		s.heardEqual(m, h)
	default:
		s.answerRival(m, h)
	}
}

// yieldTo yields to the better Active that the member hears.
func (s *step) yieldTo(m *member, cause event.Cause) {
	s.yield(trigger{event.HigherPriorityBackup, m, cause})
	m.unresigned.Hear(m.others.Best.Advertiser(), true) // it may fall silent before its next advert
	m.interval = m.others.Best.Interval
	m.renew(m.others.Best.At)
}

// yield restarts the waits of all members (RFC 9568 §6.4.3).
func (s *step) yield(why trigger) {
	for _, m := range s.f.members {
		m.renew(s.now)
	}
	s.f.unverify()
	s.recoverFlapped()
	s.why = why
}

// answerRival answers a rival with lower rank by an immediate advert, at most one an interval, so
// that two misled routers cannot make each other send without end. In VRRPv2, where RFC 3768 §6.4.3
// only discards the rival's advert, the answer shortens the time with two Actives, too, and
// keepalived sends it. The addresses are also announced again, since the hosts have learned the
// rival's MAC. Both are left out if our adverts do not reach the rival: it would go on, and the
// hosts would lose the router that is heard.
func (s *step) answerRival(m *member, h *vrrp.Heard) {
	if !s.f.confirmBy.IsZero() { // it may not have heard our first advert yet
		confirming{s}.hold(h.Cause)
		return
	}
	rivals{s}.report(m, h)
	s.followChecksum(m, h)
	if (refusals{s}).judge(m, h.Cause) {
		return
	}
	s.advertiseNow(m, &m.answered, h.Cause)
	if m.refusedTo(h.Source) == 0 && s.now.Sub(s.f.reannouncedAt) >= reannounceSpaced {
		s.f.reannouncedAt = s.now
		s.emit(vrrp.Reannounce{Cause: h.Cause, Only: s.f.serving()})
	}
}

// reannounceSpaced is the minimum time between two announcements because of rivals.
const reannounceSpaced = time.Second

// advertiseNow answers with an immediate advert, at most once in an interval: last is when it
// last did.
func (s *step) advertiseNow(m *member, last *time.Time, cause event.Cause) {
	if s.now.Sub(*last) >= m.Instance.Interval {
		*last = s.now
		s.emit(vrrp.AdvertiseNow{Cause: cause, Instance: m.Instance})
	}
}

// followChecksum adopts the checksum form of another Active, if the configuration does not
// prescribe one.
func (s *step) followChecksum(m *member, h *vrrp.Heard) {
	if !m.AutoChecksum {
		return
	}
	m.checksum = h.Checksum
	if s.f.serves(m) {
		s.updateAdvert(m, h.Cause)
	}
}

// heardEqual handles an advert of our own priority in Active. Two Actives of equal priority
// compare their addresses (RFC 9568 §6.4.3). In a group they must compare those of one segment,
// the same on both routers: the first member on which the rival is heard. Otherwise two routers
// whose addresses are ordered differently would each yield on another segment, and no router
// would serve (docs/architecture.md#group). If the rival is not heard on the first member yet,
// the decision waits for it. With `routers: 2` the rival can only be the router that was heard
// there before, so the one with the smaller address yields at once.
func (s *step) heardEqual(m *member, h *vrrp.Heard) {
	first := s.f.members.firstEqual(s.now)
	if first == nil {
		return
	}
	if first.index == 0 {
		s.judgeTie(first, h.Cause)
	} else if decided := first.others.Best.Since.Add(first.others.Best.Interval); s.now.Before(decided) {
		s.f.tieEnds = decided // it may still be heard on an earlier member
		if s.f.members.losesTo(first) {
			s.yieldTo(first, h.Cause)
		}
		return
	} else {
		s.judgeTie(first, h.Cause)
	}
	if s.f.state() == event.Active {
		s.answerRival(m, h)
	}
}

// decideTie decides a tie that waited for the rival to be heard on an earlier member, if the
// rival is still there: it may have yielded to us on that member.
func (s *step) decideTie() {
	if s.f.tieEnds.IsZero() || s.now.Before(s.f.tieEnds) {
		return
	}
	if first := s.f.members.firstEqual(s.now); first != nil {
		if rival := &first.others.Best; rival.At.Sub(rival.Since) >= rival.Interval/2 {
			s.judgeTie(first, event.Cause{})
		}
	}
	s.f.tieEnds = time.Time{}
}

// judgeTie compares the addresses on the member that decides, and yields if the rival's is
// greater.
func (s *step) judgeTie(first *member, cause event.Cause) {
	if first.source.Less(first.others.Best.Source) {
		s.yieldTo(first, cause)
	}
}

// absorbResignation absorbs a priority 0 (RFC 9568 §6.4.2, §6.4.3). While an Active is known,
// only its own resignation ends the wait: another router may resign at the same time.
func (s *step) absorbResignation(m *member, h *vrrp.Heard) {
	if s.f.serves(m) && s.f.listening == nil {
		s.advertiseNow(m, &m.answeredResign, h.Cause) // otherwise a Backup of low priority takes over just before our next advert
	}
	fencing{s}.forget(m, h.Source)
	second := m.others.IsSecond(h.Source)
	gone, ok := m.others.Resigned(h.Source, s.now, m.timing())
	if second && (m.resigned != nil || m.isGone()) && s.f.waiting() {
		s.shortenToSkew(m, h) // only the second Active was waited for
	}
	if !ok {
		return
	}
	if !gone.Source.IsValid() && (fencing{s}).waits(m) {
		return // the previous daemon heard another Active, which may be alive
	}
	r := resignation{h.Source, h.Cause.At, h.Cause}
	m.lastResign = r
	s.f.fence.Forget()
	s.joinPairs(m, r)
	if !s.f.waiting() || s.f.ownerWait != nil {
		return
	}
	if m.resigned == nil {
		s.f.unverify()
		m.downAt = r.at.Add(s.f.members.resignationWait(m))
		s.awaitSecond(m)
		m.resigned, m.holdReported = &r, false
	}
	if alone := s.f.lastStanding && gone.Priority == vrrp.Impaired; gone.Source == h.Source && !alone {
		s.cascade(m, gone.Priority, r)
	}
}

// awaitSecond postpones the end of the wait after a resignation if there is a second Active that
// the member may not preempt. The best Active has probably yielded to it, so the wait ends
// Skew_Time after its next advert is due. That advert may be lost. A group with a fence, which
// would then fence the second Active, waits for its whole Active_Down_Interval.
func (s *step) awaitSecond(m *member) {
	a := m.others.Second
	switch {
	case a == nil || m.outranks(a.Priority, s.now):
	case s.cfg.Fence != nil:
		m.waitForSecond(s.now)
	default:
		m.waitUntil(a.At.Add(a.Interval + m.timing().SkewTime(a.Interval)))
	}
}

// cascade applies the resignation r of m's Active, which had advertised the given priority, to
// the waits of the other members.
func (s *step) cascade(m *member, priority uint8, r resignation) {
	gone := vrrp.Advertiser{Source: r.source, Priority: priority}
	for _, n := range s.f.members {
		best := &n.others.Best
		if !n.known(s.now) || !s.isOneRouter(m, gone, n, best.Advertiser()) {
			continue
		}
		if at := r.at.Add(s.f.members.resignationWait(n)); at.Before(n.downAt) {
			s.f.unverify()
			n.downAt, n.holdReported = at, false
			s.awaitSecond(n)
			n.cascaded = &cascade{from: m, by: r, source: best.Source}
		}
	}
}

// isOneRouter reports whether an Active of member m and one of another member n count as one
// router: they advertise the same priority, and are not known to be different routers.
func (s *step) isOneRouter(m *member, a vrrp.Advertiser, n *member, b vrrp.Advertiser) bool {
	return n != m && a.Priority == b.Priority && !s.f.distinct.has(pairOf(m, a.Source, n, b.Source), s.now)
}

// disprovesCascade handles an advert of an Active that a cascade counted as gone: the two senders
// are different routers. It returns stale for an advert that was received before the resignation,
// which proves nothing and renews no timer.
func (s *step) disprovesCascade(m *member, h *vrrp.Heard) (stale bool) {
	c := m.cascaded
	if c == nil || c.source != h.Source {
		return false
	}
	if h.Cause.At.Before(c.by.at) {
		return true
	}
	soon := h.Cause.At.Sub(c.by.at) <= time.Duration(m.Miss)*m.interval
	if soon && !m.outranks(h.Priority, s.now) {
		s.f.distinct.add(pairOf(c.from, c.by.source, m, c.source), s.now)
		s.report(event.GroupCascade{
			Stamp: s.stamp(h.Cause), Group: s.cfg.Name, Source: c.by.source.String(),
			Why: fmt.Sprintf("it resigned %s, but %s is still Active of %s", c.from.Name, h.Source, m.Name),
		})
	}
	m.cascaded = nil
	return false
}

// joinPairs counts two senders as one router again when both resign within one interval, in
// either order: adverts of two links are not read in a fixed order.
func (s *step) joinPairs(m *member, r resignation) {
	m.cascaded = nil
	for _, n := range s.f.members {
		other := &n.lastResign
		if n == m || !other.source.IsValid() || r.at.Sub(other.at).Abs() > n.interval {
			continue
		}
		if s.f.distinct.remove(pairOf(m, r.source, n, other.source)) {
			s.report(event.GroupCascade{
				Stamp: s.stamp(r.cause), Group: s.cfg.Name, Source: r.source.String(), On: true,
				Why: fmt.Sprintf("it and %s resigned together", other.source),
			})
		}
	}
}

// heardIncompatible handles a valid advert of the other VRRP version, or one that is stale or
// invalid (heard.Incompatible).
func (s *step) heardIncompatible(m *member, h *vrrp.Heard) {
	if h.Interval <= 0 {
		valid := *h
		valid.Interval = m.Instance.Interval
		h = &valid
	}
	s.f.members.prove(m.Interface, h.Cause.At)
	if h.Priority == 0 || !h.Stale && !h.Invalid && m.others.SendBoth(h, m.timing()) {
		return
	}
	i := &m.others.Incompatible
	log := i.Hear(h, s.now, m.timing())
	if s.f.listening != nil && m.Priority != vrrp.Owner {
		pauses{s}.yieldToRival(m, h.Interval)
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
		refusals{s}.judge(m, h.Cause)
	case s.f.waiting() && refusals{s}.failAgain(m, h.Cause):
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

func rivalOf(m *member, h *vrrp.Heard, stamp event.Stamp) event.AdvertRival {
	e := event.AdvertRival{Stamp: stamp, Virtual: m.Virtual, Source: h.Source, Priority: h.Priority, Skewed: h.Stale, Invalid: h.Invalid}
	if !h.Stale && !h.Invalid {
		e.Version = h.Version.Number()
	}
	return e
}
