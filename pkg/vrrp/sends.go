package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

// An Active whose adverts its own kernel refuses (a firewall, a full queue) is
// silent to the others: one of them takes over, is healthy, and never hears us. If we
// went on, or tried again by becoming Active, we would take the clients away from it
// with each announcement. So such a router is in Fault (send-failed) for as long as it
// hears another Active, until it has proved that its adverts leave:
//
//   - The proof is one advert, the probe, that the kernel takes while we are in Fault
//     and hold no address. It bears priority 1, the least that there is, so that the
//     Active keeps its role (it answers by an advert of its own and announces its
//     addresses again, which repairs what we may have spoilt), and a Backup that may
//     preempt ignores it. Beside an Active of priority 1, which might lose a tie, it
//     bears priority 0: to an Active that is only a question to be answered. A probe
//     that is refused leaves nothing on the wire.
//   - The first probe comes after 10 s, each next one after twice the time before, at
//     most 5 min. A router that proves itself and fails again goes on from there.
//   - Where no Active is heard any more the fault ends without proof, since a limping
//     Active beats none. All waits begin anew then, so that a healthy Backup is first;
//     if an Active is heard meanwhile it is a fault again: a router that has failed
//     preempts nobody before it has proved itself.

// The hold-offs before a probe.
const (
	probeFirst = 10 * time.Second
	probeMost  = 5 * time.Minute
)

// sends is what is known of whether a member's adverts leave.
type sends struct {
	refused map[netip.Addr]int // adverts in a row that the kernel refused, by destination; nil if none
	err     string             // of the last that was refused
	// unproven is set when sends failed beside another Active, until an advert has
	// left.
	unproven bool
	since    time.Time     // of the present fault
	holdOff  time.Duration // before the next probe
	probeAt  time.Time
	proved   time.Time // when an advert last ended unproven
}

// note takes what became of an advert to one destination.
func (h *sends) note(in Sends) {
	if in.InRow == 0 {
		if delete(h.refused, in.To); len(h.refused) == 0 {
			h.refused = nil
		}
		return
	}
	if h.refused == nil {
		h.refused = make(map[netip.Addr]int)
	}
	h.refused[in.To], h.err = in.InRow, in.Err
}

// refusedTo returns how many adverts in a row did not reach a router: to its own
// address if adverts go to single peers, else to the group.
func (m *member) refusedTo(router netip.Addr) int {
	if len(m.Unicast.Peers) > 0 {
		return m.sends.refused[router]
	}
	most := 0
	for _, n := range m.sends.refused {
		most = max(most, n)
	}
	return most
}

// heardUntil returns the instant from which no other Active counts as heard, whether
// we understand it or not.
func (m *member) heardUntil() time.Time {
	until := m.foreign.until
	if m.other.source.IsValid() {
		if at := m.other.at.Add(m.ActiveDownInterval(m.other.interval)); at.After(until) {
			until = at
		}
	}
	return until
}

func (m *member) sendFault() faultKey { return faultKey{m.Name, event.SendFailed} }

func (s *step) absorbSends(in Sends) {
	m := s.member(in.Instance)
	if m == nil {
		return
	}
	m.sends.note(in)
	if s.f.state() == event.Active && len(m.sends.refused) == 0 {
		m.sends.prove(s.now)
	}
	s.judgeSends(m, in.Cause)
}

// judgeSends makes sends that fail in a row a fault, while an Active is heard that
// they do not reach: it has taken over since it does not hear us. It reports whether
// the member is at fault now.
func (s *step) judgeSends(m *member, cause event.Cause) bool {
	if s.f.state() != event.Active {
		return false
	}
	refused := 0
	if m.known(s.now) {
		refused = m.refusedTo(m.other.source)
	}
	if s.now.Before(m.foreign.until) {
		refused = max(refused, m.refusedTo(m.foreign.source))
	}
	if refused < m.Miss {
		return false
	}
	s.failSends(m, cause)
	return true
}

// failSends raises the fault send-failed. The probe comes after the hold-off.
func (s *step) failSends(m *member, cause event.Cause) {
	h := &m.sends
	if !h.unproven && (h.proved.IsZero() || s.now.Sub(h.proved) >= probeMost) {
		h.holdOff = probeFirst
	}
	h.unproven, h.since = true, s.now
	if !h.probeAt.After(s.now) {
		h.probeAt = s.now.Add(h.holdOff)
	}
	why := because{event.SendFailed, m, cause}
	s.raise(m.sendFault(), time.Time{}, why)
	s.describeSendFault(m)
	s.report(event.InstanceFault{
		Stamp: s.stamp(cause), Virtual: m.Virtual, Reason: event.SendFailed, Err: s.f.faults[m.sendFault()].err,
	})
}

// describeSendFault puts into the fault what status shows.
func (s *step) describeSendFault(m *member) {
	if flt, ok := s.f.faults[m.sendFault()]; ok {
		flt.err = fmt.Sprintf("another Active is heard, and adverts do not leave: %s", m.sends.err)
		s.f.faults[m.sendFault()] = flt
	}
}

// failAgain raises the fault anew when an Active is heard while no advert of ours has
// proved to leave. It reports whether the member is at fault.
func (s *step) failAgain(m *member, cause event.Cause) bool {
	if m.sends.unproven {
		s.failSends(m, cause)
	}
	return m.sends.unproven
}

// retrySendsAt returns when the fault send-failed of a member may end or is probed.
func (m *member) retrySendsAt() time.Time {
	at := m.sends.probeAt
	if until := m.heardUntil(); until.Before(at) {
		at = until
	}
	if at.Before(m.sends.since) {
		return m.sends.since // the Active has resigned
	}
	return at
}

// retrySends probes whether adverts leave again, or ends the fault where nobody else
// serves.
func (s *step) retrySends(m *member, cause event.Cause) {
	h := &m.sends
	switch {
	case !s.now.Before(m.heardUntil()):
		s.endSendFault(m, cause)
	case s.now.Before(h.probeAt):
	case !m.link.Usable || !m.source.IsValid():
		h.probeAt = s.now.Add(h.holdOff)
	default:
		h.holdOff = min(2*h.holdOff, probeMost)
		h.probeAt = s.now.Add(h.holdOff)
		probe := Probe{Cause: cause, Instance: m.Instance, Index: m.link.Index, Source: m.source, Checksum: m.checksum, Priority: 1}
		if m.known(s.now) && m.other.priority <= 1 {
			probe.Priority = 0
		}
		s.emit(probe)
	}
}

// absorbProbed ends the fault if the probe left, to the router that is Active. The
// report of a first advert lets the addresses follow.
func (s *step) absorbProbed(in Probed) {
	m := s.member(in.Instance)
	if m == nil {
		return
	}
	if s.confirmFirst(m, in); !m.sends.unproven {
		return
	}
	if m.refusedProbe(in) {
		m.sends.err = in.Err
		s.describeSendFault(m)
		return
	}
	m.sends.refused = nil
	m.sends.prove(s.now)
	s.endSendFault(m, in.Cause)
}

// prove notes that adverts leave again.
func (h *sends) prove(now time.Time) {
	if h.unproven {
		h.unproven, h.probeAt, h.proved = false, time.Time{}, now
	}
}

func (s *step) endSendFault(m *member, cause event.Cause) {
	if _, on := s.f.faults[m.sendFault()]; !on {
		return
	}
	s.clear(m.sendFault(), because{event.Recovered, m, cause})
	s.report(event.InstanceFault{Stamp: s.stamp(cause), Virtual: m.Virtual, Reason: event.SendFailed, Over: true})
}
