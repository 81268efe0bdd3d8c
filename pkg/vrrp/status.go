package vrrp

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// GroupStatus is a snapshot of a group. Nothing in it is shared with the group.
type GroupStatus struct {
	Name    string // empty for an instance outside any group
	State   event.State
	Since   time.Time    // of the state
	Reason  event.Reason // of the last transition
	Members []InstanceStatus
}

// InstanceStatus is a snapshot of one virtual router, with RFC 8347's names.
type InstanceStatus struct {
	Instance          Instance
	State             event.State
	Since             time.Time // of the state
	Faults            []FaultStatus
	EffectivePriority uint8
	ActiveAddress     netip.Addr // source of the Active's adverts: ours while Active; zero if unknown
	ActivePriority    uint8
	Up                time.Time // up-datetime: when it left Initialize; zero in Initialize
	LastEvent         event.Reason
	NewActiveReason   event.NewActiveReason
	// Interval is the Active_Adver_Interval: learned while Backup.
	Interval           time.Duration
	ActiveDownInterval time.Duration
	SkewTime           time.Duration
}

// FaultStatus is one cause of the Fault state: a fault, or the recovery of a
// link that has returned.
type FaultStatus struct {
	Source string // a link, an instance
	Reason event.Reason
	Since  time.Time
}

// Status takes a snapshot of the group.
func (m *Machine) Status(now time.Time) *GroupStatus {
	st := &GroupStatus{Name: m.cfg.Name, State: m.facts.state(), Since: m.since, Reason: m.reason}
	for _, mb := range m.facts.members {
		st.Members = append(st.Members, m.memberStatus(mb, st.State, now))
	}
	return st
}

func (m *Machine) memberStatus(mb *member, state event.State, now time.Time) InstanceStatus {
	st := InstanceStatus{
		Instance: *mb.Instance, State: state, Since: m.since,
		EffectivePriority: mb.Priority, LastEvent: mb.reason, NewActiveReason: mb.newActive,
		Interval: mb.interval, ActiveDownInterval: mb.ActiveDownInterval(mb.interval), SkewTime: mb.skew(),
	}
	if state != event.Initialize {
		st.Up = m.up
	}
	switch {
	case state == event.Active:
		st.ActiveAddress, st.ActivePriority = mb.source(), mb.Priority
	case mb.known(now):
		st.ActiveAddress, st.ActivePriority = mb.other.source, mb.other.priority
	}
	for key, flt := range m.facts.faults {
		if key.source == mb.Interface || key.source == mb.Virtual.Instance {
			st.Faults = append(st.Faults, FaultStatus{key.source, key.reason, flt.since})
		}
	}
	if r := mb.recovery; r != nil {
		st.Faults = append(st.Faults, FaultStatus{mb.Interface, event.Recovery, r.back})
	}
	slices.SortFunc(st.Faults, func(a, b FaultStatus) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Reason, b.Reason))
	})
	return st
}
