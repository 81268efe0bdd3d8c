package machine

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// An Active whose adverts its own kernel refuses (a firewall, a full queue) is silent to the
// others: one of them takes over, is healthy, and never hears this router. If this router
// went on, or tried again by becoming Active, it would take the clients away from the other one
// with each announcement. So it is in Fault (send-failed) for as long as it hears another
// Active, until it has proved that its adverts leave:
//
//   - The proof is one advert, the probe, that the kernel accepts while the router is in Fault
//     and holds no address. It has priority 1, the lowest that there is, so that the Active
//     keeps its role (it answers with an advert of its own and announces its addresses again,
//     which repairs possible damage), and a Backup that may preempt ignores it. If the Active
//     has priority 1 itself, and might lose a tie, the probe has priority 0: to an Active that
//     is only a question to be answered. A probe that is refused leaves nothing on the wire.
//   - The first probe is sent after 10 s, and each next one after twice the previous pause, at
//     most 5 min. A router that proves that its adverts leave and fails again continues from
//     there.
//   - When no Active is heard any more the fault ends without proof, since an impaired Active
//     is better than none. All waits are restarted then, so that a healthy Backup takes over
//     first. If an Active is heard meanwhile, the fault is raised again: a router whose sends
//     failed preempts no Active before it has proved that its adverts leave.

// The hold-off before a probe doubles from minProbePause to maxProbePause.
const (
	minProbePause = 10 * time.Second
	maxProbePause = 5 * time.Minute
)

// sends records whether a member's adverts leave.
type sends struct {
	refused map[netip.Addr]int // adverts in a row that the kernel refused, by destination; nil if there are none
	err     string             // the error of the last one that was refused
	// unproven is set when sends failed while another Active was heard, until an advert has left.
	unproven bool
	since    time.Time     // the beginning of the present fault
	holdOff  time.Duration // before the next probe
	probeAt  time.Time
	proved   time.Time // when an advert last reset unproven
}

// note records the outcome of an advert to one destination.
func (h *sends) note(in vrrp.Sends) {
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

// refusedTo returns how many adverts in a row to a router the kernel has refused: to the router's
// own address with unicast, otherwise to the multicast group.
func (h *sends) refusedTo(router netip.Addr, unicast bool) (count int) {
	if unicast {
		return h.refused[router]
	}
	for _, n := range h.refused {
		count = max(count, n)
	}
	return count
}

// fail records that sends fail while another Active is heard. The probe follows after the
// hold-off.
func (h *sends) fail(now time.Time) {
	if !h.unproven && (h.proved.IsZero() || now.Sub(h.proved) >= maxProbePause) {
		h.holdOff = minProbePause
	}
	h.unproven, h.since = true, now
	if !h.probeAt.After(now) {
		h.probeAt = now.Add(h.holdOff)
	}
}

// describe returns the text of the fault send-failed.
func (h *sends) describe() string {
	return "another Active is heard, but adverts of this router do not leave: " + h.err
}

// retryAt returns when the fault send-failed may end, or when a probe is due, if other Actives
// are heard until the given instant.
func (h *sends) retryAt(heardUntil time.Time) time.Time {
	at := h.probeAt
	if heardUntil.Before(at) {
		at = heardUntil
	}
	if at.Before(h.since) {
		return h.since // the Active has resigned
	}
	return at
}

// postpone postpones a probe that cannot be sent now.
func (h *sends) postpone(now time.Time) { h.probeAt = now.Add(h.holdOff) }

// probe records that a probe is sent. The next one follows after twice the pause.
func (h *sends) probe(now time.Time) {
	h.holdOff = min(2*h.holdOff, maxProbePause)
	h.postpone(now)
}

// prove records that adverts leave again.
func (h *sends) prove(now time.Time) {
	if h.unproven {
		h.unproven, h.probeAt, h.proved = false, time.Time{}, now
	}
}

// refusals is the part of a step that concerns adverts of ours that the kernel refuses.
type refusals struct{ *step }

// absorb absorbs the report whether adverts leave.
func (s refusals) absorb(in vrrp.Sends) {
	m := s.f.members.find(in.Instance)
	if m == nil {
		return
	}
	m.sends.note(in)
	if s.f.serves(m) && len(m.sends.refused) == 0 {
		m.sends.prove(s.now)
	}
	s.judge(m, in.Cause)
}

// judge raises a fault if adverts are refused in a row while an Active is heard that they do
// not reach: it has taken over because it does not hear us. It reports whether the member has the
// fault now.
func (s refusals) judge(m *member, cause event.Cause) bool {
	if !s.f.serves(m) || m.unreached(s.now) < m.Miss {
		return false
	}
	s.fail(m, cause)
	return true
}

// fail raises the fault send-failed. The probe follows after the hold-off.
func (s refusals) fail(m *member, cause event.Cause) {
	m.sends.fail(s.now)
	s.raise(m.sendFault(), m.sends.describe(), trigger{event.SendFailed, m, cause})
	s.report(event.InstanceFault{
		Stamp: s.stamp(cause), Virtual: m.Virtual, Reason: event.SendFailed, Err: m.sends.describe(),
	})
}

// failAgain raises the fault again when an Active is heard before an advert of ours has been
// proved to leave. It reports whether the member has the fault.
func (s refusals) failAgain(m *member, cause event.Cause) bool {
	if m.sends.unproven {
		s.fail(m, cause)
	}
	return m.sends.unproven
}

// retryAll retries for all members that have the fault send-failed.
func (s refusals) retryAll(in vrrp.Tick) {
	if len(s.f.faults) == 0 {
		return
	}
	for _, m := range s.f.members {
		if s.f.faults.has(m.sendFault()) {
			s.retry(m, in.Cause)
		}
	}
}

// retry probes whether adverts leave again, or ends the fault if no other Active is heard.
func (s refusals) retry(m *member, cause event.Cause) {
	switch {
	case !m.heard(s.now):
		s.end(m, cause)
	case s.now.Before(m.sends.probeAt):
	case !m.link.Usable || !m.source.IsValid():
		m.sends.postpone(s.now)
	default:
		m.sends.probe(s.now)
		s.emit(m.probe(s.now, cause))
	}
}

// absorbProbe ends the fault if the probe left towards the router that is Active. For the first
// advert of a takeover it lets the addresses follow.
func (s refusals) absorbProbe(in vrrp.Probed) {
	m := s.f.members.find(in.Instance)
	if m == nil {
		return
	}
	confirming(s).absorb(m, in)
	if !m.sends.unproven {
		return
	}
	if m.refusedProbe(in) {
		m.sends.err = in.Err
		if s.f.faults.has(m.sendFault()) {
			s.raise(m.sendFault(), m.sends.describe(), trigger{event.SendFailed, m, in.Cause})
		}
		return
	}
	m.sends.refused = nil
	m.sends.prove(s.now)
	s.end(m, in.Cause)
}

// end ends the fault send-failed, if the member has it.
func (s refusals) end(m *member, cause event.Cause) {
	if !s.f.faults.has(m.sendFault()) {
		return
	}
	s.clear(m.sendFault(), trigger{event.Recovered, m, cause})
	s.report(event.InstanceFault{Stamp: s.stamp(cause), Virtual: m.Virtual, Reason: event.SendFailed, Over: true})
}
