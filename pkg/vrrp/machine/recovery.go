package machine

import (
	"net/netip"
	"time"

	"ripcord/pkg/deadline"
)

// A link that returns has carrier long before its segment forwards, if a switch keeps the port
// blocked for its spanning tree. Silence then proves nothing about the Active. So the group stays
// in Fault, and listens, until the segments of all members whose links returned have proved that
// they forward (docs/architecture.md#link-state).
//
// Only the return of a link asks for proof: not a start, where a router that serves late is
// worse, nor the end of a fault of our own adverts or of a missing address, since the link
// forwarded all along. A loss that was over before it was read counts as a return, but an Active
// goes on and announces its addresses again; for it the recovery begins when it yields. An owner
// waits for no other router.

// recovery is the progress of the proof that the segment of a returned link forwards.
type recovery struct {
	back  time.Time // when it was seen to be usable again
	until time.Time // when the wait for proof ends
	// forwards: a packet came through the segment. The Active_Down_Timer was restarted then,
	// since the silence before it proves nothing.
	forwards bool
	source   netip.Addr       // the Active that is heard
	adverts  int              // adverts of source since back
	ask      deadline.Backoff // when the stations are asked again
}

// The pauses between two questions to the stations of a segment double from minAskPause to
// maxAskPause.
const (
	minAskPause = 100 * time.Millisecond
	maxAskPause = 500 * time.Millisecond
)

// newRecovery begins the recovery of a link, which lasts wait at most. The Active advertises
// every interval, and the stations are first asked again before one of its adverts is missed.
func newRecovery(now time.Time, wait, interval time.Duration) *recovery {
	return &recovery{back: now, until: now.Add(wait), ask: deadline.NewBackoff(now, min(minAskPause, interval))}
}

// prove records that a packet came through the segment at the instant at, and reports whether
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

// over returns the instant at which the recovery is over if nothing more is heard: if the segment
// forwards that is downAt, the end of the Active_Down_Timer.
func (r *recovery) over(downAt time.Time) time.Time {
	if !r.forwards || r.until.Before(downAt) {
		return r.until
	}
	return downAt
}

// asks reports whether the stations must be asked now, and records that they are.
func (r *recovery) asks(now time.Time) bool {
	if r.forwards || !r.ask.Due(now) {
		return false
	}
	r.ask.Tried(now, maxAskPause)
	return true
}
