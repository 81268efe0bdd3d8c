package machine

import (
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// state derives the group's state from the facts. Nothing else does.
func (f *facts) state() event.State {
	switch {
	case !f.started:
		return event.Initialize
	case f.impeded():
		return event.Fault
	case !f.waiting():
		return event.Active
	case f.ownerWait != nil:
		return f.ownerWait.in
	}
	return event.Backup
}

// impeded reports whether a fault, or a recovery, keeps the group from serving.
func (f *facts) impeded() bool { return len(f.faults) > 0 || f.recovering() }

// waiting reports whether the group could be Active, but for a wait that is not
// over or not verified. While it recovers it waits in Fault, else in Backup.
func (f *facts) waiting() bool {
	return f.started && len(f.faults) == 0 && (!f.verified || f.takeover().After(f.clock))
}

// takeover returns the instant at which every member's wait is over, and the delay after
// the start.
func (f *facts) takeover() time.Time {
	last := f.startupEnds
	for _, m := range f.members {
		if m.due().After(last) {
			last = m.due()
		}
	}
	return last
}

// deadline returns the next instant at which the facts change by themselves.
func (f *facts) deadline() (time.Time, bool) {
	var next deadline.Earliest
	for _, m := range f.members {
		if m.sends.unproven {
			if _, on := f.faults[m.sendFault()]; on {
				next.Add(m.retrySendsAt())
			}
		}
		if flt, on := f.faults[m.lostFault()]; on {
			next.Add(f.unheard(flt.since))
		}
		if m.lacks != nil {
			next.Add(m.lacks.until)
		}
		next.Add(m.company.Deadline())
		if m.keptInterval != 0 {
			next.Add(m.keptUntil)
		}
		if m.recovery != nil {
			next.Add(m.recoveredAt())
			if !m.recovery.forwards {
				next.Add(m.recovery.ask.At())
			}
		}
	}
	if !f.releasedUntil.IsZero() {
		next.Add(f.releasedUntil)
	}
	if at, ok := f.nextAlone(); ok {
		next.Add(f.verification(at))
	}
	switch {
	case f.recovering():
	case f.waiting() && f.fence.Holds():
		next.Add(f.fence.Deadline())
	case f.waiting():
		at := f.takeover()
		next.Add(f.verification(at))
		if m := f.nextHolding(at); m != nil {
			next.Add(m.reportHoldAt())
		}
	case f.state() == event.Active:
		if f.listening != nil {
			next.Add(f.listening.until)
		}
		next.Add(f.tieEnds)
		next.Add(f.confirmBy)
	}
	return next.Get()
}

// verification returns the next instant that matters for the takeover at the instant
// at: to ask the verifiers, to move, or to move without the answers that did not
// come.
func (f *facts) verification(at time.Time) time.Time {
	switch {
	case !f.asked.about.Equal(at):
		return at.Add(-f.lead())
	case f.answered() || f.clock.Before(at):
		return at
	}
	return f.asked.limit
}

func (f *facts) answered() bool {
	return f.asked.answers[vrrp.Receiver] && f.asked.answers[vrrp.Confirmer]
}

func (f *facts) lead() time.Duration { return min(verifyLead, f.shortest()/4) }

// shortest returns the shortest Active_Adver_Interval of the members.
func (f *facts) shortest() time.Duration {
	least := f.members[0].interval
	for _, m := range f.members[1:] {
		least = min(least, m.interval)
	}
	return least
}

// nextHolding returns the member that is next to be reported as holding: its own wait is
// over, and it waits for the others until the takeover at the instant at. It is nil if
// there is none.
func (f *facts) nextHolding(at time.Time) (first *member) {
	for _, m := range f.members {
		if m.holdReported || !m.due().Before(at) {
			continue
		}
		if holds := m.reportHoldAt(); holds.Before(at) && (first == nil || holds.Before(first.reportHoldAt())) {
			first = m
		}
	}
	return first
}

// reportHoldAt returns the instant at which a member is reported as holding: half an
// interval after the end of its wait, so that members which end together are not.
func (m *member) reportHoldAt() time.Time { return m.due().Add(m.interval / 2) }
