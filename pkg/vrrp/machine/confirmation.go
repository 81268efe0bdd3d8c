package machine

import (
	"fmt"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// A router that takes over from an Active which it hears takes the clients away from a router
// that serves them. If its adverts did not leave (because of a firewall of its own, or a full
// queue), that Active would go on, and never announce its addresses again. So such a takeover
// begins with the advert alone: the addresses wait until the engine reports that it left
// towards the Active (Probed). An advert that is refused, or that is not reported in time, is
// the fault send-failed.
//
// The owner of the addresses takes over without having listened. It does not wait for a
// report if no other Active is heard meanwhile, but if its adverts are refused it first
// listens for one Active_Down_Interval.
//
// After silence or a resignation no router serves. Then the addresses wait for nothing,
// since an Active whose adverts do not leave is better than none.

// confirmTimeout bounds the wait for the report of the first advert: the engine sends it within a
// millisecond, or it hangs.
const confirmTimeout = 500 * time.Millisecond

// confirmation holds the report of a member's first advert as Active.
type confirmation struct {
	wanted  bool        // the addresses wait for it
	result  vrrp.Probed // the last report of a first advert or of a probe; zero if there was none since the last takeover
	refused bool        // result reports a refusal, and it is of this takeover
}

// early returns the report of the first advert of the takeover at the instant at, which the
// engine may have sent before the loop moved; false if there is none.
func (c *confirmation) early(at time.Time) (vrrp.Probed, bool) {
	sent := c.result.Cause.At
	return c.result, !sent.IsZero() && !sent.Before(at)
}

// drop cancels the wait of the addresses.
func (c *confirmation) drop() { c.wanted, c.refused = false, false }

// refusedAhead returns a member whose first advert for the takeover at the instant at, from an
// Active that is heard, was refused already, and the error; nil if there is none.
func (l members) refusedAhead(at, now time.Time) (refused *member, err string) {
	for _, m := range l {
		if first, ok := m.confirm.early(at); ok && m.displaces(now) && m.refusedProbe(first) {
			return m, first.Err
		}
	}
	return nil, ""
}

// confirming is the part of a step that concerns the first adverts of a takeover.
type confirming struct{ *step }

// want decides at a takeover whether the addresses wait until the first advert of a member has
// left.
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
	s.f.confirmFor = s.why.cause
}

// absorb absorbs the report of a first advert.
func (s confirming) absorb(m *member, in vrrp.Probed) {
	c := &m.confirm
	if c.result = in; !c.wanted || s.f.state() != event.Active {
		return
	}
	if c.refused = m.refusedProbe(in); !c.refused {
		c.wanted = false
		m.others.Forget() // the other Active hears us, or will be heard again
	}
	s.hold(in.Cause)
}

// hold orders the addresses to be held once no member waits for its first advert, or raises a
// fault if one was refused while an Active is heard. The order has the cause of the takeover, so
// that `ripcord events` shows both in one story; cause is that of the fault.
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
		s.emit(vrrp.Hold{Cause: s.f.confirmFor})
	}
}

// fail raises the fault send-failed for a first advert that did not leave.
func (s confirming) fail(m *member, err string, cause event.Cause) {
	m.sends.err = err
	refusals(s).fail(m, cause)
}

// end ends a wait for the report of a first advert that has taken too long. If an Active is
// heard, the missing report is a fault; otherwise the addresses are held.
func (s confirming) end(cause event.Cause) {
	if s.f.confirmBy.IsZero() || s.now.Before(s.f.confirmBy) {
		return
	}
	for _, m := range s.f.members {
		if m.confirm.wanted && m.heard(s.now) {
			s.fail(m, fmt.Sprintf("the first advert was not reported as sent within %v", confirmTimeout), cause)
			return
		}
	}
	s.f.dropConfirmations()
	s.emit(vrrp.Hold{Cause: s.f.confirmFor})
}
