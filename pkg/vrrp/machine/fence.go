package machine

import (
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/fence"
)

// A group with a fence fences an Active that was heard and fell silent before it takes over
// from it (pkg/vrrp/fence): for silence alone, not after a priority 0, not to preempt an
// Active that is heard, and not where none was heard since the group was last Active itself.
// Until all that is done the group stays Backup.
//
// An event that changes the waits (facts.unverify) also ends the fence: an advert, a
// resignation, a fault.

// fenceAgain is the least time until a fence that failed is tried again.
const fenceAgain = time.Second

// hearActive remembers the Active that has to be fenced if it falls silent.
func (s *step) hearActive(m *member) {
	if s.f.state() != event.Active {
		m.silent = m.others.Best.Source
		s.f.fence.Forget()
	}
}

// fenced returns the member on which the Active fell silent: that which bears the reason
// of the takeover if it did there, else the first.
func (f *facts) fenced(why trigger) *member {
	if why.member != nil && why.member.silent.IsValid() {
		return why.member
	}
	for _, m := range f.members {
		if m.silent.IsValid() {
			return m
		}
	}
	return f.members[0]
}

// fellSilent reports whether the waits are over since an Active that was heard has fallen
// silent.
func (f *facts) fellSilent() bool {
	return slices.ContainsFunc(f.members, func(m *member) bool { return m.silent.IsValid() })
}

// fences reports whether a takeover needs the fence.
func (s *step) fences(why trigger) bool {
	return s.cfg.Fence != nil && !s.f.fence.Passed() && why.reason == event.ActiveTimeout && s.f.fellSilent()
}

// takenOver returns the reason of a takeover: one for which the fence failed, and which
// goes on all the same, bears that.
func (s *step) takenOver(why trigger) trigger {
	if s.f.fence.Passed() && s.f.fence.Err() != "" && why.reason == event.ActiveTimeout {
		why.reason = event.FenceFailed
	}
	return why
}

// startFence begins the fence of a takeover that is due: it asks the stations.
func (s *step) startFence(why trigger) {
	s.f.fence.Begin(s.now, s.cfg.Links(), askFirst)
	m := s.f.fenced(why)
	s.report(event.InstanceHolding{Stamp: s.stamp(why.cause), Virtual: m.Virtual, Reason: event.HoldFence})
	s.askForFence(why.cause)
}

// askForFence asks the stations on the links that have not proved themselves, if that is due.
func (s *step) askForFence(cause event.Cause) {
	if links := s.f.fence.Ask(s.now, askMost); links != nil {
		s.emit(vrrp.Ask{Cause: cause, Interfaces: links})
	}
}

// stepFence goes on with the fence at a Tick.
func (s *step) stepFence(in vrrp.Tick) {
	s.followFence(s.f.fence.Tick(s.now), in.Cause)
	s.askForFence(in.Cause)
}

// absorbFenced takes the result of a command.
func (s *step) absorbFenced(in vrrp.Fenced) {
	s.followFence(s.f.fence.Ended(in.Ticket, in.Err), in.Cause)
}

// followFence does what an outcome of the fence demands. Where no station answers this router
// may be the one that is cut off: it goes on to ask, unless the fence need not succeed.
func (s *step) followFence(outcome fence.Outcome, cause event.Cause) {
	switch outcome {
	case fence.CutOff:
		m, proceeds := s.f.fenced(s.takeoverReason(cause)), s.cfg.Fence.Proceed
		s.report(event.FenceUnproven{
			Stamp: s.stamp(cause), Virtual: m.Virtual, Links: s.f.fence.Unproven(), Proceeds: proceeds,
		})
		if proceeds {
			s.f.fence.PassCutOff()
			s.passFence()
		}
	case fence.Again:
		s.startFence(s.takeoverReason(cause))
	case fence.Failed:
		s.failFence(cause)
	case fence.Done:
		s.passFence()
	}
}

// proveForFence notes that a station has answered. With the last segment the command runs.
func (s *step) proveForFence(in vrrp.Forwards) {
	if !s.f.fence.Prove(in.Interface, in.Cause.At) {
		return
	}
	m, ticket := s.f.fenced(s.takeoverReason(in.Cause)), s.tickets.Next()
	s.f.fence.Run(s.now, ticket, s.cfg.Fence.Timeout)
	s.emit(vrrp.RunFence{
		Cause: event.Cause{Trace: s.f.asked.trace, At: in.Cause.At}, Ticket: ticket,
		Fence: s.cfg.Fence, Group: s.f.name, Instance: m.Instance, Active: m.silent,
	})
}

// passFence lets the group take over. The takeover is due now, and is verified anew.
func (s *step) passFence() {
	s.f.asked = asked{}
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
	failed := s.f.fenced(s.takeoverReason(cause))
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

// holding describes what keeps a Backup whose waits are over from taking over; empty if
// nothing does.
func (f *facts) holding() string {
	if f.state() != event.Backup {
		return ""
	}
	return f.fence.Holding()
}
