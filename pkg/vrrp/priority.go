package vrrp

import "ripcord/pkg/event"

// Impaired is the priority that a router advertises while it lacks something of
// what it should hold (impair.go). Whoever hears it and lacks nothing takes over,
// whatever its Preempt_Mode.
const Impaired = 1

// priority returns the priority in force, which is one for all members of a group:
// it is advertised, sets Skew_Time, and is compared with that of others. It is the
// only place that derives it.
func (f *facts) priority() uint8 {
	if f.impaired() {
		return Impaired
	}
	return f.members[0].Instance.Priority
}

// reprioritize lets all members follow the priority in force. An Active whose
// priority changes sends its adverts at once: a better Backup counts its Skew_Time
// from the first that it hears.
func (s *step) reprioritize(cause event.Cause) {
	p := s.f.priority()
	if p == s.f.members[0].Priority {
		return
	}
	active := s.f.state() == event.Active
	for _, m := range s.f.members {
		m.Priority = p
		if active {
			s.show(m, cause)
			if s.f.listening == nil {
				s.emit(AdvertiseNow{cause, m.Instance})
			}
		}
	}
	if s.f.skip != nil { // it is no owner now, and waits as a Backup
		s.why = s.f.skip.cause
		s.f.unverify()
		for _, m := range s.f.members {
			m.renew(s.now)
		}
	}
}

// fell reports whether an advert shows that the Active, which was at least as good as
// this router until then, is impaired now.
func (m *member) fell(was other, h Heard) bool {
	return was.source == h.Source && was.priority >= m.Priority && h.Priority < m.Priority && h.Priority == Impaired
}

// replace lets the group take over from an Active that fell when Skew_Time has
// passed: until then the Active goes on serving.
func (s *step) replace(m *member, h Heard) {
	if at := h.Cause.At.Add(m.skew()); at.Before(m.downAt) {
		s.f.unverify()
		m.downAt, m.heldBack = at, false
	}
}
