package machine

import (
	"net/netip"
	"slices"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/tracker"
)

// A reload gives a group a new configuration while it runs. The identity of a member (its link,
// VRID, family, and whether it has a MAC of its own) cannot change: a member that differs in one
// of these is another member. Everything else changes in place, and no wait is restarted for it:
//
//   - A member that leaves an Active group falls silent without a priority 0, which the
//     other router would take for a resignation of the whole group
//     (docs/architecture.md#cascade). Its addresses are removed.
//   - A member that joins an Active group advertises and holds its addresses at once,
//     without a transition of the others; a member that joins a Backup waits for its own
//     Active_Down_Interval, and the group waits with it.
//   - The transitions of both are reported, so that notify commands run for them.
//   - An Active that is given a longer interval advertises the new one before it uses it:
//     Backups that know the old interval must not miss the first adverts.

// reload is a reload in progress in a step: the new configuration, and the group as it was
// before.
type reload struct {
	in         vrrp.Reconfigured
	before     members
	was        event.State
	outranking members          // members that could preempt their Actives before
	joined     []*vrrp.Instance // instances that the group did not have before
}

// apply gives the group its new configuration.
func (r *reload) apply(s *step) {
	f := s.f
	name := s.cfg.Name
	s.cfg, s.status = r.in.Group, nil
	r.rename(s, name)
	if f.lastStanding = s.cfg.LastStanding; !f.lastStanding {
		for _, m := range r.before {
			m.alone = alone{}
		}
	}
	r.keepMembers(s)
	for _, m := range r.before {
		if !slices.Contains(f.members, m) {
			r.drop(s, m)
		}
	}
	r.keepTrackers(s)
	f.distinct = nil // it refers to members by their positions
	if s.cfg.Fence == nil || !f.members.anyUnresigned() {
		fencing{s}.cancel()
	}
	for _, m := range f.members {
		if !slices.Contains(r.before, m) {
			r.join(s, m)
		}
	}
	for _, m := range f.members {
		r.reapplyLink(s, m)
	}
	if l := f.listening; l != nil && len(r.joined) > 0 && f.state() == event.Active {
		// A new member cannot join in silence, and another router may be Active by now.
		s.yield(trigger{event.StalledLoop, nil, l.cause})
		f.members.delayPreemption(s.now)
	}
	tracking{s}.followTrackers(r.in.Cause)
	s.reprioritize(r.in.Cause)
	s.yieldAgain(r.outranking)
	s.startIfChecked()
	fencing{s}.keepLinks(r.in.Cause)
	r.followAdverts(s)
}

// keepMembers gives the group the members of the new configuration: existing ones are kept,
// others are created.
func (r *reload) keepMembers(s *step) {
	var kept members
	for i := range s.cfg.Members {
		in := &s.cfg.Members[i]
		at := slices.IndexFunc(r.before, func(m *member) bool { return m.Instance.Same(in) })
		if at < 0 {
			kept = append(kept, newMember(in, i, s.cfg.Impaired()))
			continue
		}
		m := r.before[at]
		if !slices.Equal(m.Unicast.Peers, in.Unicast.Peers) {
			rivals{s}.forgetRouters(m, "the `unicast` peers have changed", r.in.Cause)
		}
		m.configure(in, i, s.now)
		m.impaired = s.cfg.Impaired()
		kept = append(kept, m)
	}
	watched := s.f.watches
	s.f.members, s.f.watches = kept, kept.watch() || watched // liveness.follow must run once more to end the watching
}

// drop removes a member from the group, with its faults.
func (r *reload) drop(s *step, m *member) {
	cause := r.in.Cause
	if m.state == event.Active {
		s.emit(vrrp.Mute{Cause: cause, Instance: m.Instance}, vrrp.Release{Cause: cause, Only: []*vrrp.Instance{m.Instance}})
	} else if !s.f.armed.IsZero() {
		s.emit(vrrp.Disarm{Cause: cause, Instance: m.Instance})
	}
	liveness{s}.watch(m, netip.Addr{})
	rivals{s}.remove(m, cause)
	unserved{s}.remove(m, cause)
	if m.summarized { // otherwise a member that joins with the same name would be summarized
		s.emit(vrrp.Summarize{Instance: m.Instance})
	}
	s.reportMember(m, event.Initialize, event.Shutdown, cause)
	for _, key := range m.faultKeys() {
		if s.f.faults.has(key) && !s.f.memberHas(key) {
			s.clear(key, trigger{event.Recovered, nil, cause})
		}
	}
}

// keepTrackers replaces the list of trackers and keeps the known states.
func (r *reload) keepTrackers(s *step) {
	before := s.f.trackers
	s.f.trackers = tracker.New(&s.cfg, s.now)
	s.f.trackers.Keep(before, r.in.Links)
	for t := range before.Fatal() {
		if key := trackerKey(t); !s.f.trackers.Lists(t.Name, t.Reason()) && !s.f.faulty(key) {
			s.clear(key, trigger{event.Recovered, nil, event.Cause{}})
		}
	}
}

// join lets a new member take part in what the group does.
func (r *reload) join(s *step, m *member) {
	r.joined = append(r.joined, m.Instance)
	m.reason, m.Priority, m.since = s.reason, r.before[0].Priority, s.since
	if r.was == event.Active {
		m.newActive = event.ByPriority // its wait is over, like those of the others
		return
	}
	if s.f.ownerWait != nil { // an owner waits only to be verified
		m.downAt = s.now
		return
	}
	m.renew(s.now)
	m.preemptFrom = s.now.Add(m.PreemptDelay)
	s.f.unverify()
}

// reapplyLink applies the last known state of a member's link, because the member is new or may
// send from another source now.
func (r *reload) reapplyLink(s *step, m *member) {
	down := m.link.Name != "" && !m.link.Usable
	l := event.Link{Name: m.Interface}
	if at := slices.IndexFunc(r.in.Links, func(l event.Link) bool { return l.Name == m.Interface }); at >= 0 {
		l = r.in.Links[at]
	}
	s.updateLink(m, l)
	if down && m.link.Usable { // the report of its return is yet to be read
		s.recover(m)
	}
}

// followAdverts updates the adverts of all members that serve, and orders the addresses of the
// members that joined.
func (r *reload) followAdverts(s *step) {
	if s.f.state() != event.Active || r.was != event.Active {
		for _, m := range s.f.members {
			if m.beganAlone(r.was) && s.f.servesAlone(m) {
				s.updateAdvert(m, r.in.Cause)
			}
		}
		return
	}
	for _, m := range s.f.members {
		s.updateAdvert(m, r.in.Cause)
	}
	if !s.f.confirmBy.IsZero() { // the addresses of all members wait, but not for a member that has left
		confirming{s}.hold(r.in.Cause)
	} else if len(r.joined) > 0 {
		s.emit(vrrp.Hold{Cause: r.in.Cause, Only: r.joined})
	}
}
