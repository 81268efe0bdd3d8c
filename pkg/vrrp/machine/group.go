package machine

import (
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// absorbInput passes an input to the method that absorbs its kind into facts.
func (s *step) absorbInput(in vrrp.Input) {
	switch in := in.(type) {
	case vrrp.Start:
		s.absorbStart(in)
	case vrrp.Adopted:
		s.absorbAdopted(in)
	case vrrp.Recalled:
		fencing{s}.recall(in)
	case vrrp.Stop:
		s.f.started, s.f.startWaits = false, nil
		s.f.members.forgetRecoveries()
		for _, m := range s.f.members {
			rivals{s}.remove(m, in.Cause)
		}
		s.why = trigger{reason: event.Shutdown, cause: in.Cause}
	case vrrp.Tick:
		s.absorbTick(in)
	case vrrp.LinkSeen:
		changed := tracking{s}.noteLink(in.Link)
		s.absorbLink(in.Link)
		if changed {
			tracking{s}.follow(in.Link.Name, in.Link.Cause)
		}
	case vrrp.Heard:
		s.absorbHeard(&in)
	case vrrp.Answered:
		s.f.asked.answer(in.Ticket, in.By)
	case vrrp.Stalled:
		pauses{s}.absorbStall(in)
	case vrrp.Slept:
		pauses{s}.absorbSlept(in)
	case vrrp.LeaseLost:
		pauses{s}.absorbLease(in)
	case vrrp.Sends:
		refusals{s}.absorb(in)
	case vrrp.Probed:
		refusals{s}.absorbProbe(in)
	case vrrp.Placed:
		placement{s}.absorb(in)
	case vrrp.Condition:
		s.absorbCondition(in)
	case vrrp.Reconfigured:
		r := reload{in: in, before: s.f.members, was: s.f.state(), outranking: s.f.members.outranking(s.now)}
		r.apply(s)
	case vrrp.Tracked:
		tracking{s}.absorb(in)
	case vrrp.Released:
		s.absorbReleased(in)
	case vrrp.Rejoined:
		s.absorbRejoined(in)
	case vrrp.Forwards:
		s.f.members.prove(in.Interface, in.Cause.At)
		fencing{s}.prove(in)
	case vrrp.Watched:
		liveness{s}.absorb(in)
	case vrrp.Fenced:
		fencing{s}.absorb(in)
	}
}

// absorbStart starts the group. A group whose checks have no result yet does not start: it stays
// in Initialize and reports that it waits for them. Once started it waits for no check any more,
// including one that a reload adds.
func (s *step) absorbStart(in vrrp.Start) {
	if s.f.started {
		return
	}
	if s.f.trackers.Waiting() {
		s.waitForChecks(in)
		return
	}
	s.f.started = true
	s.f.forgetShortfalls()
	s.why = trigger{reason: event.Startup, cause: in.Cause}
	if m, reason := s.f.firstFault(); reason != "" {
		s.why = trigger{reason, m, in.Cause}
	}
	s.f.delayStart(s.now)
	s.f.restart(s.now, event.Initialize, s.why)
	fencing{s}.waitForRecalled()
}

// absorbAdopted starts an adopted group as Active. Such a group waits for no check: the previous
// daemon had their results, and its priority replaces theirs until there are new ones.
func (s *step) absorbAdopted(in vrrp.Adopted) {
	if s.f.started {
		return
	}
	if why := s.f.unadoptable(in, s.now); why != "" {
		s.report(event.GroupUnadopted{Stamp: s.stamp(in.Cause), Group: in.Group, Why: why, Handover: in.Handover})
		s.emit(vrrp.Release{Cause: in.Cause})
		s.absorbStart(vrrp.Start{Cause: in.Cause})
		return
	}
	if s.f.trackers.Waiting() {
		s.f.inherited = in.Priority
	}
	s.f.started, s.f.verified, s.f.clock = true, true, s.now
	s.f.forgetShortfalls()
	for _, m := range s.f.members {
		m.downAt = s.now
	}
	// A fault that preempt_delay counts from had ended before the group became Active.
	s.f.members.delayPreemption(in.Since)
	s.adopted = &in
}

// continueAdopted sends the adverts of an adopted group at once. The group already holds its
// addresses.
func (s *step) continueAdopted() {
	in := s.adopted
	s.up, s.since, s.reason = s.now, in.Since, event.Adopted
	s.f.impairment.enter(s.f.members.excused())
	done := event.GroupAdopted{Stamp: s.stamp(in.Cause), Group: in.Group, Priority: s.Priority(), Gap: s.now.Sub(in.Last), Handover: in.Handover}
	for _, m := range s.f.members {
		m.state, m.since, m.reason, m.newActive = event.Active, in.Since, event.Adopted, event.ByPriority
		s.advertise(m, in.Cause)
		done.Members = append(done.Members, m.Virtual)
	}
	s.report(done)
}

// waitForChecks postpones a start until all checks have a result, and reports it.
func (s *step) waitForChecks(in vrrp.Start) {
	s.f.startWaits = &in
	for _, m := range s.f.members {
		s.report(event.InstanceHolding{Stamp: s.stamp(in.Cause), Virtual: m.Virtual, Reason: event.HoldCheck})
	}
}

// startIfChecked starts a group that waited for the results of checks once all have one.
func (s *step) startIfChecked() {
	if s.f.startWaits != nil && !s.f.trackers.Waiting() {
		start := *s.f.startWaits
		s.f.startWaits = nil
		s.tracker = ""
		s.absorbStart(start)
	}
}

// transition lists the effects of a transition, in the order of docs/architecture.md#transitions.
func (s *step) transition(from, to event.State) {
	if from == event.Active {
		s.leave()
	}
	if to == event.Active {
		s.enter()
	}
	if from == event.Initialize {
		s.up = s.now
	}
	s.since, s.reason = s.now, s.why.reason
	s.reportTransition(from, to)
}

// enter makes the group Active: every advert first, then the addresses, which may wait for the
// adverts.
func (s *step) enter() {
	s.f.impairment.enter(s.f.members.excused())
	s.f.members.holdOff(time.Time{}) // from now on the worker reports the missing addresses
	s.f.fence.Cancel()
	s.f.fence.Forget()
	for _, m := range s.f.members {
		m.unresigned, m.delayed = nil, false
		if m.newActive = newActiveReason(s.why.reason); m.state != event.Active { // a member that was Active before the step served alone
			confirming{s}.want(m)
		}
		m.interval = m.Instance.Interval
		if m.resigned, m.dead = nil, nil; !m.confirm.wanted {
			m.others.Forget() // the former Active is gone, or will be heard again
		}
		m.sends.refused = nil // failures before this takeover do not count
		s.advertise(m, s.why.cause)
		if m.state == event.Active {
			s.emit(vrrp.AdvertiseNow{Cause: s.why.cause, Instance: m.Instance})
		}
	}
	if s.f.confirmBy.IsZero() {
		s.emit(vrrp.Hold{Cause: s.why.cause})
	}
}

// leave ends the time as Active: all members stop advertising before any address is removed.
// Priority 0 is sent on links that work and where no better Active was heard.
func (s *step) leave() {
	for _, m := range s.f.members {
		m.newActive = event.NotActive
		neverSent := m.ordered.config == nil // it joined in this step
		s.fallSilent(m, neverSent || s.outranked(m))
	}
	s.emit(vrrp.Release{Cause: s.why.cause})
	s.f.dropConfirmations()
	s.f.members.holdOff(s.now.Add(s.f.impairment.wait))
}

// fallSilent ends the adverts of a member, with a priority 0 if one is wanted and can be sent.
func (s *step) fallSilent(m *member, mute bool) {
	if s.silent || mute || !m.canSend() || m.tooLong() {
		s.emit(vrrp.Mute{Cause: s.why.cause, Instance: m.Instance})
	} else {
		s.emit(vrrp.Resign{Cause: s.why.cause, Instance: m.Instance})
	}
}

// outranked reports whether a member hears the Active to which the group yields, or another one
// of at least the member's priority.
func (s *step) outranked(m *member) bool {
	if s.why.reason != event.HigherPriorityBackup {
		return false
	}
	return m == s.why.member || m.known(s.now) && m.others.Best.Priority >= m.Priority
}

func newActiveReason(r event.Reason) event.NewActiveReason {
	switch r {
	case event.ActiveTimeout, event.PeerDead, event.FenceFailed:
		return event.NoResponse
	case event.LowerPriorityActive, event.OwnerPreempt, event.PreemptHoldTimeout:
		return event.Preempted
	}
	return event.ByPriority
}

// reportTransition reports the transition of the group: the member that caused it carries the
// reason. If the group keeps its state, only members that begin or cease to serve alone change.
func (s *step) reportTransition(from, to event.State) {
	stamp, blamed := s.stamp(s.why.cause), ""
	for _, m := range s.f.members {
		was, is := m.state, s.f.stateOf(m)
		if was == is && to != event.Active {
			continue
		}
		m.reason = s.why.reason
		if s.why.member != nil && m != s.why.member {
			m.reason = event.GroupMoved
		}
		if was == is { // it already served alone before its group did
			continue
		}
		m.state, m.since = is, s.now
		s.report(event.InstanceTransition{
			Stamp: stamp, Virtual: m.Virtual, From: was, To: is, Reason: m.reason, Priority: m.advertised(), Alone: from == to,
		})
	}
	if s.cfg.Name == "" || from == to {
		return
	}
	switch {
	case s.tracker != "":
		blamed = s.tracker
	case s.why.member != nil:
		blamed = s.why.member.Name
	}
	s.report(event.GroupTransition{
		Stamp: stamp, Group: s.cfg.Name, From: from, To: to, Reason: s.why.reason, Member: blamed,
	})
}

// reportJoined reports the members that joined in a reload while the group kept its state.
// Otherwise they are part of the group's transition.
func (s *step) reportJoined(in vrrp.Input) {
	reload, ok := in.(vrrp.Reconfigured)
	if !ok {
		return
	}
	for _, m := range s.f.members {
		s.reportMember(m, s.f.stateOf(m), event.GroupMoved, reload.Cause)
	}
}

// reportMember reports the transition of a single member, if its state changes.
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

// raise adds a fault, or updates the text of an existing one. The first fault is the reason of
// the transition.
func (s *step) raise(key faultKey, err string, why trigger) {
	first := len(s.f.faults) == 0
	if !s.f.faults.add(key, err, s.now) {
		return
	}
	if first || s.why.reason == "" { // a further fault may stop a member that serves alone
		s.why = why
	}
	s.f.unverify()
}

// clear removes a fault. When the last one is removed, all waits restart.
func (s *step) clear(key faultKey, why trigger) {
	if !s.f.faults.has(key) {
		return
	}
	s.f.faults.remove(key)
	if len(s.f.faults) == 0 {
		s.f.restart(s.now, event.Fault, why)
		s.recoverFlapped()
		s.why = why
	}
}

// absorbCondition raises the fault of a condition that another goroutine watches, for as long as
// the condition lasts, and reports its begin and its end.
func (s *step) absorbCondition(in vrrp.Condition) {
	m := s.f.members.find(in.Instance)
	if m == nil {
		return
	}
	key := faultKey{in.Instance, in.Reason}
	on := s.f.faults.has(key)
	if in.On {
		s.raise(key, in.Err, trigger{in.Reason, m, in.Cause})
	} else {
		s.clear(key, trigger{event.Recovered, m, in.Cause})
	}
	if in.On != on {
		s.report(event.InstanceFault{
			Stamp: s.stamp(in.Cause), Virtual: m.Virtual, Reason: in.Reason, Err: in.Err, Over: !in.On,
		})
	}
}

// absorbReleased begins or ends a release: a person takes the router out of service for a while.
// The group hands over as it does for a fault, and takes part again when it is resumed.
func (s *step) absorbReleased(in vrrp.Released) {
	key := s.f.releaseKey()
	if !in.On {
		s.f.releasedUntil = time.Time{}
		s.clear(key, trigger{event.Resumed, nil, in.Cause})
		return
	}
	s.f.releasedUntil = in.Until
	s.raise(key, in.Err(), trigger{event.Released, nil, in.Cause})
}

// reprioritize gives all members the priority in force. An Active whose priority changes sends
// its adverts at once: a better Backup counts its Skew_Time from the first one that it hears.
func (s *step) reprioritize(cause event.Cause) {
	p := s.f.priority()
	if p == s.f.members[0].Priority {
		return
	}
	active, outranking := s.f.state() == event.Active, s.f.members.outranking(s.now)
	for _, m := range s.f.members {
		m.Priority = p
		if active {
			s.updateAdvert(m, cause)
			if s.f.listening == nil {
				s.emit(vrrp.AdvertiseNow{Cause: cause, Instance: m.Instance})
			}
		}
	}
	if s.f.ownerWait != nil { // it is no longer the owner, and waits as a Backup
		s.why = s.f.ownerWait.cause
		s.f.unverify()
		for _, m := range s.f.members {
			m.renew(s.now)
		}
	}
	s.yieldAgain(outranking)
}

// yieldAgain restarts the timers of the listed members that may no longer preempt their Active,
// as if its last advert had renewed them.
func (s *step) yieldAgain(list members) {
	if !s.f.waiting() || s.f.ownerWait != nil {
		return
	}
	for _, m := range list {
		if slices.Contains(s.f.members, m) && m.known(s.now) && !m.outranks(m.others.Best.Priority, s.now) {
			s.f.unverify()
			m.interval = m.others.Best.Interval
			m.renew(m.others.Best.At)
			m.waitForSecond(s.now)
		}
	}
}
