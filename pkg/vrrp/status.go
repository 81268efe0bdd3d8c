package vrrp

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// GroupStatus is a snapshot of a group. It never changes.
type GroupStatus struct {
	Name     string // empty for an instance outside any group
	State    event.State
	Since    time.Time    // of the state
	Reason   event.Reason // of the last transition
	Members  []InstanceStatus
	Trackers []TrackerStatus // those of the group as a whole; nobody changes them
	Holding  string          // what keeps a Backup from taking over that could; empty: nothing
}

// Title is that of the group's configuration.
func (g *GroupStatus) Title() string { return title(g.Name, g.Members[0].Instance.Name) }

// InstanceStatus is a snapshot of one virtual router, with RFC 8347's names.
type InstanceStatus struct {
	Instance *Instance // the configuration; nobody changes it
	Faults   []FaultStatus
	Missing  []string        // what it lacks of what it should hold; nobody changes it
	Trackers []TrackerStatus // in the order of its configuration; nobody changes them
	InstanceState
}

// InstanceState is the part of an InstanceStatus that can be compared.
type InstanceState struct {
	State             event.State
	Since             time.Time // of the state
	LastStanding      bool      // it is Active, and its group is not
	EffectivePriority uint8
	ActiveAddress     netip.Addr // source of the Active's adverts: ours while Active; zero if unknown
	ActivePriority    uint8
	Silenced          netip.Addr // the Active that has to be fenced if it falls silent, or has fallen
	Up                time.Time  // up-datetime: when it left Initialize; zero in Initialize
	LastEvent         event.Reason
	NewActiveReason   event.NewActiveReason
	// Interval is the Active_Adver_Interval: learned while Backup.
	Interval           time.Duration
	ActiveDownInterval time.Duration
	SkewTime           time.Duration
}

// TrackerStatus is one entry of a list `track`, and what is known of it.
type TrackerStatus struct {
	Tracker
	State TrackerState
	Since time.Time // of the state
	Adds  int       // to the priority, now
	Err   string    // why it is down
}

// FaultStatus is one cause of the Fault state: a fault, or the recovery of a
// link that has returned.
type FaultStatus struct {
	Source string // a link, an instance
	Reason event.Reason
	Since  time.Time
	Err    string // what is wrong, where the reason does not say it all
}

// Status returns a snapshot of the group: the last one, as long as nothing in it has
// changed, so that an advert with nothing new costs none.
func (m *Machine) Status(now time.Time) *GroupStatus {
	if m.status == nil || !m.still(m.status, now) {
		m.status = m.snapshot(now)
	}
	return m.status
}

func (m *Machine) snapshot(now time.Time) *GroupStatus {
	if m.trackers == nil {
		m.trackers = m.facts.trackerStatus()
	}
	st := &GroupStatus{
		Name: m.cfg.Name, State: m.facts.state(), Since: m.since, Reason: m.reason, Holding: m.facts.holding(),
		Trackers: m.trackers[len(m.facts.members)],
		Members:  make([]InstanceStatus, len(m.facts.members)),
	}
	for i, mb := range m.facts.members {
		st.Members[i] = InstanceStatus{
			Instance: mb.Instance, Faults: m.appendFaults(nil, mb), Missing: mb.missing(), Trackers: m.trackers[i], InstanceState: m.condition(mb, st.State, now),
		}
	}
	return st
}

// still reports whether a snapshot is up to date.
func (m *Machine) still(st *GroupStatus, now time.Time) bool {
	if m.trackers == nil || st.State != m.facts.state() || st.Since != m.since || st.Reason != m.reason || st.Holding != m.facts.holding() {
		return false
	}
	for i, mb := range m.facts.members {
		shown := &st.Members[i]
		if shown.InstanceState != m.condition(mb, st.State, now) {
			return false
		}
		if !slices.Equal(shown.Missing, mb.missing()) {
			return false
		}
		if m.faults = m.appendFaults(m.faults[:0], mb); !slices.Equal(shown.Faults, m.faults) {
			return false
		}
	}
	return true
}

func (m *Machine) condition(mb *member, state event.State, now time.Time) InstanceState {
	c := InstanceState{
		State: state, Since: mb.since, LastStanding: m.facts.servesAlone(mb),
		EffectivePriority: mb.advertised(), LastEvent: mb.reason, NewActiveReason: mb.newActive,
		Interval: mb.interval, ActiveDownInterval: mb.ActiveDownInterval(mb.interval), SkewTime: mb.skew(),
	}
	if c.Silenced = mb.silent; c.LastStanding {
		c.State = event.Active
	}
	if state != event.Initialize {
		c.Up = m.up
	}
	switch {
	case c.State == event.Active:
		c.ActiveAddress, c.ActivePriority = mb.source, c.EffectivePriority
	case mb.known(now):
		c.ActiveAddress, c.ActivePriority = mb.other.source, mb.other.priority
	}
	return c
}

// trackerStatus returns what is known of the trackers of each member, and at last of those
// of the group as a whole.
func (f *facts) trackerStatus() [][]TrackerStatus {
	all := make([][]TrackerStatus, len(f.members)+1)
	for i := range f.trackers {
		t, of := &f.trackers[i], len(f.members)
		if t.member != nil {
			of = t.member.index
		}
		all[of] = append(all[of], TrackerStatus{t.Tracker, t.state, t.since, t.adds(), t.err})
	}
	return all
}

// appendFaults adds the faults of a member, by source and reason.
func (m *Machine) appendFaults(faults []FaultStatus, mb *member) []FaultStatus {
	if len(m.facts.faults) == 0 && mb.recovery == nil {
		return faults // the rule: nothing to iterate over, nor to sort
	}
	for key, flt := range m.facts.faults {
		if key.source == mb.Interface || key.source == mb.Name || m.facts.concerns(key, mb) {
			faults = append(faults, FaultStatus{key.source, key.reason, flt.since, flt.err})
		}
	}
	if r := mb.recovery; r != nil {
		faults = append(faults, FaultStatus{Source: mb.Interface, Reason: event.Recovery, Since: r.back})
	}
	slices.SortFunc(faults, func(a, b FaultStatus) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Reason, b.Reason))
	})
	return faults
}
