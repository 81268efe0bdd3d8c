package event

import (
	"fmt"
	"time"
)

// InstanceTransition reports that a virtual router changed its state. The member
// that caused a move of its group bears the reason; the others GroupMoved.
type InstanceTransition struct {
	Stamp
	Virtual
	From, To State
	Reason   Reason
	Priority uint8
	Alone    bool // its group did not change: the member joined, left, or began or ceased to serve alone
}

func (InstanceTransition) Name() string { return "instance.transition" }

// Level returns Warn for a fault, and for a takeover without the fence or without the group.
func (e InstanceTransition) Level() Level { return transitionLevel(e.To, e.Reason) }

func (e InstanceTransition) Message() string {
	return fmt.Sprintf("%s is %s, was %s: %s", e.Virtual.Name, e.To, e.From, e.Reason)
}

func (e InstanceTransition) Fields() []Field {
	return append(e.Virtual.Fields(),
		Field{"from", e.From.String()}, Field{"to", e.To.String()},
		Field{"reason", string(e.Reason)}, Field{"priority", e.Priority})
}

// Fields identify the virtual router; group is left out where there is none.
func (v Virtual) Fields() []Field {
	fields := []Field{{"instance", v.Name}}
	if v.Group != "" {
		fields = append(fields, Field{"group", v.Group})
	}
	return append(fields, Field{"interface", v.Interface}, Field{"vrid", v.VRID}, Field{"family", v.Family.String()})
}

// GroupTransition reports that a group moved, all its members at once.
type GroupTransition struct {
	Stamp
	Group    string
	From, To State
	Reason   Reason
	Member   string // the member or tracker that caused it; empty where the whole group did
}

func (GroupTransition) Name() string { return "group.transition" }

// Level returns Warn for a fault, and for a takeover without the fence.
func (e GroupTransition) Level() Level { return transitionLevel(e.To, e.Reason) }

func (e GroupTransition) Message() string {
	if e.Member == "" {
		return fmt.Sprintf("group %s is %s, was %s: %s", e.Group, e.To, e.From, e.Reason)
	}
	return fmt.Sprintf("group %s is %s, was %s: %s of %s", e.Group, e.To, e.From, e.Reason, e.Member)
}

func (e GroupTransition) Fields() []Field {
	fields := []Field{
		{"group", e.Group}, {"from", e.From.String()}, {"to", e.To.String()}, {"reason", string(e.Reason)},
	}
	if e.Member != "" {
		fields = append(fields, Field{"cause", e.Member})
	}
	return fields
}

func transitionLevel(to State, reason Reason) Level {
	if to == Fault || reason == FenceFailed || reason == LastStanding {
		return Warn
	}
	return Info
}

// The reasons of InstanceHolding.
const (
	HoldGroup        = "group"         // another member's Active is still heard
	HoldRecovery     = "recovery"      // a link has returned and has yet to prove that it forwards
	HoldPreemptDelay = "preempt-delay" // an Active of lower priority is not preempted yet
	HoldStartup      = "startup"       // startup_delay is not over
	HoldVersion      = "version"       // adverts of another version of VRRP come
	HoldSkew         = "skew"          // authentic adverts come whose time is not ours
	HoldCheck        = "check"         // a check has no result yet
	HoldFence        = "fence"         // a silent Active has to be fenced
	HoldFenceFailed  = "fence-failed"  // the fence failed, and is tried again
	HoldInvalid      = "invalid"       // adverts come without addresses, or with interval 0
)

// InstanceHolding reports that an instance could move, but waits.
type InstanceHolding struct {
	Stamp
	Virtual
	Reason string    // one of those above
	Until  time.Time // at the latest, by the clock of the log; zero: for as long as it takes
}

func (InstanceHolding) Name() string { return "instance.holding" }

// Level returns Info, and Error if routers do not understand each other, or nobody serves.
func (e InstanceHolding) Level() Level {
	if e.Reason == HoldVersion || e.Reason == HoldSkew || e.Reason == HoldInvalid || e.Reason == HoldFenceFailed {
		return Error
	}
	return Info
}

func (e InstanceHolding) Message() string {
	switch e.Reason {
	case HoldFence:
		return fmt.Sprintf("%s waits: its Active fell silent, and has to be fenced before it takes over", e.Virtual.Name)
	case HoldFenceFailed:
		return fmt.Sprintf("%s stays backup: its Active is silent and the fence failed; it is tried again unless an advert is heard", e.Virtual.Name)
	case HoldVersion:
		return fmt.Sprintf("%s waits: adverts of another version of VRRP come for its VRID; give all its routers one version", e.Virtual.Name)
	case HoldSkew:
		return fmt.Sprintf("%s waits: authentic adverts come for its VRID, but by another clock; set the clocks of all its routers", e.Virtual.Name)
	case HoldInvalid:
		return fmt.Sprintf("%s waits: adverts without addresses or with interval 0 come for its VRID; mend the configuration of the router that sends them", e.Virtual.Name)
	}
	return fmt.Sprintf("%s waits: %s", e.Virtual.Name, e.Reason)
}

func (e InstanceHolding) Fields() []Field {
	fields := append(e.Virtual.Fields(), Field{"reason", e.Reason})
	if !e.Until.IsZero() {
		fields = append(fields, Field{"until", e.Until})
	}
	return fields
}

// GroupCascade reports that resignations of one router do, or do not any more,
// carry over from one member of the group to another (docs/architecture.md#cascade).
type GroupCascade struct {
	Stamp
	Group  string
	Source string // the router, by its address on the member where it resigned
	On     bool
	Why    string
}

func (GroupCascade) Name() string { return "group.cascade" }

// Level returns Warn if resignations carry over no more.
func (e GroupCascade) Level() Level {
	if e.On {
		return Info
	}
	return Warn
}

func (e GroupCascade) Message() string {
	does := "does not move"
	if e.On {
		does = "moves"
	}
	return fmt.Sprintf("a resignation of %s %s the whole of group %s: %s", e.Source, does, e.Group, e.Why)
}

func (e GroupCascade) Fields() []Field {
	state := "off"
	if e.On {
		state = "on"
	}
	return []Field{{"group", e.Group}, {"source", e.Source}, {"state", state}, {"why", e.Why}}
}

// EngineStalled reports that the daemon did not run for a while.
type EngineStalled struct {
	Stamp
	Instance string
	Gap      time.Duration // how late it woke
	Done     string        // what was done about it
}

func (EngineStalled) Name() string { return "engine.stalled" }

func (EngineStalled) Level() Level { return Warn }

func (e EngineStalled) Message() string {
	return fmt.Sprintf("%s did not run for %v: %s", e.Instance, e.Gap.Round(time.Millisecond), e.Done)
}

func (e EngineStalled) Fields() []Field {
	return []Field{{"instance", e.Instance}, {"gap_us", e.Gap.Microseconds()}, {"done", e.Done}}
}

// EngineLease reports that the loop hung, and the engine resigned without it.
type EngineLease struct {
	Stamp
	Instance string
	Gap      time.Duration // age of the lease
	Done     string
}

func (EngineLease) Name() string { return "engine.lease" }

func (EngineLease) Level() Level { return Error }

func (e EngineLease) Message() string {
	return fmt.Sprintf("the loop that leads %s hung for %v: %s", e.Instance, e.Gap.Round(time.Millisecond), e.Done)
}

func (e EngineLease) Fields() []Field {
	return []Field{{"instance", e.Instance}, {"gap_us", e.Gap.Microseconds()}, {"done", e.Done}}
}
