package machine

import (
	"slices"
	"strings"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// A group with a fence runs a command before it takes over from an Active that was heard
// and fell silent, to make sure that the other router does not serve any more (STONITH).
// It does so for silence alone: not after a priority 0, not to preempt an Active that is
// heard, and not where none was heard since the group was last Active itself. And since
// silence is the same to whoever is cut off, a station on the segment of every member has
// to answer first. Until all that is done the group stays Backup.
//
// An event that changes the waits (facts.unverify) also ends the fence: an advert, a
// resignation, a fault. A command that runs then is left alone, and its result does not
// count.

const (
	// fenceProofWait is how long a station on each segment may take to answer, until the
	// group counts as one that may be cut off.
	fenceProofWait = 2 * time.Second
	// fenceResultWait is how much longer than its timeout a command may take to be killed
	// and reported.
	fenceResultWait = 10 * time.Second
	// fenceAgain is the least time until a fence that failed is tried again.
	fenceAgain = time.Second
)

// fencePhase is how far the fence of a takeover has come.
type fencePhase uint8

const (
	fenceNone    fencePhase = iota
	fenceProving            // stations are asked
	fenceQueued             // the command for an earlier takeover has to end first
	fenceRunning            // the command runs
	fencePassed             // nothing keeps the takeover back any more
)

// fence is the fence of the takeover that is due.
type fence struct {
	phase    fencePhase
	unproven []string  // links on which no station has answered yet
	since    time.Time // of the first question
	askAt    time.Time // when stations are asked again
	askIn    time.Duration
	cutOff   bool // it was reported that none answers
	// ticket is that of the command that runs; 0: none does. It outlives the takeover.
	ticket uint64
	limit  time.Time // until when it is waited for
	err    string    // why the last one failed; empty: it did not, or an advert was heard since
}

// holds reports whether the fence keeps the takeover back.
func (f *fence) holds() bool {
	return f.phase == fenceProving || f.phase == fenceQueued || f.phase == fenceRunning
}

// deadline returns the next instant at which the fence has to be looked at.
func (f *fence) deadline() time.Time {
	if f.phase != fenceProving {
		return f.limit
	}
	if at := f.since.Add(fenceProofWait); !f.cutOff && at.Before(f.askAt) {
		return at
	}
	return f.askAt
}

// cancel ends the fence of a takeover that is not due any more.
func (f *fence) cancel() { f.phase, f.unproven = fenceNone, nil }

// hearActive remembers the Active that has to be fenced if it falls silent.
func (s *step) hearActive(m *member) {
	if s.f.state() != event.Active {
		m.silent, s.f.fence.err = m.other.source, ""
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
	return s.cfg.Fence != nil && s.f.fence.phase != fencePassed && why.reason == event.ActiveTimeout && s.f.fellSilent()
}

// takenOver returns the reason of a takeover: one for which the fence failed, and which
// goes on all the same, bears that.
func (s *step) takenOver(why trigger) trigger {
	if s.f.fence.phase == fencePassed && s.f.fence.err != "" && why.reason == event.ActiveTimeout {
		why.reason = event.FenceFailed
	}
	return why
}

// startFence begins the fence of a takeover that is due: it asks the stations.
func (s *step) startFence(why trigger) {
	f := &s.f.fence
	f.phase, f.since, f.cutOff = fenceProving, s.now, false
	f.askAt, f.askIn, f.unproven = s.now, askFirst, s.cfg.Links()
	m := s.f.fenced(why)
	s.report(event.InstanceHolding{Stamp: s.stamp(why.cause), Virtual: m.Virtual, Reason: event.HoldFence})
	s.askForFence(why.cause)
}

// askForFence asks the stations on the links that have not proved themselves.
func (s *step) askForFence(cause event.Cause) {
	f := &s.f.fence
	if s.now.Before(f.askAt) {
		return
	}
	f.askAt, f.askIn = s.now.Add(f.askIn), min(2*f.askIn, askMost)
	s.emit(vrrp.Ask{Cause: cause, Interfaces: slices.Clone(f.unproven)})
}

// stepFence goes on with the fence at a Tick.
func (s *step) stepFence(in vrrp.Tick) {
	f := &s.f.fence
	switch {
	case f.phase == fenceProving:
		if !f.cutOff && !s.now.Before(f.since.Add(fenceProofWait)) {
			s.missProof(in.Cause)
		}
		if f.phase == fenceProving {
			s.askForFence(in.Cause)
		}
	case s.now.Before(f.limit):
	case f.phase == fenceQueued:
		f.ticket = 0
		s.startFence(s.takeoverReason(in.Cause))
	default:
		f.ticket = 0
		s.failFence("the command gave no result", in.Cause)
	}
}

// missProof reports that no station answers on a segment. Then this router may be the one
// that is cut off: it goes on to ask, unless the fence need not succeed.
func (s *step) missProof(cause event.Cause) {
	f := &s.f.fence
	f.cutOff = true
	m := s.f.fenced(s.takeoverReason(cause))
	s.report(event.FenceUnproven{
		Stamp: s.stamp(cause), Virtual: m.Virtual, Links: slices.Clone(f.unproven), Proceeds: s.cfg.Fence.Proceed,
	})
	if s.cfg.Fence.Proceed {
		s.failFence(f.cutOffError(), cause)
	}
}

func (f *fence) cutOffError() string {
	return "no station answers on " + strings.Join(f.unproven, ", ") + ": this router may be the one that is cut off"
}

// proveForFence notes that a station has answered, at the instant at. With the last
// segment the command runs.
func (s *step) proveForFence(in vrrp.Forwards) {
	f := &s.f.fence
	if f.phase != fenceProving || in.Cause.At.Before(f.since) {
		return
	}
	f.unproven = slices.DeleteFunc(f.unproven, func(link string) bool { return link == in.Interface })
	if len(f.unproven) == 0 {
		s.runFence(in.Cause)
	}
}

// runFence has the command run, unless an earlier one still does.
func (s *step) runFence(cause event.Cause) {
	f := &s.f.fence
	if f.ticket != 0 {
		f.phase = fenceQueued
		return
	}
	m := s.f.fenced(s.takeoverReason(cause))
	f.phase, f.ticket = fenceRunning, s.tickets.Next()
	f.limit = s.now.Add(s.cfg.Fence.Timeout + fenceResultWait)
	s.emit(vrrp.RunFence{
		Cause: event.Cause{Trace: s.f.asked.trace, At: cause.At}, Ticket: f.ticket,
		Fence: s.cfg.Fence, Group: s.f.name, Instance: m.Instance, Active: m.silent,
	})
}

// absorbFenced takes the result of a command. One for an earlier takeover proves nothing
// of the present silence.
func (s *step) absorbFenced(in vrrp.Fenced) {
	f := &s.f.fence
	if in.Ticket == 0 || in.Ticket != f.ticket {
		return
	}
	f.ticket = 0
	switch {
	case f.phase == fenceQueued:
		s.startFence(s.takeoverReason(in.Cause))
	case f.phase != fenceRunning:
	case in.Err != "":
		s.failFence(in.Err, in.Cause)
	default:
		f.err = ""
		s.passFence()
	}
}

// passFence lets the group take over. The takeover is due now, and is verified anew.
func (s *step) passFence() {
	s.f.asked = asked{}
	s.f.fence.phase = fencePassed
	for _, m := range s.f.members {
		if m.downAt.Before(s.now) {
			m.downAt = s.now
		}
	}
}

// failFence keeps the group Backup, and lets it try again when nothing was heard for
// another Active_Down_Interval; or lets it take over all the same.
func (s *step) failFence(err string, cause event.Cause) {
	s.f.fence.err = err
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
	if s.f.fence.phase == fenceNone {
		return
	}
	s.passFence()
	s.f.unverify()
}

// holding describes what keeps a Backup whose waits are over from taking over; empty if
// nothing does.
func (f *facts) holding() string {
	if f.state() != event.Backup {
		return ""
	}
	switch f.fence.phase {
	case fenceProving:
		if f.fence.cutOff {
			return event.HoldFence + ": " + f.fence.cutOffError()
		}
		return event.HoldFence + ": stations are asked whether they answer on " + strings.Join(f.fence.unproven, ", ")
	case fenceQueued, fenceRunning:
		return event.HoldFence + ": the command runs"
	case fenceNone:
		if f.fence.err != "" {
			return event.HoldFenceFailed + ": " + f.fence.err
		}
	}
	return ""
}
