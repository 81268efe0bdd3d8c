package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/fence"
)

// absorbTick ends the timers that have run out.
func (s *step) absorbTick(in vrrp.Tick) {
	s.f.clock = s.now
	s.retryFailedSends(in)
	s.endHoldOffs(in)
	s.endRecoveries(in)
	if at := s.f.releasedUntil; !at.IsZero() && !s.now.Before(at) {
		s.absorbReleased(vrrp.Released{Cause: in.Cause})
	}
	s.endKeptIntervals(in)
	s.leaveCompany(in)
	s.ask(in.Cause)
	switch {
	case s.f.members.recovering():
	case s.f.waiting() && s.f.fence.Holds():
		s.followFence(s.f.fence.Tick(s.now), in.Cause)
		s.askForFence(in.Cause)
	case s.f.waiting():
		s.wait(in)
	case s.f.state() == event.Active:
		s.endListening()
		s.decideTie()
		s.endConfirmation(in.Cause)
	}
	if s.f.lastStanding && s.f.started && s.f.impeded() {
		s.serveAlone(in)
	}
}

// endHoldOffs lets the group try again what it lacked; or sooner, but with priority 1,
// where nobody else serves.
func (s *step) endHoldOffs(in vrrp.Tick) {
	for _, m := range s.f.members {
		why := trigger{event.Recovered, m, in.Cause}
		if m.lacks.over(s.now) {
			s.complete(m, why)
		}
		if lost, on := s.f.faults[m.lostFault()]; on && !s.now.Before(s.f.members.unheard(lost.since)) {
			s.clear(m.lostFault(), why)
		}
	}
}

// endKeptIntervals lets an Active that was given a longer interval keep it from now on.
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

// leaveCompany ends the time for which third routers count as present.
func (s *step) leaveCompany(in vrrp.Tick) {
	for _, m := range s.f.members {
		if !m.company.Leave(s.now, m.Routers == 2) {
			continue
		}
		s.report(event.Warning{
			Stamp: s.stamp(in.Cause), Instance: m.Name, Reason: event.WarnThirdRouter, Over: true,
			Text: "no third router was heard for an hour, or the configuration allows more than two",
		})
	}
}

// wait takes the next step towards Active: asks the verifiers shortly ahead of
// the takeover, and at its instant decides with the facts that they found.
func (s *step) wait(in vrrp.Tick) {
	f, at := s.f, s.f.takeover()
	if s.giveTime(f.asked.late(at, s.now)) {
		return
	}
	if s.dueAndVerified(at, in.Cause.Trace) {
		if s.refusedAhead(at, in.Cause) {
			return
		}
		why := f.takeoverReason(s.now, event.Cause{Trace: f.asked.trace, At: at})
		if s.cfg.Fence != nil && f.needsFence(why) {
			s.startFence(why)
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

// serveAlone lets members serve alone whose wait is over and verified, as wait does for the
// whole group (alone.go).
func (s *step) serveAlone(in vrrp.Tick) {
	at, ok := s.f.nextAlone()
	if !ok || s.giveTimeAlone(s.f.asked.late(at, s.now)) || !s.dueAndVerified(at, in.Cause.Trace) {
		return
	}
	s.why = trigger{event.LastStanding, nil, event.Cause{Trace: s.f.asked.trace, At: at}}
	s.f.beginAlone(s.now)
}

// dueAndVerified asks the verifiers shortly ahead of the takeover at the instant at, and
// reports whether it is due and they have answered, or are waited for no longer.
func (s *step) dueAndVerified(at time.Time, trace event.Trace) bool {
	f := s.f
	if !f.asked.of(at) && !s.now.Before(at.Add(-f.lead())) {
		s.verify(at, trace)
	}
	return f.asked.over(at, s.now)
}

// verify asks the verifiers about the takeover at the instant at, whose trace
// begins here.
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

// absorbRejoined begins the wait of a member anew whose adverts could not be heard.
// An address owner waits for nobody, and an Active for nothing.
func (s *step) absorbRejoined(in vrrp.Rejoined) {
	m := s.f.members.find(in.Instance)
	if m != nil {
		s.f.restartAlone(m, in.Cause.At, m.interval)
	}
	if m == nil || m.Priority == vrrp.Owner || !s.f.waiting() && !s.f.members.recovering() {
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

// reportPreemptDelay logs, once for each delay, that preemption of a lower-priority
// Active is held off.
func (s *step) reportPreemptDelay(m *member, h *vrrp.Heard) {
	if m.delayed || s.f.members.recovering() || h.Priority >= m.Priority || !m.Preempt || !s.now.Before(m.preemptFrom) {
		return
	}
	m.delayed = true
	s.report(event.InstanceHolding{
		Stamp: s.stamp(h.Cause), Virtual: m.Virtual, Reason: event.HoldPreemptDelay, Until: m.preemptFrom,
	})
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
	if s.cfg.Fence != nil && !at.IsZero() && f.takeoverReason(s.now, event.Cause{}).reason != event.PeerResigned {
		at = time.Time{} // whether the fence is needed is known at the instant itself
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

// A group with a fence fences an Active that was heard and fell silent before it takes over
// from it (pkg/vrrp/fence): for silence alone, not after a priority 0, not to preempt an
// Active that is heard, and not where none was heard since the group was last Active itself.
// Until all that is done the group stays Backup.
//
// An event that changes the waits (facts.unverify) also ends the fence: an advert, a
// resignation, a fault.

// fenceAgain is the least time until a fence that failed is tried again.
const fenceAgain = time.Second

// startFence begins the fence of a takeover that is due: it asks the stations.
func (s *step) startFence(why trigger) {
	s.f.fence.Begin(s.now, s.cfg.Links(), minAskPause)
	m := s.f.members.fenced(why)
	s.report(event.InstanceHolding{Stamp: s.stamp(why.cause), Virtual: m.Virtual, Reason: event.HoldFence})
	s.askForFence(why.cause)
}

// askForFence asks the stations on the links that have not proved themselves, if that is due.
func (s *step) askForFence(cause event.Cause) {
	if links := s.f.fence.Ask(s.now, maxAskPause); links != nil {
		s.emit(vrrp.Ask{Cause: cause, Interfaces: links})
	}
}

// proveForFence notes that a station has answered. With the last segment the command runs.
func (s *step) proveForFence(in vrrp.Forwards) {
	if !s.f.fence.Prove(in.Interface, in.Cause.At) {
		return
	}
	m, ticket := s.f.members.fenced(s.f.takeoverReason(s.now, in.Cause)), s.tickets.Next()
	s.f.fence.Run(s.now, ticket, s.cfg.Fence.Timeout)
	s.emit(vrrp.RunFence{
		Cause: event.Cause{Trace: s.f.asked.trace, At: in.Cause.At}, Ticket: ticket,
		Fence: s.cfg.Fence, Group: s.f.name, Instance: m.Instance, Active: m.silent,
	})
}

// followFence acts on an outcome of the fence. Where no station answers this router
// may be the one that is cut off: it goes on to ask, unless the fence need not succeed.
func (s *step) followFence(outcome fence.Outcome, cause event.Cause) {
	switch outcome {
	case fence.CutOff:
		m, proceeds := s.f.members.fenced(s.f.takeoverReason(s.now, cause)), s.cfg.Fence.Proceed
		s.report(event.FenceUnproven{
			Stamp: s.stamp(cause), Virtual: m.Virtual, Links: s.f.fence.Unproven(), Proceeds: proceeds,
		})
		if proceeds {
			s.f.fence.FailCutOff()
			s.passFence()
		}
	case fence.Again:
		s.startFence(s.f.takeoverReason(s.now, cause))
	case fence.Failed:
		s.failFence(cause)
	case fence.Done:
		s.passFence()
	}
}

// passFence lets the group take over. The takeover is due now, and is verified anew.
func (s *step) passFence() {
	s.f.asked = verification{}
	s.f.fence.Pass()
	for _, m := range s.f.members {
		if m.downAt.Before(s.now) {
			m.downAt = s.now
		}
	}
}

// failFence keeps the group Backup, and lets it try again when nothing was heard for
// another Active_Down_Interval; or lets it take over all the same.
func (s *step) failFence(cause event.Cause) {
	if s.cfg.Fence.Proceed {
		s.passFence()
		return
	}
	failed := s.f.members.fenced(s.f.takeoverReason(s.now, cause))
	wait := fenceAgain
	for _, m := range s.f.members {
		wait = max(wait, m.activeDown(m.interval))
	}
	for _, m := range s.f.members {
		m.downAt, m.holdReported = s.now.Add(wait), true
	}
	s.f.unverify()
	s.report(event.InstanceHolding{
		Stamp: s.stamp(cause), Virtual: failed.Virtual, Reason: event.HoldFenceFailed, Until: s.now.Add(wait),
	})
}

// cancelFence ends a fence that is not needed any more, and lets the group take over.
func (s *step) cancelFence() {
	if s.f.fence.Begun() {
		s.passFence()
		s.f.unverify()
	}
}

// absorbStall judges a pause of our own: the Active that slept is silent and
// listens for one interval; a router that has taken over meanwhile keeps the addresses.
func (s *step) absorbStall(in vrrp.Stalled) {
	if s.stallAlone(s.f.members.find(in.Instance), in.Cause) {
		return
	}
	if s.f.state() != event.Active || s.f.listening != nil {
		return
	}
	var interval time.Duration
	for _, m := range s.f.members {
		interval = max(interval, m.Instance.Interval)
	}
	s.report(event.EngineStalled{
		Stamp: s.stamp(in.Cause), Instance: in.Instance, Gap: in.Gap, Done: "silent and listening for one interval",
	})
	s.f.listening = &stall{cause: in.Cause, since: in.Cause.At.Add(-in.Gap), until: in.Cause.At.Add(interval)}
	for _, m := range s.f.members {
		since := s.f.listening.since
		if best := &m.others.Best; best.Source.IsValid() && best.At.After(since) {
			s.yieldAfterStall(m, best.Interval)
			return
		}
		if i := &m.others.Incompatible; i.At.After(since) && m.Priority != vrrp.Owner {
			s.yieldAfterStall(m, i.Interval)
			i.Hold()
			return
		}
	}
}

// yieldAfterStall yields to the rival that was heard after a stall. The waits begin
// now: what it sent during the stall is old, and more of it is to be read. Its
// adverts come each interval.
func (s *step) yieldAfterStall(m *member, interval time.Duration) {
	m.interval = interval
	s.yieldSilently(trigger{event.StalledLoop, m, s.f.listening.cause})
}

// yieldSilently yields after a time in which this process did not run: others may have moved
// on, so no priority 0 is sent.
func (s *step) yieldSilently(why trigger) {
	s.yield(why)
	s.f.members.delayPreemption(s.now)
	s.silent = true
}

// endListening goes on as Active when nobody was heard after a stall.
func (s *step) endListening() {
	if l := s.f.listening; l != nil && !s.now.Before(l.until) {
		s.f.listening = nil
		s.reannounce(l.cause)
	}
}

// absorbLease goes back to Backup after the engine resigned without the loop, which hung.
func (s *step) absorbLease(in vrrp.LeaseLost) {
	by := s.f.members.find(in.Instance)
	if s.stallAlone(by, in.Cause) || s.f.state() != event.Active {
		return
	}
	s.yieldSilently(trigger{event.StalledLoop, by, in.Cause})
}

// absorbSlept judges a time in which the whole router stood still. An Active that missed as
// many of its own adverts as others wait for listens first, as where the engine alone
// stalled; a Backup may have lost adverts of the Active, and gives it time.
func (s *step) absorbSlept(in vrrp.Slept) {
	if s.f.state() != event.Active {
		s.giveTime(in.Gap)
		s.sleptAlone(in)
		return
	}
	for _, m := range s.f.members {
		if in.Gap > time.Duration(m.Miss)*m.Instance.Interval {
			s.absorbStall(vrrp.Stalled{Cause: in.Cause, Instance: m.Name, Gap: in.Gap})
			return
		}
	}
}

// sleptAlone judges a time in which the whole router stood still for gap, for members that
// serve alone, or are to.
func (s *step) sleptAlone(in vrrp.Slept) {
	for _, m := range s.f.members {
		if s.f.servesAlone(m) && in.Gap > time.Duration(m.Miss)*m.Instance.Interval {
			s.stallAlone(m, in.Cause)
			return
		}
	}
	s.giveTimeAlone(in.Gap)
}

// stallAlone ends that members serve alone after a time in which the process did not run:
// others may serve by now. It reports whether any did.
func (s *step) stallAlone(by *member, cause event.Cause) bool {
	if !s.f.anyAlone() {
		return false
	}
	s.f.endAlone(s.now)
	s.why, s.silent = trigger{event.StalledLoop, by, cause}, true
	return true
}

// giveTime gives the Active more time if this process did not run for gap, and reports whether
// it does.
func (s *step) giveTime(gap time.Duration) bool {
	return s.reportGrace(gap, s.f.giveTime(s.now, gap))
}

// giveTimeAlone does what giveTime does, for members that are to serve alone.
func (s *step) giveTimeAlone(gap time.Duration) bool {
	return s.reportGrace(gap, s.f.giveTimeAlone(s.now, gap))
}

// reportGrace logs that the Active is given more time, since this process did not run for
// gap, if it is given.
func (s *step) reportGrace(gap time.Duration, given bool) bool {
	if given {
		s.report(event.EngineStalled{
			Stamp: s.stamp(event.Cause{}), Instance: s.f.members[0].Name, Gap: gap,
			Done: "the Active gets one interval and Skew_Time more",
		})
	}
	return given
}
