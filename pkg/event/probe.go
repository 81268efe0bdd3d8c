package event

import (
	"fmt"
	"net/netip"
	"time"
)

// ProbeDead reports that the machine of the Active no longer answers, so that its group moves
// without waiting for missing adverts (docs/probe.md).
type ProbeDead struct {
	Stamp
	Virtual
	Active netip.Addr
	// The machine had answered Answers of the last Asked questions; then it left Unanswered
	// questions in a row without an answer, for the time Silent.
	Answers, Asked, Unanswered int
	Silent                     time.Duration
}

func (ProbeDead) Name() string { return "probe.dead" }

func (ProbeDead) Level() Level { return Warn }

func (e ProbeDead) Message() string {
	return fmt.Sprintf("the machine of %s, Active of %s, is dead: it has not answered %d questions in %v, nor advertised, and answered %d of %d before",
		e.Active, e.Virtual.Name, e.Unanswered, e.Silent.Round(time.Millisecond), e.Answers, e.Asked)
}

func (e ProbeDead) Fields() []Field {
	return append(e.Virtual.Fields(),
		Field{"active_address", e.Active.String()}, Field{"answers", e.Answers}, Field{"asked", e.Asked}, Field{"unanswered", e.Unanswered},
		Field{"silent_us", e.Silent.Microseconds()})
}

// ProbeFailed reports that answers cannot be received, so that no machine is watched.
type ProbeFailed struct {
	Stamp
	Err string
}

func (ProbeFailed) Name() string { return "probe.failed" }

func (ProbeFailed) Level() Level { return Error }

func (e ProbeFailed) Message() string {
	return "no machine of an Active is watched (`probe`): " + e.Err + "; it is tried again every 10 s"
}

func (e ProbeFailed) Fields() []Field { return []Field{{"error", e.Err}} }

// ProbeSuspended reports that an Active counted as dead although it was alive: it is not watched
// until an instant.
type ProbeSuspended struct {
	Stamp
	Virtual
	Active netip.Addr
	Until  time.Time
	Why    string // the proof that it is alive
}

func (ProbeSuspended) Name() string { return "probe.suspended" }

func (ProbeSuspended) Level() Level { return Error }

func (e ProbeSuspended) Message() string {
	return fmt.Sprintf("%s, Active of %s, counted as dead but is alive, since %s: the probe is off for it until %s; if this happens again, give probe a longer interval or a greater miss, or remove it",
		e.Active, e.Virtual.Name, e.Why, e.Until.Format(time.RFC3339))
}

func (e ProbeSuspended) Fields() []Field {
	return append(e.Virtual.Fields(), Field{"active_address", e.Active.String()}, Field{"until", e.Until}, Field{"why", e.Why})
}
