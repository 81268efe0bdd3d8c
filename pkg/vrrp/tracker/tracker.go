// Package tracker keeps the state of the trackers of a group: links beside its own, and checks.
//
// A tracker without a weight is a fault while it is down. A tracker with a weight changes the
// group's priority: a positive weight is added while it is up, a negative one while it is
// down, as in keepalived. All members of a group have one priority, so the weights of all
// of them and of the group itself are added up, each tracker once.
package tracker

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// OfGroup is the Member of a tracker in the group's own list.
const OfGroup = -1

// Entry is one entry of a `track` list, with its state.
type Entry struct {
	vrrp.Tracker
	Member int    // the index of the member that lists it, or OfGroup
	Err    string // why the tracker is down
	state  vrrp.TrackerState
	since  time.Time // when the present state began
	change int       // the change of the priority, if the tracker reports one
}

// failed reports whether the tracker is down, or up if it is reversed.
func (t *Entry) failed() bool {
	if t.Reverse {
		return t.state == vrrp.TrackerUp
	}
	return t.state == vrrp.TrackerDown
}

// adds returns the number that the tracker adds to the priority.
func (t *Entry) adds() int {
	switch {
	case t.state == vrrp.TrackerWaiting, t.Reported && t.failed():
		return 0
	case t.Reported:
		return t.change
	case (t.Weight > 0) != t.failed():
		return t.Weight
	}
	return 0
}

// Fatal reports whether the failure of the tracker is a fault.
func (t *Entry) Fatal() bool { return t.Weight == 0 }

// Reason returns the reason of the fault that a failed tracker raises. The source of the fault is
// the tracker's name.
func (t *Entry) Reason() event.Reason {
	if t.Kind == vrrp.TrackInterface {
		return event.InterfaceDown
	}
	return event.CheckFailed
}

// EndReason returns the reason of the transition at the end of that fault.
func (t *Entry) EndReason() event.Reason {
	if t.Kind == vrrp.TrackInterface {
		return event.InterfaceUp
	}
	return event.Recovered
}

// same reports whether another entry tracks the same link or check.
func (t *Entry) same(o *Entry) bool { return t.Kind == o.Kind && t.Name == o.Name }
