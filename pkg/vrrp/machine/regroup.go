package machine

import (
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/fence"
)

// A reload may put virtual routers into another group. A member whose old and new group are in the
// same state, Active or Backup, continues there with all that it knows: its adverts and addresses
// are not touched, and it has no transition. Part or Take moves it; a vrrp.Reconfigured must follow
// for both groups.
//
// In any other case the member leaves its old group, and joins the new one like a new member.

// Settled reports whether members can leave the group, or join it, and keep their state: the group
// is Active or Backup, lacks nothing, and is not about to change its state.
func (m *Machine) Settled() bool {
	f := &m.facts
	if f.members.lacking() || f.inherited != 0 {
		return false
	}
	switch f.state() {
	case event.Active:
		return f.confirmBy.IsZero() && f.listening == nil && f.tieEnds.IsZero()
	case event.Backup:
		return f.armed.IsZero() && f.asked == verification{} && f.ownerWait == nil && !f.fence.Holds() && !f.anyAlone()
	}
	return false
}

// Accepts reports whether members of another group can continue in this one.
func (m *Machine) Accepts(o *Machine) bool {
	return m.Settled() && o.Settled() && m.State() == o.State() && m.Priority() == o.Priority()
}

// Part returns a machine for a group without a name that is in the state of this one, with those
// of its members that a new configuration has. The caller has checked that this one is Settled.
func (m *Machine) Part(is *vrrp.Group) *Machine {
	part := &Machine{cfg: m.cfg, tickets: m.tickets, facts: m.facts, since: m.since, reason: m.reason, up: m.up}
	part.cfg.Name, part.cfg.Members, part.facts.members, part.facts.name = "", nil, nil, is.Title()
	part.facts.fence = fence.State{}
	part.Take(m, is)
	return part
}

// Take moves those members of another group that a new configuration has to this one, which
// Accepts them.
func (m *Machine) Take(o *Machine, is *vrrp.Group) {
	moves := func(in *vrrp.Instance) bool {
		return slices.ContainsFunc(is.Members, func(n vrrp.Instance) bool { return in.Same(&n) })
	}
	var stay members
	var rest []vrrp.Instance
	for _, mb := range o.facts.members {
		if moves(mb.Instance) {
			m.facts.members = append(m.facts.members, mb)
			m.cfg.Members = append(slices.Clip(m.cfg.Members), *mb.Instance)
		} else {
			stay, rest = append(stay, mb), append(rest, *mb.Instance)
		}
	}
	o.facts.members, o.cfg.Members = stay, rest
	if o.facts.startupEnds.After(m.facts.startupEnds) {
		m.facts.startupEnds = o.facts.startupEnds
	}
}

// Empty reports whether all members of the group have moved to others.
func (m *Machine) Empty() bool { return len(m.facts.members) == 0 }

// Dissolve returns the effects of the end of a group that is Empty.
func (m *Machine) Dissolve(now time.Time, cause event.Cause) []vrrp.Effect {
	s := step{Machine: m, effects: effects{now: now}, f: &m.facts}
	s.reportGroup(m.cfg.Name, m.facts.state(), event.Initialize, event.Shutdown, cause)
	return s.list
}

// rename reports the end of a group that has another name now, and the begin of the new one, in
// the state that the group keeps. A release continues under the new name.
func (r *reload) rename(s *step, before string) {
	released := s.f.releaseKey()
	if s.f.name = s.cfg.Title(); released != s.f.releaseKey() && s.f.faults.has(released) {
		s.f.faults[s.f.releaseKey()] = s.f.faults[released]
		delete(s.f.faults, released)
	}
	if s.cfg.Name == before || r.was == event.Initialize {
		return
	}
	s.reportGroup(before, r.was, event.Initialize, event.Shutdown, r.in.Cause)
	s.reportGroup(s.cfg.Name, event.Initialize, r.was, event.Startup, r.in.Cause)
}
