package machine

import (
	"cmp"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/heard"
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

// absorbReconfigured lets the group follow its new configuration.
func (s *step) absorbReconfigured(in vrrp.Reconfigured) {
	before, outranking := s.f.members, s.outranking()
	was := s.f.state()
	s.cfg = in.Group
	s.status = nil
	s.f.name = s.cfg.Title()
	if s.f.lastStanding = s.cfg.LastStanding; !s.f.lastStanding {
		for _, m := range before {
			m.alone, m.aloneFrom = false, time.Time{}
		}
	}
	s.f.members = s.keepMembers(before)
	for _, m := range before {
		if !slices.Contains(s.f.members, m) {
			s.dropMember(m, was, in.Cause)
		}
	}
	s.keepTrackers(in.Links)
	s.f.outOfStep = nil // it holds places of members
	if s.cfg.Fence == nil || !s.f.fellSilent() {
		s.cancelFence()
	}
	joined := s.joinMembers(before, was)
	for _, m := range s.f.members {
		s.relink(m, in.Links)
	}
	if l := s.f.listening; l != nil && len(joined) > 0 && s.f.state() == event.Active {
		// A new member cannot join in silence, and another router may be Active by now.
		s.yield(trigger{event.StalledLoop, nil, l.cause})
		s.f.delayPreemption(s.now)
	}
	s.followTrackers(in.Cause)
	s.reprioritize(in.Cause)
	s.yieldAgain(outranking)
	s.startIfChecked()
	if s.f.state() != event.Active || was != event.Active {
		for _, m := range s.f.members {
			if m.beganAlone(was) && s.f.servesAlone(m) {
				s.updateAdvert(m, in.Cause)
			}
		}
		return
	}
	for _, m := range s.f.members {
		s.updateAdvert(m, in.Cause)
	}
	if !s.f.confirmBy.IsZero() { // the addresses of all wait, but not for a member that has left
		s.holdConfirmed(in.Cause)
	} else if len(joined) > 0 {
		s.emit(vrrp.Hold{Cause: in.Cause, Only: joined})
	}
}

// keepMembers returns the members of the new configuration: those that the group has, and
// new ones.
func (s *step) keepMembers(before []*member) (members []*member) {
	for i := range s.cfg.Members {
		in := &s.cfg.Members[i]
		at := slices.IndexFunc(before, func(m *member) bool { return m.Instance.Same(in) })
		if at < 0 {
			members = append(members, newMember(in, i, s.cfg.Impaired()))
			continue
		}
		m := before[at]
		m.follow(in, i, s.now)
		m.impaired = s.cfg.Impaired()
		members = append(members, m)
	}
	return members
}

func newMember(in *vrrp.Instance, index int, impaired uint8) *member {
	return &member{
		impaired: impaired, Instance: in, Priority: in.Priority, index: index, interval: in.Interval, checksum: in.Checksum, newActive: event.NotActive,
	}
}

// follow gives a member its new configuration.
func (m *member) follow(in *vrrp.Instance, index int, now time.Time) {
	kept := cmp.Or(m.keptInterval, m.Instance.Interval)
	switch {
	case in.Interval <= kept:
		m.keptInterval = 0
	case in.Interval != m.Instance.Interval:
		m.keptInterval, m.keptUntil = kept, now.Add(time.Duration(m.Miss+1)*kept)
	}
	if m.interval == m.Instance.Interval {
		m.interval = in.Interval
	}
	if in.Version != m.Version {
		m.others.Forget()
		m.others.Incompatible = heard.Incompatible{}
	}
	if !in.AutoChecksum || !m.AutoChecksum {
		m.checksum = in.Checksum
	}
	m.Instance, m.index, m.cascaded = in, index, nil
}

// dropMember lets a member leave the group, with its faults.
func (s *step) dropMember(m *member, was event.State, cause event.Cause) {
	if m.state == event.Active {
		s.emit(vrrp.Mute{Cause: cause, Instance: m.Instance}, vrrp.Release{Cause: cause, Only: []*vrrp.Instance{m.Instance}})
	} else if !s.f.armed.IsZero() {
		s.emit(vrrp.Disarm{Cause: cause, Instance: m.Instance})
	}
	s.reportMember(m, event.Initialize, event.Shutdown, cause)
	for _, key := range m.faultKeys() {
		if _, on := s.f.faults[key]; on && !s.f.hasOn(key) {
			s.clear(key, trigger{event.Recovered, nil, cause})
		}
	}
}

// hasOn reports whether a fault is also one of a member that the group has.
func (f *facts) hasOn(key faultKey) bool {
	return slices.ContainsFunc(f.members, func(m *member) bool {
		keys := m.faultKeys()
		return slices.Contains(keys[:], key)
	})
}

// keepTrackers takes the new list of trackers, each with what is known of it.
func (s *step) keepTrackers(links []event.Link) {
	before := s.f.trackers
	s.f.trackers = tracker.New(&s.cfg, s.now)
	s.f.trackers.Keep(before, links)
	for t := range before.Fatal() {
		if key := trackerKey(t); !s.f.trackers.Lists(t.Name, t.Reason()) && !s.f.faulty(key) {
			s.clear(key, trigger{event.Recovered, nil, event.Cause{}})
		}
	}
}

// joinMembers lets the new members take part in what the group does, and returns them.
func (s *step) joinMembers(before []*member, was event.State) (joined []*vrrp.Instance) {
	for _, m := range s.f.members {
		if slices.Contains(before, m) {
			continue
		}
		joined = append(joined, m.Instance)
		m.reason, m.Priority, m.since = s.reason, before[0].Priority, s.since
		if was == event.Active {
			m.newActive = event.ByPriority // its wait is over, as that of the others
			continue
		}
		if s.f.ownerWait != nil { // an owner waits for nothing but to be verified
			m.downAt = s.now
			continue
		}
		m.renew(s.now)
		m.preemptFrom = s.now.Add(m.PreemptDelay)
		s.f.unverify()
	}
	return joined
}

// reportJoined reports the members that joined a group which stayed as it is. Else they are
// part of its transition.
func (s *step) reportJoined(in vrrp.Input) {
	reload, ok := in.(vrrp.Reconfigured)
	if !ok {
		return
	}
	for _, m := range s.f.members {
		s.reportMember(m, s.f.stateOf(m), event.GroupMoved, reload.Cause)
	}
}

// reportMember reports a transition of a member alone, if it is one.
func (s *step) reportMember(m *member, to event.State, reason event.Reason, cause event.Cause) {
	from := m.state
	if from == to {
		return
	}
	m.state, m.since, m.reason = to, s.now, reason
	s.report(event.InstanceTransition{
		Stamp: s.stamp(cause), Virtual: m.Virtual, From: from, To: to, Reason: reason, Priority: m.advertised(), Alone: true,
	})
}

// relink gives a member the last fact about its link, since the member is new or sends from
// another source now.
func (s *step) relink(m *member, links []event.Link) {
	down := m.link.Name != "" && !m.link.Usable
	l := event.Link{Name: m.Interface}
	if at := slices.IndexFunc(links, func(l event.Link) bool { return l.Name == m.Interface }); at >= 0 {
		l = links[at]
	}
	s.updateLink(m, l)
	if down && m.link.Usable { // the news of its return are yet to be read
		s.recover(m)
	}
}

// endKeptInterval lets an Active that was given a longer interval keep it from now on.
func (s *step) endKeptInterval(in vrrp.Tick) {
	for _, m := range s.f.members {
		if m.keptInterval == 0 || s.now.Before(m.keptUntil) {
			continue
		}
		m.keptInterval = 0
		if s.f.serves(m) {
			s.updateAdvert(m, in.Cause)
		}
	}
}
