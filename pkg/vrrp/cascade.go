package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

// A router that resigns on one segment of a group leaves them all, but a pulled
// cable cannot carry its own priority 0. So the resignation cascades to the
// members whose Active last advertised the same priority; and where that Active
// proves to be alive, the two addresses are no longer taken for one router
// (docs/architecture.md#cascade).

// pair is two senders that may be one router: its addresses on two members.
type pair struct {
	a, b             int // places of the members, a < b
	sourceA, sourceB netip.Addr
}

func pairOf(m *member, source netip.Addr, n *member, other netip.Addr) pair {
	if n.at < m.at {
		m, source, n, other = n, other, m, source
	}
	return pair{m.at, n.at, source, other}
}

// cascade marks a wait that another member's resignation shortened.
type cascade struct {
	from   *member
	by     resignation
	source netip.Addr // the Active of this member, believed gone
}

// cascade carries the resignation r of m's Active, which had advertised the
// given priority, to the other members.
func (s *step) cascade(m *member, priority uint8, r resignation) {
	for _, n := range s.f.members {
		if n == m || !n.known(s.now) || n.other.priority != priority || s.apart(m, r.source, n, n.other.source) {
			continue
		}
		if at := r.at.Add(n.skew()); at.Before(n.downAt) {
			s.f.unverify()
			n.downAt, n.heldBack = at, false
			n.cascaded = &cascade{from: m, by: r, source: n.other.source}
		}
	}
}

// apart reports whether two addresses have proved not to be in step.
func (s *step) apart(m *member, source netip.Addr, n *member, other netip.Addr) bool {
	key := pairOf(m, source, n, other)
	until, ok := s.f.outOfStep[key]
	if ok && !s.now.Before(until) {
		delete(s.f.outOfStep, key)
		return false
	}
	return ok
}

// provesOutOfStep checks whether an advert shows alive an Active that a
// cascade took for gone. It reports true for an advert that was received before
// the resignation and proves nothing, nor renews anything.
func (s *step) provesOutOfStep(m *member, h Heard) (stale bool) {
	c := m.cascaded
	if c == nil || c.source != h.Source {
		return false
	}
	if h.Cause.At.Before(c.by.at) {
		return true
	}
	soon := h.Cause.At.Sub(c.by.at) <= time.Duration(m.Miss)*m.interval
	if soon && !m.outranks(h.Priority, s.now) {
		if s.f.outOfStep == nil {
			s.f.outOfStep = make(map[pair]time.Time)
		}
		s.f.outOfStep[pairOf(c.from, c.by.source, m, c.source)] = s.now.Add(outOfStep)
		s.report(event.GroupCascade{
			Stamp: s.stamp(h.Cause), Group: s.cfg.Name, Source: c.by.source.String(),
			Why: fmt.Sprintf("it resigned %s, but %s is still Active of %s", c.from.Name, h.Source, m.Name),
		})
	}
	m.cascaded = nil
	return false
}

// inStep takes a pair for one router again when both of its addresses resign
// within one interval, in either order: two links are not read in step.
func (s *step) inStep(m *member, r resignation) {
	m.cascaded = nil
	for _, n := range s.f.members {
		if n == m || !n.lastResign.source.IsValid() || r.at.Sub(n.lastResign.at).Abs() > n.interval {
			continue
		}
		key := pairOf(m, r.source, n, n.lastResign.source)
		if _, ok := s.f.outOfStep[key]; ok {
			delete(s.f.outOfStep, key)
			s.report(event.GroupCascade{
				Stamp: s.stamp(r.cause), Group: s.cfg.Name, Source: r.source.String(), On: true,
				Why: fmt.Sprintf("it and %s resigned together", n.lastResign.source),
			})
		}
	}
}
