package vrrp

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

// GroupStatus is a snapshot of a group. It never changes.
type GroupStatus struct {
	Name     string // empty for an instance outside any group
	State    event.State
	Since    time.Time    // when the state began
	Reason   event.Reason // of the last transition
	Members  []InstanceStatus
	Trackers []TrackerStatus // those of the group as a whole; read-only
	Holding  string          // what keeps a Backup that could take over from doing so; empty if nothing does
	Wait     WaitStatus
}

// WaitStatus is what keeps a group from taking over beside the Active_Down_Intervals, or from
// starting. It ends without a person's help.
type WaitStatus struct {
	Reason string    // one of event.Hold…; empty if there is none
	Until  time.Time // the latest end; zero if that is not known
}

// WaitOf returns what keeps a member of the group from taking over: the wait of the group, or for
// a member whose own wait is over that of the other members.
func (g *GroupStatus) WaitOf(m *InstanceStatus) WaitStatus {
	if g.Wait.Reason == "" && m.WaitsForGroup {
		return WaitStatus{Reason: event.HoldGroup}
	}
	return g.Wait
}

// Title returns the title of the group's configuration.
func (g *GroupStatus) Title() string { return title(g.Name, g.Members[0].Instance.Name) }

// InstanceStatus is a snapshot of one virtual router, with RFC 8347's names.
type InstanceStatus struct {
	Instance *Instance // the configuration; read-only
	Faults   []FaultStatus
	Missing  []string        // what it lacks of what it should hold; read-only
	Trackers []TrackerStatus // in the order of its configuration; read-only
	InstanceState
}

// InstanceState is the part of an InstanceStatus that can be compared.
type InstanceState struct {
	State             event.State
	Since             time.Time // when the state began
	LastStanding      bool      // it is Active although its group is not
	EffectivePriority uint8
	ActiveAddress     netip.Addr // source of the Active's adverts; our own while Active; zero if unknown
	ActivePriority    uint8
	Silenced          netip.Addr // the Active that must be fenced if it falls silent, or has done so
	Watch             WatchStatus
	WaitsForGroup     bool      // its own wait is over, and another member still hears its Active
	Up                time.Time // up-datetime: when it left Initialize; zero in Initialize
	LastEvent         event.Reason
	NewActiveReason   event.NewActiveReason
	// Interval is the Active_Adver_Interval: learned while Backup.
	Interval           time.Duration
	ActiveDownInterval time.Duration
	SkewTime           time.Duration
}

// TrackerStatus is one entry of a `track` list, and its state.
type TrackerStatus struct {
	Tracker
	State TrackerState
	Since time.Time // when the state began
	Adds  int       // what it adds to the priority now
	Err   string    // why it is down
}

// FaultStatus is one cause of the Fault state: a fault, or the recovery of a
// link that has returned.
type FaultStatus struct {
	Source string // a link or an instance
	Reason event.Reason
	Since  time.Time
	Until  time.Time // the latest end of a recovery
	// Forwards is set for a recovery whose segment has proved that it forwards: it only waits for
	// adverts of the Active.
	Forwards bool
	Err      string // details that the reason does not contain
}
