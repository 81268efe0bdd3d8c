package machine

import (
	"net/netip"
	"time"

	"ripcord/pkg/deadline"
)

// A link that returns has carrier long before its segment forwards, if a switch
// keeps the port blocked for its spanning tree. Silence then says nothing of the
// Active. So the group stays in Fault, and listens, until the segments of all
// members that returned have proved themselves (docs/architecture.md#link-state).
//
// Only the return of a link asks for proof: not a start, where a router that
// serves late is worse, nor a fault of our own making or an address that came
// back, where the link forwarded all along. A loss that was over before it was
// read counts as a return, but not for an Active, which goes on and announces
// itself again, until it yields. An owner waits for nobody.

// recovery is the proof that a link which returned forwards, as far as it has come.
type recovery struct {
	back  time.Time // when it was seen to be usable again
	until time.Time // proof is not waited for longer
	// forwards: something came through the segment. The Active_Down_Timer began
	// anew then, since the silence before it proves nothing.
	forwards bool
	source   netip.Addr       // the Active that is heard
	adverts  int              // of it, since back
	ask      deadline.Backoff // of the stations
}

// The pauses between two questions to the stations of a segment, which double.
const (
	minAskPause = 100 * time.Millisecond
	maxAskPause = 500 * time.Millisecond
)

// newRecovery begins the recovery of a link, which lasts wait at most. Its Active advertises
// each interval, and the stations are first asked again before it is missed.
func newRecovery(now time.Time, wait, interval time.Duration) *recovery {
	return &recovery{back: now, until: now.Add(wait), ask: deadline.NewBackoff(now, min(minAskPause, interval))}
}

// prove notes that something came through the segment at the instant at, and reports whether
// that is the first proof. A packet that was received before the return proves nothing.
func (r *recovery) prove(at time.Time) bool {
	if r.forwards || at.Before(r.back) {
		return false
	}
	r.forwards = true
	return true
}

// count counts an advert of the current Active, and reports whether there were enough.
func (r *recovery) count(source netip.Addr, at time.Time, enough int) bool {
	if at.Before(r.back) {
		return false
	}
	if r.source != source {
		r.source, r.adverts = source, 0
	}
	r.adverts++
	return r.adverts >= enough
}

// over returns the instant at which the recovery is over if nothing more is heard: downAt, the
// end of the Active_Down_Timer, if the segment forwards.
func (r *recovery) over(downAt time.Time) time.Time {
	if !r.forwards || r.until.Before(downAt) {
		return r.until
	}
	return downAt
}

// asks reports whether the stations are to be asked now, and notes that they are.
func (r *recovery) asks(now time.Time) bool {
	if r.forwards || !r.ask.Due(now) {
		return false
	}
	r.ask.Tried(now, maxAskPause)
	return true
}
