package machine

import (
	"net/netip"
	"slices"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/tracker"
)

// A reload gives a group a new configuration while it runs. What a member is (its link,
// VRID, family, and whether it has a MAC of its own) cannot change: a member that differs
// there is another member. All else changes in place, and no wait begins anew for it:
//
//   - A member that leaves an Active group falls silent without a priority 0, which the
//     other router would take for a resignation of the whole group
//     (docs/architecture.md#cascade). Its addresses are removed.
//   - A member that joins an Active group advertises and holds its addresses at once,
//     without a transition of the others; one that joins a Backup waits for its own
//     Active_Down_Interval, and the group with it.
//   - Of both the transition is reported, so that commands run for it.
//   - An Active that is given a longer interval advertises it before it keeps it: Backups
//     that know the old one must not miss the first adverts of the new one.

// reload is a reload under way in a step: what it brings, and what the group was before.
type reload struct {
	in         vrrp.Reconfigured
	before     members
	was        event.State
	outranking members          // that could preempt their Actives before
	joined     []*vrrp.Instance // that the group did not have before
}

// apply lets the group follow its new configuration.
func (r *reload) apply(s *step) {
	f := s.f
	s.cfg, s.status = r.in.Group, nil
	f.name = s.cfg.Title()
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
	f.outOfStep = nil // it holds places of members
	if s.cfg.Fence == nil || !f.members.fellSilent() {
		fencing{s}.cancel()
	}
	for _, m := range f.members {
		if !slices.Contains(r.before, m) {
			r.join(s, m)
		}
	}
	for _, m := range f.members {
		r.relink(s, m)
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
	r.followAdverts(s)
}

// keepMembers gives the group the members of the new configuration: those that it has, and
// new ones.
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
		m.follow(in, i, s.now)
		m.impaired = s.cfg.Impaired()
		kept = append(kept, m)
	}
	watched := s.f.watches
	s.f.members, s.f.watches = kept, kept.watch() || watched // to cease to watch it has to follow once more
}

// drop lets a member leave the group, with its faults.
func (r *reload) drop(s *step, m *member) {
	cause := r.in.Cause
	if m.state == event.Active {
		s.emit(vrrp.Mute{Cause: cause, Instance: m.Instance}, vrrp.Release{Cause: cause, Only: []*vrrp.Instance{m.Instance}})
	} else if !s.f.armed.IsZero() {
		s.emit(vrrp.Disarm{Cause: cause, Instance: m.Instance})
	}
	liveness{s}.watch(m, netip.Addr{})
	if m.summarized { // else a member that joins under its name would be summarized
		s.emit(vrrp.Summarize{Instance: m.Instance})
	}
	s.reportMember(m, event.Initialize, event.Shutdown, cause)
	for _, key := range m.faultKeys() {
		if s.f.faults.has(key) && !s.f.hasOn(key) {
			s.clear(key, trigger{event.Recovered, nil, cause})
		}
	}
}

// keepTrackers takes the new list of trackers, each with what is known of it.
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
		m.newActive = event.ByPriority // its wait is over, as that of the others
		return
	}
	if s.f.ownerWait != nil { // an owner waits for nothing but to be verified
		m.downAt = s.now
		return
	}
	m.renew(s.now)
	m.preemptFrom = s.now.Add(m.PreemptDelay)
	s.f.unverify()
}

// relink gives a member the last fact about its link, since the member is new or sends from
// another source now.
func (r *reload) relink(s *step, m *member) {
	down := m.link.Name != "" && !m.link.Usable
	l := event.Link{Name: m.Interface}
	if at := slices.IndexFunc(r.in.Links, func(l event.Link) bool { return l.Name == m.Interface }); at >= 0 {
		l = r.in.Links[at]
	}
	s.updateLink(m, l)
	if down && m.link.Usable { // the news of its return are yet to be read
		s.recover(m)
	}
}

// followAdverts lets the adverts of all that serves follow the new configuration, and the
// addresses of the members that joined.
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
	if !s.f.confirmBy.IsZero() { // the addresses of all wait, but not for a member that has left
		confirming{s}.hold(r.in.Cause)
	} else if len(r.joined) > 0 {
		s.emit(vrrp.Hold{Cause: r.in.Cause, Only: r.joined})
	}
}
