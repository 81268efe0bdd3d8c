package event

import (
	"cmp"
	"fmt"
	"time"
)

// InstanceTransition reports that a virtual router changed its state. The member that caused a
// transition of its group has the reason; the others have GroupMoved.
type InstanceTransition struct {
	Stamp
	Virtual
	From, To State
	Reason   Reason
	Priority uint8
	Alone    bool // the group did not change: the member joined, left, or began or ceased to serve alone
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

// Fields returns the fields that identify the virtual router; group is left out if there is none.
func (v Virtual) Fields() []Field {
	fields := []Field{{"instance", v.Name}}
	if v.Group != "" {
		fields = append(fields, Field{"group", v.Group})
	}
	return append(fields, Field{"interface", v.Interface}, Field{"vrid", v.VRID}, Field{"family", v.Family.String()})
}

// GroupTransition reports that a group moved, with all its members at once.
type GroupTransition struct {
	Stamp
	Group    string
	From, To State
	Reason   Reason
	Member   string // the member or tracker that caused it; empty if the whole group did
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
	HoldGroup        = "group"         // another member still hears its Active
	HoldRecovery     = "recovery"      // a link has returned and has yet to prove that it forwards
	HoldPreemptDelay = "preempt-delay" // an Active of lower priority is not preempted yet
	HoldStartup      = "startup"       // startup_delay is not over
	HoldVersion      = "version"       // adverts of another VRRP version arrive
	HoldSkew         = "skew"          // authentic adverts with a different time arrive
	HoldCheck        = "check"         // a check has no result yet
	HoldFence        = "fence"         // a silent Active must be fenced
	HoldFenceFailed  = "fence-failed"  // the fence failed, and is tried again
	HoldInvalid      = "invalid"       // adverts without addresses, or with interval 0, arrive
)

// InstanceHolding reports that an instance could move, but waits.
type InstanceHolding struct {
	Stamp
	Virtual
	Reason string    // one of the reasons above
	Until  time.Time // the latest end of the wait, by the clock of the log; zero if it has no limit
}

func (InstanceHolding) Name() string { return "instance.holding" }

// Level returns Info, and Error if routers do not understand each other, or if no router serves.
func (e InstanceHolding) Level() Level {
	if e.Reason == HoldVersion || e.Reason == HoldSkew || e.Reason == HoldInvalid || e.Reason == HoldFenceFailed {
		return Error
	}
	return Info
}

func (e InstanceHolding) Message() string {
	switch e.Reason {
	case HoldFence:
		return fmt.Sprintf("%s waits: its Active fell silent and must be fenced before the takeover", e.Virtual.Name)
	case HoldFenceFailed:
		return fmt.Sprintf("%s stays backup: its Active is silent and the fence failed; the fence is tried again unless an advert is heard: correct its command as the line fence.ran says, or switch that router off by hand", e.Virtual.Name)
	case HoldVersion:
		return fmt.Sprintf("%s waits: adverts of another VRRP version arrive for its VRID; configure the same version on all its routers", e.Virtual.Name)
	case HoldSkew:
		return fmt.Sprintf("%s waits: authentic adverts of a router whose clock differs arrive for its VRID; synchronize the clocks of all its routers", e.Virtual.Name)
	case HoldInvalid:
		return fmt.Sprintf("%s waits: adverts without addresses or with interval 0 arrive for its VRID; correct the configuration of the router that sends them", e.Virtual.Name)
	}
	return fmt.Sprintf("%s waits: %s", e.Virtual.Name, cmp.Or(holds[e.Reason], e.Reason))
}

// holds describes the reasons for which an instance waits as long as everything is in order.
var holds = map[string]string{
	HoldGroup:        "another member of its group still hears its Active",
	HoldRecovery:     "its link has returned and has yet to show that it forwards",
	HoldPreemptDelay: "preempt_delay is not over, and an Active of lower priority is heard",
	HoldStartup:      "startup_delay is not over",
	HoldCheck:        "a check has no result yet",
}

func (e InstanceHolding) Fields() []Field {
	fields := append(e.Virtual.Fields(), Field{"reason", e.Reason})
	if !e.Until.IsZero() {
		fields = append(fields, Field{"until", e.Until})
	}
	return fields
}

// GroupCascade reports that resignations of a router on one member of the group now apply to
// another member, or no longer do (docs/architecture.md#cascade).
type GroupCascade struct {
	Stamp
	Group  string
	Source string // the router's address on the member where it resigned
	On     bool
	Why    string
}

func (GroupCascade) Name() string { return "group.cascade" }

// Level returns Warn if resignations no longer apply to other members.
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
	Done     string        // the consequence
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
	return fmt.Sprintf("the loop that controls %s hung for %v: %s: if the machine was not overloaded, report this with the log", e.Instance, e.Gap.Round(time.Millisecond), e.Done)
}

func (e EngineLease) Fields() []Field {
	return []Field{{"instance", e.Instance}, {"gap_us", e.Gap.Microseconds()}, {"done", e.Done}}
}
