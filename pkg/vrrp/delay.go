package vrrp

import (
	"time"

	"ripcord/pkg/event"
)

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
		m.patient, m.delayed = now.Add(m.PreemptDelay), false
	}
}

// delayStart begins the startup_delay: the longest of the members'.
func (f *facts) delayStart(now time.Time) {
	var longest time.Duration
	for _, m := range f.members {
		longest = max(longest, m.StartupDelay)
	}
	f.opens = time.Time{}
	if longest > 0 {
		f.opens = now.Add(longest)
	}
}

// reportPreemptDelay logs, once for each delay, that preemption of a lower-priority
// Active is held off.
func (s *step) reportPreemptDelay(m *member, h Heard) {
	if m.delayed || s.f.recovering() || h.Priority >= m.Priority || !m.Preempt || !s.now.Before(m.patient) {
		return
	}
	m.delayed = true
	s.report(event.InstanceHolding{
		Stamp: s.stamp(h.Cause), Virtual: m.Virtual, Reason: event.HoldPreemptDelay, Until: m.patient,
	})
}

// holdReason says for what a member waits whose own wait is over.
func (f *facts) holdReason() string {
	if f.takeover().Equal(f.opens) {
		return event.HoldStartup
	}
	return event.HoldGroup
}
