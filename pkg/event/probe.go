package event

import (
	"fmt"
	"net/netip"
	"time"
)

// ProbeDead reports that the machine of the Active does not answer any more, so that its group
// moves without waiting for missing adverts (docs/probe.md).
type ProbeDead struct {
	Stamp
	Virtual
	Active netip.Addr
	// Answers of Asked questions it had answered before; then Unanswered in a row it did not,
	// for Silent.
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

// ProbeFailed reports that answers cannot be heard, so that no machine is watched.
type ProbeFailed struct {
	Stamp
	Err string
}

func (ProbeFailed) Name() string { return "probe.failed" }

func (ProbeFailed) Level() Level { return Error }

func (e ProbeFailed) Message() string {
	return "no machine of an Active is watched (`probe`): " + e.Err + "; it is tried again each 10 s"
}

func (e ProbeFailed) Fields() []Field { return []Field{{"error", e.Err}} }

// ProbeSuspended reports that an Active was taken for dead and was not: it is not watched until
// an instant.
type ProbeSuspended struct {
	Stamp
	Virtual
	Active netip.Addr
	Until  time.Time
	Why    string // how it shows that it lives
}

func (ProbeSuspended) Name() string { return "probe.suspended" }

func (ProbeSuspended) Level() Level { return Error }

func (e ProbeSuspended) Message() string {
	return fmt.Sprintf("%s, Active of %s, was taken for dead and is not, since %s: the probe is off for it until %s; if that comes again, give probe a longer interval or a greater miss, or leave it out",
		e.Active, e.Virtual.Name, e.Why, e.Until.Format(time.RFC3339))
}

func (e ProbeSuspended) Fields() []Field {
	return append(e.Virtual.Fields(), Field{"active_address", e.Active.String()}, Field{"until", e.Until}, Field{"why", e.Why})
}
