package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// absorbTick ends the timers that are over.
func (s *step) absorbTick(in vrrp.Tick) {
	s.f.clock = s.now
	refusals{s}.retryAll(in)
	placement{s}.endHoldOffs(in)
	s.endRecoveries(in)
	if at := s.f.releasedUntil; !at.IsZero() && !s.now.Before(at) {
		s.absorbReleased(vrrp.Released{Cause: in.Cause})
	}
	s.endKeptIntervals(in)
	s.expireThirdRouters(in)
	s.askStations(in.Cause)
	switch {
	case s.f.members.recovering():
	case s.f.waiting() && s.f.fence.Holds():
		fencing{s}.tick(in.Cause)
	case s.f.waiting():
		s.wait(in)
	case s.f.state() == event.Active:
		pauses{s}.endListening()
		s.decideTie()
		confirming{s}.end(in.Cause)
	}
	if s.f.lastStanding && s.f.started && s.f.impeded() {
		lastStanding{s}.serve(in)
	}
}

// endKeptIntervals makes an Active use its new, longer interval when the old one has been kept
// long enough.
func (s *step) endKeptIntervals(in vrrp.Tick) {
	for _, m := range s.f.members {
		if m.keptInterval == 0 || s.now.Before(m.keptUntil) {
			continue
		}
		m.keptInterval = 0
		if s.f.serves(m) {
			s.updateAdvert(m, in.Cause)
		}
	}
}

// expireThirdRouters ends the warnings about third routers that were not heard for an hour, or
// that the configuration now allows.
func (s *step) expireThirdRouters(in vrrp.Tick) {
	for _, m := range s.f.members {
		why := "only one other router was heard for an hour"
		if m.Routers != 2 {
			why = "`routers: 2` is no longer configured"
		}
		if m.peers.Expire(s.now, m.Routers == 2) {
			s.endWarning(m, event.WarnThirdRouter, why, in.Cause)
		}
	}
}

// wait takes the next step towards Active: it asks the verifiers shortly before the takeover, and
// at its instant decides with the facts that they found.
func (s *step) wait(in vrrp.Tick) {
	f, at := s.f, s.f.takeover()
	if s.giveTime(f.asked.late(at, s.now)) {
		return
	}
	if s.dueAndVerified(at, in.Cause.Trace) {
		if m, err := f.members.refusedAhead(at, s.now); m != nil {
			confirming{s}.fail(m, err, in.Cause)
			return
		}
		why := f.takeoverReason(s.now, event.Cause{Trace: f.asked.trace, At: at})
		if s.cfg.Fence != nil && f.needsFence(s.now) {
			fencing{s}.begin(why)
			return
		}
		s.why = f.takenOver(why)
		f.verified, f.ownerWait = true, nil
		return
	}
	for m := f.members.nextHolding(at); m != nil && !s.now.Before(m.reportHoldAt()); m = f.members.nextHolding(at) {
		m.holdReported = true
		s.report(event.InstanceHolding{Stamp: s.stamp(in.Cause), Virtual: m.Virtual, Reason: f.holdReason(), Until: at})
	}
}

// dueAndVerified asks the verifiers shortly before the takeover at the instant at, and reports
// whether it is due and they have answered, or are waited for no longer.
func (s *step) dueAndVerified(at time.Time, trace event.Trace) bool {
	f := s.f
	if !f.asked.isAbout(at) && !s.now.Before(at.Add(-f.lead())) {
		s.verify(at, trace)
	}
	return f.asked.over(at, s.now)
}

// verify asks the verifiers about the takeover at the instant at, whose trace begins here.
func (s *step) verify(at time.Time, trace event.Trace) {
	limit := at
	if s.now.After(at) {
		limit = s.now
	}
	s.f.asked = verification{
		ticket: s.tickets.Next(), trace: trace, about: at,
		limit: limit.Add(min(verifyTimeout, s.f.members.shortest())),
	}
	s.emit(vrrp.Verify{Ticket: s.f.asked.ticket, Interfaces: s.cfg.Links()})
}

// giveTime gives the Active more time if this process did not run for gap, and reports whether it
// does.
func (s *step) giveTime(gap time.Duration) bool {
	return s.reportGrace(gap, s.f.giveTime(s.now, gap))
}

// giveTimeAlone does what giveTime does, for members that wait to serve alone.
func (s *step) giveTimeAlone(gap time.Duration) bool {
	return s.reportGrace(gap, s.f.giveTimeAlone(s.now, gap))
}

// reportGrace logs that the Active is given more time because this process did not run for gap,
// if it is given, and returns given.
func (s *step) reportGrace(gap time.Duration, given bool) bool {
	if given {
		s.report(event.EngineStalled{
			Stamp: s.stamp(event.Cause{}), Instance: s.f.members[0].Name, Gap: gap,
			Done: "the Active gets one interval and Skew_Time more",
		})
	}
	return given
}

// absorbRejoined restarts the wait of a member whose adverts could not be heard. An address owner
// waits for no other router, and an Active for nothing.
func (s *step) absorbRejoined(in vrrp.Rejoined) {
	m := s.f.members.find(in.Instance)
	if m != nil {
		s.f.restartAlone(m, in.Cause.At, m.interval)
	}
	if m == nil || m.Priority == vrrp.Owner || !s.f.waiting() && !s.f.members.recovering() {
		return
	}
	if m.wouldShorten(in.Cause.At) {
		return // this process slept since, and the wait that began then is longer
	}
	m.restart(in.Cause.At)
	m.waitForSecond(s.now)
	s.f.unverify()
}

// reportPreemptDelay logs, once for each delay, that preemption of a lower-priority Active is
// held off.
//
// A router that comes back must not take over at once if routing behind it has yet to settle, or
// if a fault may recur. There are two delays for that. For preempt_delay after a start, the end of
// the last fault or the return of a weight no lower-priority Active is preempted: its adverts renew the
// Active_Down_Timer as with Preempt_Mode False, but if no router is Active the group takes over
// as usual. For startup_delay after the start the group does not take over at all. An address
// owner always preempts (RFC 9568 §6.1), but also waits for its startup_delay.
func (s *step) reportPreemptDelay(m *member, h *vrrp.Heard) {
	if m.delayed || s.f.members.recovering() || h.Priority >= m.Priority || !m.Preempt || !s.now.Before(m.preemptFrom) {
		return
	}
	m.delayed = true
	s.report(event.InstanceHolding{
		Stamp: s.stamp(h.Cause), Virtual: m.Virtual, Reason: event.HoldPreemptDelay, Until: m.preemptFrom,
	})
}

// prepare arms and disarms the engine according to the facts, after the input in.
//
// A takeover is decided some milliseconds before its instant, when the verifiers have answered;
// only an input until then can change it. So the engine is armed and keeps the instant itself:
// the first advert need not wait until the timer has woken the loop, and the loop the engine. The
// state changes with the Tick at that instant, as usual. An event that makes the group wait
// longer disarms the engine. If that happens while the advert leaves, the engine resigns, and a
// router that yielded to the advert is Active again within its Skew_Time. From that instant on
// the router counts as Active when it receives an advert, even if the loop has not woken yet
// (router.Core).
func (s *step) prepare(in vrrp.Input) {
	f := s.f
	if f.armed.IsZero() && f.asked.ticket == 0 {
		return // as at each advert of the Active: the verifiers were not asked, so nothing is decided
	}
	if f.state() == event.Active {
		f.armed = time.Time{} // the takeover replaces the armed adverts
		return
	}
	at := f.decided()
	if s.cfg.Fence != nil && f.members.anyUnresigned() {
		at = time.Time{} // only at the instant itself is it known whether the fence is needed
	}
	if f.armed.Equal(at) && (at.IsZero() || !f.members.outdated()) {
		return
	}
	if !f.armed.IsZero() {
		cause := s.why.cause
		if h, ok := in.(vrrp.Heard); ok {
			cause = h.Cause
		}
		for _, m := range f.members {
			s.emit(vrrp.Disarm{Cause: cause, Instance: m.Instance})
		}
		f.armed = time.Time{}
	}
	if s.now.Before(at) {
		cause := f.takeoverReason(s.now, event.Cause{Trace: f.asked.trace, At: at}).cause
		for _, m := range f.members {
			s.emit(vrrp.Arm{Advertise: m.advert(cause), At: at})
		}
		f.armed = at
	}
}
