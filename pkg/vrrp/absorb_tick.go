package vrrp

import (
	"time"

	"ripcord/pkg/event"
)

// absorbTick ends what has run out.
func (s *step) absorbTick(in Tick) {
	s.f.clock = s.now
	s.endFaults(in)
	s.endHoldOffs(in)
	s.endRecoveries(in)
	s.ask(in.Cause)
	switch {
	case s.f.recovering():
	case s.f.waiting():
		s.wait(in)
	case s.f.state() == event.Active:
		s.endListening()
		s.decideTie()
		s.endConfirmation(in.Cause)
	}
}

// endFaults takes back the faults that are to be tried again.
func (s *step) endFaults(in Tick) {
	if len(s.f.faults) == 0 {
		return
	}
	for _, m := range s.f.members { // not the map, whose order is chance
		for _, key := range m.faultKeys() {
			if _, on := s.f.faults[key]; on && key.reason == event.SendFailed {
				s.retrySends(m, in.Cause)
			} else if flt := s.f.faults[key]; !flt.until.IsZero() && !s.now.Before(flt.until) {
				s.clear(key, because{event.Recovered, m, in.Cause})
			}
		}
	}
}

// wait takes the next step towards Active: asks the verifiers shortly ahead of
// the takeover, and at its instant believes what they found.
func (s *step) wait(in Tick) {
	if s.overslept() {
		return
	}
	f, at := s.f, s.f.takeover()
	if !f.asked.about.Equal(at) && !s.now.Before(at.Add(-f.lead())) {
		s.verify(at, in.Cause.Trace)
	}
	if f.asked.about.Equal(at) && !s.now.Before(at) && (f.answered() || !s.now.Before(f.asked.limit)) {
		if s.refusedAhead(at, in.Cause) {
			return
		}
		s.why = s.takeoverReason(event.Cause{Trace: f.asked.trace, At: at})
		f.verified, f.skip = true, nil
		return
	}
	for m := f.holding(at); m != nil && !s.now.Before(m.holdsAt()); m = f.holding(at) {
		m.heldBack = true
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
		limit:   limit.Add(min(verifyPatience, s.f.shortest())),
		answers: make(map[Verifier]bool, 2),
	}
	var links []string
	for i, m := range s.f.members {
		if !interfaceIn(s.f.members[:i], m.Interface) {
			links = append(links, m.Interface)
		}
	}
	s.emit(Verify{Ticket: s.f.asked.ticket, Interfaces: links})
}

func interfaceIn(members []*member, name string) bool {
	for _, m := range members {
		if m.Interface == name {
			return true
		}
	}
	return false
}

// overslept gives the Active one interval and Skew_Time more when the daemon
// itself slept through the takeover: what the Active sent meanwhile may have
// been lost (docs/architecture.md#lease).
func (s *step) overslept() bool {
	due := s.f.takeover()
	if s.f.asked.about.Equal(due) && s.f.asked.limit.After(due) {
		due = s.f.asked.limit
	}
	gap := s.now.Sub(due)
	if gap <= s.f.shortest() || s.f.skip != nil || s.f.graced {
		return false
	}
	for _, m := range s.f.members {
		m.downAt = s.now.Add(m.interval + m.skew())
	}
	s.f.unverify()
	s.f.graced = true
	s.report(event.EngineStalled{
		Stamp: s.stamp(event.Cause{}), Instance: s.f.members[0].Name, Gap: gap,
		Done: "the Active gets one interval and Skew_Time more",
	})
	return true
}

// takeoverReason says why the waits are over: a resignation counts more than a
// lower Active, and that more than silence.
func (s *step) takeoverReason(cause event.Cause) because {
	if s.f.skip != nil {
		return s.f.skip.cause
	}
	last := s.f.members[0]
	var resigned, lower *member
	for _, m := range s.f.members {
		switch {
		case m.resigned != nil && resigned == nil:
			resigned = m
		case m.known(s.now) && m.outranks(m.other.priority, s.now) && lower == nil:
			lower = m
		}
		if m.due().After(last.due()) {
			last = m
		}
	}
	switch {
	case resigned != nil:
		return because{event.PeerResigned, resigned, resigned.resigned.cause}
	case lower != nil && lower.Priority == Owner:
		return because{event.OwnerPreempt, lower, cause}
	case lower != nil && lower.delayed:
		return because{event.PreemptHoldTimeout, lower, cause}
	case lower != nil:
		return because{event.LowerPriorityActive, lower, cause}
	}
	return because{event.ActiveTimeout, last, cause}
}
