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
	Since    time.Time    // of the state
	Reason   event.Reason // of the last transition
	Members  []InstanceStatus
	Trackers []TrackerStatus // those of the group as a whole; nobody changes them
	Holding  string          // what keeps a Backup from taking over that could; empty: nothing
}

// Title returns the title of the group's configuration.
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
	Watch             WatchStatus
	Up                time.Time // up-datetime: when it left Initialize; zero in Initialize
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
	Until  time.Time // of a recovery: its end at the latest
	// Forwards is set of a recovery whose segment has proved that it forwards: adverts of the
	// Active alone are waited for.
	Forwards bool
	Err      string // what is wrong, where the reason does not say it all
}
