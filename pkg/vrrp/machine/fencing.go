package machine

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/fence"
)

// A group with a fence fences the Active whose silence ends the wait, unless that Active has
// resigned (pkg/vrrp/fence). It fences none to preempt another Active that it hears: that one may
// have taken over from the silent one. It also fences none if none was heard since the group was
// last Active itself. The group stays Backup until the fence is over.
//
// An event that changes the waits (facts.unverify), such as an advert, a resignation or a
// fault, also ends the fence.
//
// The Actives that have not resigned are recorded, so that the daemon that follows fences them,
// too: an Active may fall silent while no daemon runs here, or before the next one has heard it.

// fenceAgain is the minimum time until a failed fence is tried again.
const fenceAgain = time.Second

// fencing is the part of a step that concerns the fence.
type fencing struct{ *step }

// begin begins the fence of a takeover that is due: it asks the stations.
func (s fencing) begin(why trigger) {
	s.f.fence.Begin(s.now, s.cfg.Links(), minAskPause)
	m := s.f.members.fenced(why)
	s.report(event.InstanceHolding{Stamp: s.stamp(why.cause), Virtual: m.Virtual, Reason: event.HoldFence})
	s.ask(why.cause)
}

// ask asks the stations on the links on which none has answered yet, if that is due.
func (s fencing) ask(cause event.Cause) {
	if links := s.f.fence.Ask(s.now, maxAskPause); links != nil {
		s.emit(vrrp.Ask{Cause: cause, Interfaces: links})
	}
}

// prove records that a station has answered. With the answer on the last segment the command
// runs.
func (s fencing) prove(in vrrp.Forwards) {
	if s.f.fence.Prove(in.Interface, in.Cause.At) {
		s.run(in.Cause)
	}
}

// keepLinks removes the links that the group has lost in a reload from those on which a station
// must answer. If a station has answered on each of the others, the command runs.
func (s fencing) keepLinks(cause event.Cause) {
	if s.f.fence.Keep(s.cfg.Links()) {
		s.run(cause)
	}
}

// run runs the command.
func (s fencing) run(cause event.Cause) {
	m, ticket := s.f.members.fenced(s.f.takeoverReason(s.now, cause)), s.tickets.Next()
	s.f.fence.Run(s.now, ticket, s.cfg.Fence.Timeout)
	s.emit(vrrp.RunFence{
		Cause: event.Cause{Trace: s.f.asked.trace, At: cause.At}, Ticket: ticket,
		Fence: s.cfg.Fence, Group: s.f.name, Instance: m.Instance, Active: m.silenced(s.now),
	})
}

// absorb absorbs the end of the command.
func (s fencing) absorb(in vrrp.Fenced) { s.act(s.f.fence.Ended(in.Ticket, in.Err), in.Cause) }

// tick ends the waits of a fence in progress, and asks the stations again.
func (s fencing) tick(cause event.Cause) {
	s.act(s.f.fence.Tick(s.now), cause)
	s.ask(cause)
}

// act acts on an outcome of the fence. If no station answers, this router may be the one that
// is cut off: it goes on asking, unless the configuration lets it proceed without success.
func (s fencing) act(outcome fence.Outcome, cause event.Cause) {
	switch outcome {
	case fence.CutOff:
		m, proceeds := s.f.members.fenced(s.f.takeoverReason(s.now, cause)), s.cfg.Fence.Proceed
		s.report(event.FenceUnproven{
			Stamp: s.stamp(cause), Virtual: m.Virtual, Links: s.f.fence.Unproven(), Proceeds: proceeds,
		})
		if proceeds {
			s.f.fence.FailCutOff()
			s.pass()
		}
	case fence.Again:
		s.begin(s.f.takeoverReason(s.now, cause))
	case fence.Failed:
		s.fail(cause)
	case fence.Done:
		s.pass()
	}
}

// pass lets the group take over. The takeover is due now, and is verified again.
func (s fencing) pass() {
	s.f.asked = verification{}
	s.f.fence.Pass()
	for _, m := range s.f.members {
		if m.downAt.Before(s.now) {
			m.downAt = s.now
		}
	}
}

// fail keeps the group Backup, and makes it try again when no Active was heard for another
// Active_Down_Interval. With Proceed in the configuration the group takes over instead.
func (s fencing) fail(cause event.Cause) {
	if s.cfg.Fence.Proceed {
		s.pass()
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

// forget removes an Active of member m that has resigned from those that may be fenced. It also
// removes that router on the other members, even if it was last heard there long ago.
func (s fencing) forget(m *member, source netip.Addr) {
	gone, ok := m.unresigned.Resigned(source)
	if !ok {
		return
	}
	for _, n := range s.f.members {
		for _, a := range slices.Clone(n.unresigned) {
			if s.isOneRouter(m, gone, n, a) {
				n.unresigned.Resigned(a.Source)
			}
		}
	}
	if !s.f.members.anyUnresigned() {
		s.cancel()
	}
}

// cancel ends a fence that is no longer needed, and lets the group take over.
func (s fencing) cancel() {
	if s.f.fence.Begun() {
		s.pass()
		s.f.unverify()
	}
}

// recall absorbs the Actives that the previous daemon had heard.
func (s fencing) recall(in vrrp.Recalled) {
	if m := s.f.members.find(in.Instance); m != nil && !s.f.started {
		m.unresigned = slices.Clone(in.Actives)
	}
}

// waitForRecalled makes a group that starts wait as long as the longest interval of the recalled
// Actives requires: the fence must not switch off an Active whose next advert is not due yet.
func (s fencing) waitForRecalled() {
	if s.f.ownerWait != nil {
		return
	}
	for _, m := range s.f.members {
		longest := m.interval
		for _, a := range m.unresigned {
			longest = max(longest, a.Interval)
		}
		if longest > m.interval {
			m.interval = longest
			m.restart(s.now)
			m.waitForSecond(s.now)
		}
	}
}

// waits reports whether a member waits for an Active that must be fenced if it stays silent.
func (s fencing) waits(m *member) bool { return s.cfg.Fence != nil && len(m.unresigned) > 0 }

// follow records the Actives of each member that have not resigned, if they have changed.
func (s fencing) follow() {
	for _, m := range s.f.members {
		list := []vrrp.Advertiser(m.unresigned)
		if s.cfg.Fence == nil {
			list = nil
		}
		if !slices.Equal(list, m.recorded) {
			m.recorded = slices.Clone(list)
			s.emit(vrrp.RecordActives{Instance: m.Instance, Actives: m.recorded})
		}
	}
}

// RecordActives returns the effects that record the Actives of all members again. A reload needs
// them: it may move the records of members, and a new member may replace another one of its name.
func (m *Machine) RecordActives() (effects []vrrp.Effect) {
	for _, mb := range m.facts.members {
		effects = append(effects, vrrp.RecordActives{Instance: mb.Instance, Actives: mb.recorded})
	}
	return effects
}
