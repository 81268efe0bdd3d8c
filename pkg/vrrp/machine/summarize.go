package machine

import (
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// In quiet times all adverts of the Active are the same. The receiver may then drop adverts that
// repeat the last one, in the kernel, and report at intervals how many arrived and when the last
// one did (pkg/advert/repeats). That is allowed while only silence or a different advert would
// make the group move, and no takeover is being verified: it would be decided without the adverts
// that arrived just before it.

// summaries is the part of a step that concerns the summary reports of the receiver.
type summaries struct{ *step }

// follow orders summaries of the adverts of each member's Active while that is allowed.
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
// waits for its adverts alone: the last one set the Active_Down_Timer. A member with a probe is
// never steady, because the probe compares the time of each advert with those of the answers.
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
