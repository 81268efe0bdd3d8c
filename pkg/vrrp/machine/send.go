package machine

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
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

// sends remembers whether a member's adverts leave.
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

// refusedTo returns how many adverts in a row the kernel refused to send to a router: to its
// own address with unicast peers, else to the group.
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

func (m *member) sendFault() faultKey { return faultKey{m.Name, event.SendFailed} }

func (s *step) absorbSends(in vrrp.Sends) {
	m := s.member(in.Instance)
	if m == nil {
		return
	}
	m.sends.note(in)
	if s.f.serves(m) && len(m.sends.refused) == 0 {
		m.sends.prove(s.now)
	}
	s.judgeSends(m, in.Cause)
}

// judgeSends makes sends that fail in a row a fault, while an Active is heard that
// they do not reach: it has taken over since it does not hear us. It reports whether
// the member is at fault now.
func (s *step) judgeSends(m *member, cause event.Cause) bool {
	if !s.f.serves(m) {
		return false
	}
	refused := 0
	if m.known(s.now) {
		refused = m.refusedTo(m.others.Best.Source)
	}
	if s.now.Before(m.others.Incompatible.Until) {
		refused = max(refused, m.refusedTo(m.others.Incompatible.Source))
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
	s.raise(m.sendFault(), h.describe(), trigger{event.SendFailed, m, cause})
	s.report(event.InstanceFault{
		Stamp: s.stamp(cause), Virtual: m.Virtual, Reason: event.SendFailed, Err: h.describe(),
	})
}

// describe returns the text of the fault send-failed.
func (h *sends) describe() string {
	return "another Active is heard, and adverts do not leave: " + h.err
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
	if until := m.others.Until(m.timing()); until.Before(at) {
		at = until
	}
	if at.Before(m.sends.since) {
		return m.sends.since // the Active has resigned
	}
	return at
}

// retryFailedSends probes for all members whose sends have failed.
func (s *step) retryFailedSends(in vrrp.Tick) {
	if len(s.f.faults) == 0 {
		return
	}
	for _, m := range s.f.members {
		if _, on := s.f.faults[m.sendFault()]; on {
			s.retrySends(m, in.Cause)
		}
	}
}

// retrySends probes whether adverts leave again, or ends the fault where nobody else
// serves.
func (s *step) retrySends(m *member, cause event.Cause) {
	h := &m.sends
	switch {
	case !s.now.Before(m.others.Until(m.timing())):
		s.endSendFault(m, cause)
	case s.now.Before(h.probeAt):
	case !m.link.Usable || !m.source.IsValid():
		h.probeAt = s.now.Add(h.holdOff)
	default:
		h.holdOff = min(2*h.holdOff, probeMost)
		h.probeAt = s.now.Add(h.holdOff)
		probe := vrrp.Probe{Cause: cause, Instance: m.Instance, Index: m.link.Index, Source: m.source, Checksum: m.checksum, Priority: 1}
		if m.known(s.now) && m.others.Best.Priority <= 1 {
			probe.Priority = 0
		}
		s.emit(probe)
	}
}

// absorbProbed ends the fault if the probe left, to the router that is Active. The
// report of a first advert lets the addresses follow.
func (s *step) absorbProbed(in vrrp.Probed) {
	m := s.member(in.Instance)
	if m == nil {
		return
	}
	if s.confirmFirst(m, in); !m.sends.unproven {
		return
	}
	if m.refusedProbe(in) {
		m.sends.err = in.Err
		if _, on := s.f.faults[m.sendFault()]; on {
			s.raise(m.sendFault(), m.sends.describe(), trigger{event.SendFailed, m, in.Cause})
		}
		return
	}
	m.sends.refused = nil
	m.sends.prove(s.now)
	s.endSendFault(m, in.Cause)
}

// prove records that adverts leave again.
func (h *sends) prove(now time.Time) {
	if h.unproven {
		h.unproven, h.probeAt, h.proved = false, time.Time{}, now
	}
}

func (s *step) endSendFault(m *member, cause event.Cause) {
	if _, on := s.f.faults[m.sendFault()]; !on {
		return
	}
	s.clear(m.sendFault(), trigger{event.Recovered, m, cause})
	s.report(event.InstanceFault{Stamp: s.stamp(cause), Virtual: m.Virtual, Reason: event.SendFailed, Over: true})
}

// A router that takes over from an Active which it hears takes the clients from a
// router that serves them. If its adverts did not leave (a firewall of its own, a full
// queue), that Active would go on, and never announce its addresses again. So such a
// takeover begins with the advert alone: the addresses wait until the engine reports
// that it left to where the Active is (Probed). An advert that is refused, or of which
// nothing is reported in time, is the fault send-failed.
//
// The owner of the addresses takes over without having listened. It does not wait for a
// report if nobody is heard meanwhile, but if its adverts are refused it listens for one
// Active_Down_Interval first.
//
// After silence or a resignation nobody serves: then the addresses wait for nothing,
// since an Active whose adverts do not leave beats none.

// confirmTimeout bounds the wait for the report of the first advert: the engine
// sends it within a millisecond, or hangs.
const confirmTimeout = 500 * time.Millisecond

// confirmation holds the reports of a member's first advert as Active.
type confirmation struct {
	wanted  bool        // the addresses wait for it
	result  vrrp.Probed // the last report of a first advert or of a probe; zero: none since the last takeover
	refused bool        // result says so, and it is of this takeover
}

// displaces reports whether a member takes over from an Active that it hears, at the
// instant now.
func (m *member) displaces(now time.Time) bool {
	return m.heard(now) && m.resigned == nil && m.cascaded == nil
}

// early returns the report of the first advert of the takeover at the instant at, which
// the engine may have sent ahead of us; false if there is none.
func (m *member) early(at time.Time) (vrrp.Probed, bool) {
	sent := m.confirm.result.Cause.At
	return m.confirm.result, !sent.IsZero() && !sent.Before(at)
}

// refusedAhead makes it a fault that a first advert for the takeover at the instant at,
// from an Active that is heard, was refused already. It reports whether it is.
func (s *step) refusedAhead(at time.Time, cause event.Cause) bool {
	for _, m := range s.f.members {
		if first, ok := m.early(at); ok && m.displaces(s.now) && m.refusedProbe(first) {
			s.failFirst(m, first.Err, cause)
			return true
		}
	}
	return false
}

// wantConfirmation decides at a takeover whether the addresses wait until the first advert of
// a member has left.
func (s *step) wantConfirmation(m *member) {
	c := &m.confirm
	heard := m.displaces(s.now)
	owner := m.Priority == vrrp.Owner && newActiveReason(s.why.reason) == event.ByPriority && s.why.reason != event.PeerResigned
	c.wanted, c.refused = heard || owner, false
	if first, ok := m.early(s.f.takeover()); c.wanted && ok {
		c.refused = m.refusedProbe(first)
		c.wanted = c.refused
	}
	if !c.wanted {
		return
	}
	timeout := confirmTimeout
	if !heard {
		timeout = m.activeDown(m.Instance.Interval)
	}
	if limit := s.now.Add(timeout); limit.After(s.f.confirmBy) {
		s.f.confirmBy = limit
	}
}

// heard reports whether another Active is on the air at the instant now, whether we
// understand it or not.
func (m *member) heard(now time.Time) bool { return now.Before(m.others.Until(m.timing())) }

// confirmFirst takes the report of a first advert.
func (s *step) confirmFirst(m *member, in vrrp.Probed) {
	c := &m.confirm
	if c.result = in; !c.wanted || s.f.state() != event.Active {
		return
	}
	if c.refused = m.refusedProbe(in); !c.refused {
		c.wanted = false
		m.others.Forget() // it hears us, or will show itself
	}
	s.holdConfirmed(in.Cause)
}

// holdConfirmed puts the addresses in place once no member waits for its first advert,
// or makes it a fault that one was refused while an Active is heard.
func (s *step) holdConfirmed(cause event.Cause) {
	if s.f.confirmBy.IsZero() {
		return
	}
	wait := false
	for _, m := range s.f.members {
		if m.confirm.refused && m.heard(s.now) {
			s.failFirst(m, m.confirm.result.Err, cause)
			return
		}
		wait = wait || m.confirm.wanted
	}
	if !wait {
		s.f.confirmBy = time.Time{}
		s.emit(vrrp.Hold{Cause: cause})
	}
}

// failFirst raises the fault send-failed for a first advert that did not leave.
func (s *step) failFirst(m *member, err string, cause event.Cause) {
	m.sends.err = err
	s.failSends(m, cause)
}

// endConfirmation ends the wait for the report of a first advert: where an Active is
// heard it is a fault that none came, else the addresses are put in place.
func (s *step) endConfirmation(cause event.Cause) {
	if s.f.confirmBy.IsZero() || s.now.Before(s.f.confirmBy) {
		return
	}
	for _, m := range s.f.members {
		if m.confirm.wanted && m.heard(s.now) {
			s.failFirst(m, fmt.Sprintf("the first was not reported as sent within %v", confirmTimeout), cause)
			return
		}
	}
	s.dropConfirmations()
	s.emit(vrrp.Hold{Cause: cause})
}

// reannounce announces the addresses again if they are held.
func (s *step) reannounce(cause event.Cause) {
	if s.f.confirmBy.IsZero() {
		s.emit(vrrp.Reannounce{Cause: cause, Only: s.serving()})
	}
}

// dropConfirmations lets no member wait.
func (s *step) dropConfirmations() {
	s.f.confirmBy = time.Time{}
	for _, m := range s.f.members {
		m.confirm.wanted, m.confirm.refused = false, false
	}
}

// refusedProbe reports whether an advert did not leave to those who must hear it: to the
// group, or to the peer that is Active; while none is known, to any peer.
func (m *member) refusedProbe(in vrrp.Probed) bool {
	if len(m.Unicast.Peers) == 0 {
		return len(in.Refused) > 0
	}
	known := false
	for _, active := range [...]netip.Addr{m.others.Best.Source, m.others.Incompatible.Source} {
		for _, to := range in.Refused {
			if active.IsValid() && to == active {
				return true
			}
		}
		known = known || active.IsValid()
	}
	return !known && len(in.Refused) == len(m.Unicast.Peers)
}
