package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// verification is the last question to the verifiers, about a takeover that is due, and their
// answers. The zero value means that no question was asked.
type verification struct {
	ticket    uint64
	trace     event.Trace
	about     time.Time // the takeover that is verified
	limit     time.Time // the answers are not waited for longer
	receiver  bool      // it has answered
	confirmer bool
}

// These bounds are explained in docs/architecture.md#decisions.
const (
	verifyLead    = 5 * time.Millisecond   // the maximum time before the takeover at which the verifiers are asked
	verifyTimeout = 100 * time.Millisecond // the maximum wait for a missing answer
)

// answer records that a verifier has answered a ticket, and all earlier ones.
func (v *verification) answer(ticket uint64, by vrrp.Verifier) {
	if v.ticket == 0 || ticket < v.ticket {
		return
	}
	switch by {
	case vrrp.Receiver:
		v.receiver = true
	case vrrp.Confirmer:
		v.confirmer = true
	}
}

// isAbout reports whether the verifiers were asked about the takeover at the instant at.
func (v *verification) isAbout(at time.Time) bool { return v.about.Equal(at) }

// answered reports whether all verifiers have answered.
func (v *verification) answered() bool { return v.receiver && v.confirmer }

// over reports whether the takeover at the instant at is due and its verification is over: all
// verifiers have answered, or are waited for no longer.
func (v *verification) over(at, now time.Time) bool {
	return v.isAbout(at) && !now.Before(at) && (v.answered() || !now.Before(v.limit))
}

// late returns how long after the takeover at the instant at was due, including the wait for its
// verifiers, this process runs; negative if it is not due yet.
func (v *verification) late(at, now time.Time) time.Duration {
	if v.isAbout(at) && v.limit.After(at) {
		at = v.limit
	}
	return now.Sub(at)
}

// deadline returns the next instant that matters for the takeover at the instant at: to ask the
// verifiers, to take over, or to take over without missing answers. The clock is the instant of
// the last Tick.
func (v *verification) deadline(at time.Time, lead time.Duration, clock time.Time) time.Time {
	switch {
	case !v.isAbout(at):
		return at.Add(-lead)
	case v.answered() || clock.Before(at):
		return at
	}
	return v.limit
}
