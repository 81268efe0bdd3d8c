package machine

import (
	"fmt"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
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

// confirmTimeout bounds the wait for the report of the first advert: the engine
// sends it within a millisecond, or hangs.
const confirmTimeout = 500 * time.Millisecond

// confirmation holds the reports of a member's first advert as Active.
type confirmation struct {
	wanted  bool        // the addresses wait for it
	result  vrrp.Probed // the last report of a first advert or of a probe; zero: none since the last takeover
	refused bool        // result says so, and it is of this takeover
}

// early returns the report of the first advert of the takeover at the instant at, which
// the engine may have sent ahead of us; false if there is none.
func (c *confirmation) early(at time.Time) (vrrp.Probed, bool) {
	sent := c.result.Cause.At
	return c.result, !sent.IsZero() && !sent.Before(at)
}

// drop lets the addresses not wait any more.
func (c *confirmation) drop() { c.wanted, c.refused = false, false }

// refusedAhead returns a member whose first advert for the takeover at the instant at, from an
// Active that is heard, was refused already, and why; nil if there is none.
func (l members) refusedAhead(at, now time.Time) (refused *member, err string) {
	for _, m := range l {
		if first, ok := m.confirm.early(at); ok && m.displaces(now) && m.refusedProbe(first) {
			return m, first.Err
		}
	}
	return nil, ""
}

// confirming is a step as far as the first adverts of a takeover are concerned.
type confirming struct{ *step }

// want decides at a takeover whether the addresses wait until the first advert of a member
// has left.
func (s confirming) want(m *member) {
	c := &m.confirm
	heard := m.displaces(s.now)
	owner := m.Priority == vrrp.Owner && newActiveReason(s.why.reason) == event.ByPriority && s.why.reason != event.PeerResigned
	c.wanted, c.refused = heard || owner, false
	if first, ok := c.early(s.f.takeover()); c.wanted && ok {
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

// absorb takes the report of a first advert.
func (s confirming) absorb(m *member, in vrrp.Probed) {
	c := &m.confirm
	if c.result = in; !c.wanted || s.f.state() != event.Active {
		return
	}
	if c.refused = m.refusedProbe(in); !c.refused {
		c.wanted = false
		m.others.Forget() // it hears us, or will show itself
	}
	s.hold(in.Cause)
}

// hold puts the addresses in place once no member waits for its first advert, or makes it a
// fault that one was refused while an Active is heard.
func (s confirming) hold(cause event.Cause) {
	if s.f.confirmBy.IsZero() {
		return
	}
	wait := false
	for _, m := range s.f.members {
		if m.confirm.refused && m.heard(s.now) {
			s.fail(m, m.confirm.result.Err, cause)
			return
		}
		wait = wait || m.confirm.wanted
	}
	if !wait {
		s.f.confirmBy = time.Time{}
		s.emit(vrrp.Hold{Cause: cause})
	}
}

// fail raises the fault send-failed for a first advert that did not leave.
func (s confirming) fail(m *member, err string, cause event.Cause) {
	m.sends.err = err
	s.failSends(m, cause)
}

// end ends the wait for the report of a first advert that has taken too long: where an Active is
// heard it is a fault that none came, else the addresses are put in place.
func (s confirming) end(cause event.Cause) {
	if s.f.confirmBy.IsZero() || s.now.Before(s.f.confirmBy) {
		return
	}
	for _, m := range s.f.members {
		if m.confirm.wanted && m.heard(s.now) {
			s.fail(m, fmt.Sprintf("the first was not reported as sent within %v", confirmTimeout), cause)
			return
		}
	}
	s.f.dropConfirmations()
	s.emit(vrrp.Hold{Cause: cause})
}
