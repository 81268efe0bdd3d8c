package machine

import (
	"cmp"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// Status returns a snapshot of the group. It is the previous one as long as nothing in it has
// changed, so that an ordinary advert needs none.
func (m *Machine) Status(now time.Time) *vrrp.GroupStatus {
	if m.status == nil || !m.isCurrent(m.status, now) {
		m.status = m.snapshot(now)
	}
	return m.status
}

func (m *Machine) snapshot(now time.Time) *vrrp.GroupStatus {
	trackers := m.facts.trackers.Status()
	state := m.facts.state()
	st := &vrrp.GroupStatus{
		Name: m.cfg.Name, State: state, Since: m.since, Reason: m.reason, Holding: m.facts.holding(state), Wait: m.facts.wait(state, now),
		Trackers: trackers[len(m.facts.members)],
		Members:  make([]vrrp.InstanceStatus, len(m.facts.members)),
	}
	for i, mb := range m.facts.members {
		st.Members[i] = vrrp.InstanceStatus{
			Instance: mb.Instance, Faults: m.appendFaults(nil, mb), Missing: mb.lacks.names(), Trackers: trackers[i], InstanceState: m.instanceState(mb, st.State, now),
		}
	}
	return st
}

// isCurrent reports whether a snapshot is up to date.
func (m *Machine) isCurrent(st *vrrp.GroupStatus, now time.Time) bool {
	state := m.facts.state()
	if m.facts.trackers.Changed() || st.State != state || st.Since != m.since || st.Reason != m.reason || st.Holding != m.facts.holding(state) || st.Wait != m.facts.wait(state, now) {
		return false
	}
	for i, mb := range m.facts.members {
		shown := &st.Members[i]
		if shown.InstanceState != m.instanceState(mb, st.State, now) {
			return false
		}
		if !slices.Equal(shown.Missing, mb.lacks.names()) {
			return false
		}
		if m.faults = m.appendFaults(m.faults[:0], mb); !slices.Equal(shown.Faults, m.faults) {
			return false
		}
	}
	return true
}

func (m *Machine) instanceState(mb *member, state event.State, now time.Time) vrrp.InstanceState {
	timing := mb.timing()
	c := vrrp.InstanceState{
		State: state, Since: mb.since, LastStanding: m.facts.servesAlone(mb),
		EffectivePriority: mb.advertised(), LastEvent: mb.reason, NewActiveReason: mb.newActive,
		Interval: mb.interval, ActiveDownInterval: timing.ActiveDownInterval(mb.interval), SkewTime: timing.SkewTime(mb.interval),
	}
	if c.Silenced = mb.silenced(now); c.LastStanding {
		c.State = event.Active
	}
	c.Watch = mb.watch.status(now)
	c.WaitsForGroup = mb.holdReported && m.facts.waitsForGroup(state)
	if state != event.Initialize {
		c.Up = m.up
	}
	switch {
	case c.State == event.Active:
		c.ActiveAddress, c.ActivePriority = mb.source, c.EffectivePriority
	case mb.known(now):
		c.ActiveAddress, c.ActivePriority = mb.others.Best.Source, mb.others.Best.Priority
	}
	return c
}

// appendFaults appends the faults of a member, by source and reason.
func (m *Machine) appendFaults(faults []vrrp.FaultStatus, mb *member) []vrrp.FaultStatus {
	if len(m.facts.faults) == 0 && mb.recovery == nil {
		return faults // the usual case: nothing to iterate over or to sort
	}
	for key, flt := range m.facts.faults {
		if key.source == mb.Interface || key.source == mb.Name || m.facts.concerns(key, mb) {
			faults = append(faults, vrrp.FaultStatus{Source: key.source, Reason: key.reason, Since: flt.since, Err: flt.err})
		}
	}
	if r := mb.recovery; r != nil {
		faults = append(faults, vrrp.FaultStatus{Source: mb.Interface, Reason: event.Recovery, Since: r.back, Until: r.until, Forwards: r.forwards})
	}
	slices.SortFunc(faults, func(a, b vrrp.FaultStatus) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Reason, b.Reason))
	})
	return faults
}
