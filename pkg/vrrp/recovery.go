package vrrp

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// A link that returns has carrier long before its segment forwards, if a switch
// keeps the port blocked for its spanning tree. Silence then says nothing of the
// Active. So the group stays in Fault, and listens, until the segments of all
// members that returned have proved themselves (docs/architecture.md#link-state).
//
// Only the return of a link asks for proof: not a start, where a router that
// serves late is worse, nor a fault of our own making or an address that came
// back, where the link forwarded all along. A loss that was over before it was
// read counts as a return, but not for an Active, which goes on and announces
// itself again, until it yields. An owner waits for nobody.

// recovery is what a member has heard since its link returned.
type recovery struct {
	back  time.Time // when it was seen to be usable again
	until time.Time // proof is not waited for longer
	// forwards: something came through the segment. The Active_Down_Timer began
	// anew then, since the silence before it proves nothing.
	forwards bool
	source   netip.Addr // the Active that is heard
	adverts  int        // of it, since back
	askAt    time.Time  // when the stations are asked again
	askIn    time.Duration
}

// recover begins the recovery of a member whose link was lost and is back.
func (s *step) recover(m *member) {
	if !s.f.started || m.Priority == Owner || m.Recovery.Wait <= 0 {
		return
	}
	if s.f.state() == event.Backup {
		s.why = because{event.InterfaceDown, m, m.link.Cause}
	}
	s.f.unverify()
	until := s.now.Add(m.Recovery.Wait)
	m.recovery = &recovery{back: s.now, until: until, askAt: s.now, askIn: min(askFirst, m.Instance.Interval)}
	s.report(event.InstanceHolding{
		Stamp: s.stamp(m.link.Cause), Virtual: m.Virtual, Reason: event.HoldRecovery, Until: until,
	})
}

// recovering reports whether a member's link has yet to prove itself.
func (f *facts) recovering() bool {
	for _, m := range f.members {
		if m.recovery != nil {
			return true
		}
	}
	return false
}

func (f *facts) forgetRecoveries() {
	for _, m := range f.members {
		m.recovery = nil
	}
}

// recoveredAt is when the recovery is over if nothing more is heard: at the end
// of the Active_Down_Timer, if the segment forwards.
func (m *member) recoveredAt() time.Time {
	if r := m.recovery; !r.forwards || r.until.Before(m.downAt) {
		return r.until
	}
	return m.downAt
}

// absorbForwards learns that a station has answered.
func (s *step) absorbForwards(in Forwards) { s.prove(in.Interface, in.Cause.At) }

// prove notes, for all members on a link, that something came through its
// segment at the instant at. What was received before the return and read after
// it proves nothing.
func (s *step) prove(link string, at time.Time) {
	for _, m := range s.f.members {
		if m.Interface == link && !at.Before(m.flapped) {
			m.flapped = time.Time{}
		}
		r := m.recovery
		if r == nil || r.forwards || m.Interface != link || at.Before(r.back) {
			continue
		}
		r.forwards = true
		m.renew(at)
	}
}

// countAdvert counts an advert of the current Active: enough of them end the
// recovery.
func (s *step) countAdvert(m *member, h Heard) {
	r := m.recovery
	if r == nil || h.Cause.At.Before(r.back) || h.Source != m.other.source {
		return
	}
	if r.source != h.Source {
		r.source, r.adverts = h.Source, 0
	}
	if r.adverts++; r.adverts >= m.Recovery.Adverts {
		s.endRecovery(m, because{event.Recovered, m, h.Cause})
	}
}

// endRecoveries ends those that have run out. The takeover counts as due at that
// instant, not before: nobody could have been late for it.
func (s *step) endRecoveries(in Tick) {
	for _, m := range s.f.members {
		if m.recovery == nil {
			continue
		}
		if at := m.recoveredAt(); !s.now.Before(at) {
			if m.downAt.Before(at) {
				m.downAt = at
			}
			s.endRecovery(m, because{event.Recovered, m, event.Cause{Trace: in.Cause.Trace, At: at}})
		}
	}
}

func (s *step) endRecovery(m *member, why because) {
	m.recovery = nil
	if !s.f.recovering() && len(s.f.faults) == 0 {
		s.why = why
		s.f.delayPreemption(s.now)
	}
}

// ask lets the stations be asked of all links that have not proved themselves
// and are due.
func (s *step) ask(cause event.Cause) {
	var links []string
	for _, m := range s.f.members {
		r := m.recovery
		if r == nil || r.forwards || s.now.Before(r.askAt) {
			continue
		}
		r.askAt, r.askIn = s.now.Add(r.askIn), min(2*r.askIn, askMost)
		if !slices.Contains(links, m.Interface) {
			links = append(links, m.Interface)
		}
	}
	if len(links) > 0 {
		s.emit(Ask{Cause: cause, Interfaces: links})
	}
}
