package machine

import (
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// In quiet times each advert of the Active says the same: that it is there. The receiver may
// then drop those that repeat the last one, in the kernel, and report now and then how many
// came and when the last one did (pkg/advert/repeats). That is allowed while nothing but
// silence, or another advert, would make the group move, and no takeover is verified: it would
// be decided without the adverts that came just before it.

// summaries is a step as far as the reports of the receiver are concerned.
type summaries struct{ *step }

// follow has the adverts of each member's Active summarized while that is allowed.
func (s summaries) follow() {
	backup := s.f.state() == event.Backup && s.f.asked.ticket == 0 && !s.f.fence.Begun() && !s.f.anyAlone()
	for _, m := range s.f.members {
		if on := backup && m.isSteady(s.step); on != m.summarized {
			m.summarized = on
			s.emit(vrrp.Summarize{Instance: m.Instance, On: on})
		}
	}
}

// isSteady reports whether the member hears one Active, to which it would yield at any time, and
// waits for its adverts alone: the Active_Down_Timer is that of the last one. The probe
// compares their times with those of answers, and needs each.
func (m *member) isSteady(s *step) bool {
	best := &m.others.Best
	if !m.known(s.now) || m.others.Second != nil || m.Watches() || m.recovery != nil {
		return false
	}
	if m.resigned != nil || m.cascaded != nil || m.dead != nil || !m.downAt.Equal(best.At.Add(m.activeDown(best.Interval))) {
		return false
	}
	preempts := s.now
	if m.preemptFrom.After(preempts) {
		preempts = m.preemptFrom
	}
	return !s.now.Before(m.others.Incompatible.Until) && !m.outranks(best.Priority, preempts)
}
