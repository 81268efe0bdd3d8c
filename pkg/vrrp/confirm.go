package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

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

// confirmPatience is how long the report of the first advert is waited for: the engine
// sends it within a millisecond, or hangs.
const confirmPatience = 500 * time.Millisecond

// confirmation is what a member knows of its first advert as Active.
type confirmation struct {
	wanted  bool   // the addresses wait for it
	result  Probed // the last report of a first advert or of a probe; zero: none since the last takeover
	refused bool   // result says so, and it is of this takeover
}

// displaces reports whether a member takes over from an Active that it hears, at the
// instant now.
func (m *member) displaces(now time.Time) bool {
	return m.heard(now) && m.resigned == nil && m.cascaded == nil
}

// early returns the report of the first advert of the takeover at the instant at, which
// the engine may have sent ahead of us; false if there is none.
func (m *member) early(at time.Time) (Probed, bool) {
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

// wantConfirmation decides, as the group takes over, whether the addresses wait for the
// first advert of a member.
func (s *step) wantConfirmation(m *member) {
	c := &m.confirm
	heard := m.displaces(s.now)
	owner := m.Priority == Owner && newActiveReason(s.why.reason) == event.ByPriority && s.why.reason != event.PeerResigned
	c.wanted, c.refused = heard || owner, false
	if first, ok := m.early(s.f.takeover()); c.wanted && ok {
		c.refused = m.refusedProbe(first)
		c.wanted = c.refused
	}
	if !c.wanted {
		return
	}
	patience := confirmPatience
	if !heard {
		patience = m.ActiveDownInterval(m.Instance.Interval)
	}
	if limit := s.now.Add(patience); limit.After(s.f.unconfirmed) {
		s.f.unconfirmed = limit
	}
}

// heard reports whether another Active is on the air at the instant now, whether we
// understand it or not.
func (m *member) heard(now time.Time) bool { return now.Before(m.heardUntil()) }

// confirmFirst takes the report of a first advert.
func (s *step) confirmFirst(m *member, in Probed) {
	c := &m.confirm
	if c.result = in; !c.wanted || s.f.state() != event.Active {
		return
	}
	if c.refused = m.refusedProbe(in); !c.refused {
		c.wanted = false
		m.other = other{} // it hears us, or will show itself
	}
	s.holdConfirmed(in.Cause)
}

// holdConfirmed puts the addresses in place once no member waits for its first advert,
// or makes it a fault that one was refused while an Active is heard.
func (s *step) holdConfirmed(cause event.Cause) {
	if s.f.unconfirmed.IsZero() {
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
		s.f.unconfirmed = time.Time{}
		s.emit(Hold{cause})
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
	if s.f.unconfirmed.IsZero() || s.now.Before(s.f.unconfirmed) {
		return
	}
	for _, m := range s.f.members {
		if m.confirm.wanted && m.heard(s.now) {
			s.failFirst(m, fmt.Sprintf("the first was not reported as sent within %v", confirmPatience), cause)
			return
		}
	}
	s.dropConfirmations()
	s.emit(Hold{cause})
}

// reannounce announces the addresses again if they are held.
func (s *step) reannounce(cause event.Cause) {
	if s.f.unconfirmed.IsZero() {
		s.emit(Reannounce{cause})
	}
}

// dropConfirmations lets no member wait.
func (s *step) dropConfirmations() {
	s.f.unconfirmed = time.Time{}
	for _, m := range s.f.members {
		m.confirm.wanted, m.confirm.refused = false, false
	}
}

// refusedProbe reports whether an advert did not leave to where it counts: to the group,
// or to the peer that is Active; while none is known, to any peer.
func (m *member) refusedProbe(in Probed) bool {
	if len(m.Unicast.Peers) == 0 {
		return len(in.Refused) > 0
	}
	known := false
	for _, active := range [...]netip.Addr{m.other.source, m.foreign.source} {
		for _, to := range in.Refused {
			if active.IsValid() && to == active {
				return true
			}
		}
		known = known || active.IsValid()
	}
	return !known && len(in.Refused) == len(m.Unicast.Peers)
}
