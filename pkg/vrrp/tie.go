package vrrp

import (
	"time"

	"ripcord/pkg/event"
)

// Two Actives of equal priority compare their addresses (RFC 9568 §6.4.3). In a
// group they must compare those of one segment, the same on both sides: the
// first member in which the rival is heard. Otherwise two routers whose
// addresses are ordered differently would each yield on another segment, and
// nobody would serve (docs/architecture.md#group).

// heardEqual is an advert of our own priority while we are Active.
func (s *step) heardEqual(m *member, h Heard) {
	first := s.firstEqual()
	if first == nil {
		return
	}
	if first.at == 0 {
		s.judgeTie(first, h.Cause)
	} else if decided := first.other.since.Add(first.other.interval); s.now.Before(decided) {
		s.f.tie = decided // an earlier member may still hear it
		return
	} else {
		s.judgeTie(first, h.Cause)
	}
	if s.f.state() == event.Active {
		s.assert(m, h)
	}
}

// decideTie decides the tie that waited for an earlier member to hear the rival,
// if the rival is still there: it may have yielded to us on that very member.
func (s *step) decideTie() {
	if s.f.tie.IsZero() || s.now.Before(s.f.tie) {
		return
	}
	if first := s.firstEqual(); first != nil && first.other.at.Sub(first.other.since) >= first.other.interval/2 {
		s.judgeTie(first, event.Cause{})
	}
	s.f.tie = time.Time{}
}

// judgeTie compares the addresses of the member that decides.
func (s *step) judgeTie(first *member, cause event.Cause) {
	if first.source.Less(first.other.source) {
		s.yieldTo(first, cause)
	}
}

// firstEqual is the first member that hears a rival of our own priority.
func (s *step) firstEqual() *member {
	for _, m := range s.f.members {
		if m.known(s.now) && m.other.priority == m.Priority {
			return m
		}
	}
	return nil
}
