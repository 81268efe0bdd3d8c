package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// absorbTick ends the timers that have run out.
func (s *step) absorbTick(in vrrp.Tick) {
	s.f.clock = s.now
	s.retryFailedSends(in)
	s.endHoldOffs(in)
	s.endRecoveries(in)
	s.endRelease(in)
	s.endKeptInterval(in)
	s.leaveCompany(in)
	s.ask(in.Cause)
	switch {
	case s.f.recovering():
	case s.f.waiting() && s.f.fence.Holds():
		s.stepFence(in)
	case s.f.waiting():
		s.wait(in)
	case s.f.state() == event.Active:
		s.endListening()
		s.decideTie()
		s.endConfirmation(in.Cause)
	}
	if s.f.lastStanding && s.f.started && s.f.impeded() {
		s.waitAlone(in)
	}
}

// wait takes the next step towards Active: asks the verifiers shortly ahead of
// the takeover, and at its instant decides with the facts that they found.
func (s *step) wait(in vrrp.Tick) {
	if s.giveTime(s.lateFor(s.f.takeover())) {
		return
	}
	f, at := s.f, s.f.takeover()
	if s.dueAndVerified(at, in.Cause.Trace) {
		if s.refusedAhead(at, in.Cause) {
			return
		}
		why := s.takeoverReason(event.Cause{Trace: f.asked.trace, At: at})
		if s.fences(why) {
			s.startFence(why)
			return
		}
		s.why = s.takenOver(why)
		f.verified, f.ownerWait = true, nil
		return
	}
	for m := f.nextHolding(at); m != nil && !s.now.Before(m.reportHoldAt()); m = f.nextHolding(at) {
		m.holdReported = true
		s.report(event.InstanceHolding{Stamp: s.stamp(in.Cause), Virtual: m.Virtual, Reason: f.holdReason(), Until: at})
	}
}

// verify asks the verifiers about the takeover at the instant at, whose trace
// begins here.
func (s *step) verify(at time.Time, trace event.Trace) {
	limit := at
	if s.now.After(at) {
		limit = s.now
	}
	s.f.asked = asked{
		ticket:  s.tickets.Next(),
		trace:   trace,
		about:   at,
		limit:   limit.Add(min(verifyTimeout, s.f.shortest())),
		answers: make(map[vrrp.Verifier]bool, 2),
	}
	s.emit(vrrp.Verify{Ticket: s.f.asked.ticket, Interfaces: s.cfg.Links()})
}

// dueAndVerified asks the verifiers shortly ahead of the takeover at the instant at, and
// reports whether it is due and they have answered, or are waited for no longer.
func (s *step) dueAndVerified(at time.Time, trace event.Trace) bool {
	f := s.f
	if !f.asked.about.Equal(at) && !s.now.Before(at.Add(-f.lead())) {
		s.verify(at, trace)
	}
	return f.asked.about.Equal(at) && !s.now.Before(at) && (f.answered() || !s.now.Before(f.asked.limit))
}

// lateFor returns how long this process did not run after a takeover was due, the wait for
// its verifiers included; negative if it is not due yet.
func (s *step) lateFor(due time.Time) time.Duration {
	if s.f.asked.about.Equal(due) && s.f.asked.limit.After(due) {
		due = s.f.asked.limit
	}
	return s.now.Sub(due)
}

// takeoverReason returns the reason why the waits are over: a resignation counts more than
// a lower Active, and that more than silence.
func (s *step) takeoverReason(cause event.Cause) trigger {
	if s.f.ownerWait != nil {
		return s.f.ownerWait.cause
	}
	last := s.f.members[0]
	var resigned, lower *member
	for _, m := range s.f.members {
		switch {
		case m.resigned != nil && resigned == nil:
			resigned = m
		case m.preempts(s.now) && lower == nil:
			lower = m
		}
		if m.due().After(last.due()) {
			last = m
		}
	}
	switch {
	case resigned != nil:
		return trigger{event.PeerResigned, resigned, resigned.resigned.cause}
	case lower != nil && lower.Priority == vrrp.Owner:
		return trigger{event.OwnerPreempt, lower, cause}
	case lower != nil && lower.delayed:
		return trigger{event.PreemptHoldTimeout, lower, cause}
	case lower != nil:
		return trigger{event.LowerPriorityActive, lower, cause}
	}
	return trigger{event.ActiveTimeout, last, cause}
}

// absorbRejoined begins the wait of a member anew whose adverts could not be heard.
// An address owner waits for nobody, and an Active for nothing.
func (s *step) absorbRejoined(in vrrp.Rejoined) {
	m := s.member(in.Instance)
	if m != nil {
		s.silenceBroken(m, in.Cause.At, m.interval)
	}
	if m == nil || m.Priority == vrrp.Owner || !s.f.waiting() && !s.f.recovering() {
		return
	}
	m.renew(in.Cause.At)
	m.waitForSecond(s.now)
	s.f.unverify()
}

// A router that comes back must not take over at once where routing behind it
// has yet to settle, or where a fault may come again. Two delays serve that. For
// preempt_delay after a start or the end of the last fault no lower Active is
// preempted: its adverts renew the Active_Down_Timer as with Preempt_Mode False,
// but where nobody is Active the group takes over as ever. For startup_delay
// after the start the group does not take over at all. An address owner always
// preempts (RFC 9568 §6.1), but waits for its startup_delay too.

// delayPreemption begins the preempt_delay of all members anew.
func (f *facts) delayPreemption(now time.Time) {
	for _, m := range f.members {
		m.preemptFrom, m.delayed = now.Add(m.PreemptDelay), false
	}
}

// delayStart begins the startup_delay: the longest of the members'.
func (f *facts) delayStart(now time.Time) {
	var longest time.Duration
	for _, m := range f.members {
		longest = max(longest, m.StartupDelay)
	}
	f.startupEnds = time.Time{}
	if longest > 0 {
		f.startupEnds = now.Add(longest)
	}
}

// reportPreemptDelay logs, once for each delay, that preemption of a lower-priority
// Active is held off.
func (s *step) reportPreemptDelay(m *member, h vrrp.Heard) {
	if m.delayed || s.f.recovering() || h.Priority >= m.Priority || !m.Preempt || !s.now.Before(m.preemptFrom) {
		return
	}
	m.delayed = true
	s.report(event.InstanceHolding{
		Stamp: s.stamp(h.Cause), Virtual: m.Virtual, Reason: event.HoldPreemptDelay, Until: m.preemptFrom,
	})
}

// holdReason returns the reason that is reported for a member whose own wait is over.
func (f *facts) holdReason() string {
	if f.takeover().Equal(f.startupEnds) {
		return event.HoldStartup
	}
	return event.HoldGroup
}

// A takeover is decided some milliseconds before its instant, when the verifiers have
// answered; only what is heard until then can change it. So the engine is made ready for it
// and keeps the instant itself: the first advert need not wait for the timer to wake the
// loop, and the loop the engine. The state changes with the Tick at that instant, as ever. A
// cause that makes the group wait longer disarms the engine; if that comes while the advert
// leaves, the engine resigns, and whoever yielded to it is Active again within its Skew_Time.
// An advert that is received after the instant was received by an Active, though the loop may
// not have woken yet (router.Core).

// prepare arms and disarms the engine for what the facts now say, after in.
func (s *step) prepare(in vrrp.Input) {
	f := s.f
	if f.armed.IsZero() && f.asked.ticket == 0 {
		return // as at each advert of the Active: nobody was asked, so nothing is decided
	}
	if f.state() == event.Active {
		f.armed = time.Time{} // the takeover replaces what was armed for it
		return
	}
	at := f.decided()
	if s.cfg.Fence != nil && !at.IsZero() && s.takeoverReason(event.Cause{}).reason != event.PeerResigned {
		at = time.Time{} // whether the fence is needed is known at the instant itself
	}
	if f.armed.Equal(at) && (at.IsZero() || !s.outdated()) {
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
		cause := s.takeoverReason(event.Cause{Trace: f.asked.trace, At: at}).cause
		for _, m := range f.members {
			s.emit(vrrp.Arm{Advertise: s.advert(m, cause), At: at})
		}
		f.armed = at
	}
}

// decided returns the instant of the takeover that only a new fact can stop; zero if there
// is none, or a member is advertised already.
func (f *facts) decided() time.Time {
	if at := f.takeover(); f.waiting() && !f.recovering() && f.asked.about.Equal(at) && f.answered() && !f.anyAlone() {
		return at
	}
	return time.Time{}
}

// outdated reports whether an advert that the engine has would be another now.
func (s *step) outdated() bool {
	for _, m := range s.f.members {
		if m.ordered != m.content() {
			return true
		}
	}
	return false
}

// The bounds that docs/architecture.md#decisions gives in words.
const (
	verifyLead       = 5 * time.Millisecond   // how long before the deadline the verifiers are asked, at most
	verifyTimeout    = 100 * time.Millisecond // how long a missing answer is waited for, at most
	askFirst         = 100 * time.Millisecond // until stations are asked again that did not answer; doubled each time
	askMost          = 500 * time.Millisecond // but not longer
	outOfStep        = time.Hour              // how long two addresses count as two routers
	reannounceSpaced = time.Second            // the least time between two announcements because of rivals
)

// timing returns what the intervals of a member follow from.
func (m *member) timing() vrrp.Timing { return m.Timing(m.Priority) }

// activeDown returns the Active_Down_Interval of a member whose Active advertises each interval.
func (m *member) activeDown(interval time.Duration) time.Duration {
	return m.timing().ActiveDownInterval(interval)
}
