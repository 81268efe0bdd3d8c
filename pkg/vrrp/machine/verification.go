package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// verification is the last question to the verifiers, about a takeover that is due, and
// their answers. The zero value is that nobody was asked.
type verification struct {
	ticket    uint64
	trace     event.Trace
	about     time.Time // the takeover that is verified
	limit     time.Time // not waited for longer
	receiver  bool      // it has answered
	confirmer bool
}

// The bounds that docs/architecture.md#decisions gives in words.
const (
	verifyLead    = 5 * time.Millisecond   // how long before the takeover the verifiers are asked, at most
	verifyTimeout = 100 * time.Millisecond // how long a missing answer is waited for, at most
)

// answer notes that a verifier has answered a ticket, and all before it.
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

// of reports whether the verifiers were asked about the takeover at the instant at.
func (v *verification) of(at time.Time) bool { return v.about.Equal(at) }

// answered reports whether all verifiers have answered.
func (v *verification) answered() bool { return v.receiver && v.confirmer }

// over reports whether the takeover at the instant at is due, and verified as far as it
// will be: all have answered, or are waited for no longer.
func (v *verification) over(at, now time.Time) bool {
	return v.of(at) && !now.Before(at) && (v.answered() || !now.Before(v.limit))
}

// late returns how long this process did not run after the takeover at the instant at was
// due, the wait for its verifiers included; negative if it is not due yet.
func (v *verification) late(at, now time.Time) time.Duration {
	if v.of(at) && v.limit.After(at) {
		at = v.limit
	}
	return now.Sub(at)
}

// deadline returns the next instant that matters for the takeover at the instant at: to ask
// the verifiers, to move, or to move without the answers that did not come. The clock is the
// last Tick.
func (v *verification) deadline(at time.Time, lead time.Duration, clock time.Time) time.Time {
	switch {
	case !v.of(at):
		return at.Add(-lead)
	case v.answered() || clock.Before(at):
		return at
	}
	return v.limit
}
