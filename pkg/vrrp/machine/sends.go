package machine

import (
	"net/netip"
	"time"

	"ripcord/pkg/vrrp"
)

// An Active whose adverts its own kernel refuses (a firewall, a full queue) is
// silent to the others: one of them takes over, is healthy, and never hears us. If we
// went on, or tried again by becoming Active, we would take the clients away from it
// with each announcement. So such a router is in Fault (send-failed) for as long as it
// hears another Active, until it has proved that its adverts leave:
//
//   - The proof is one advert, the probe, that the kernel takes while we are in Fault
//     and hold no address. It bears priority 1, the least that there is, so that the
//     Active keeps its role (it answers by an advert of its own and announces its
//     addresses again, which repairs what we may have spoilt), and a Backup that may
//     preempt ignores it. Beside an Active of priority 1, which might lose a tie, it
//     bears priority 0: to an Active that is only a question to be answered. A probe
//     that is refused leaves nothing on the wire.
//   - The first probe comes after 10 s, each next one after twice the time before, at
//     most 5 min. A router that proves itself and fails again goes on from there.
//   - Where no Active is heard any more the fault ends without proof, since a limping
//     Active beats none. All waits begin anew then, so that a healthy Backup is first;
//     if an Active is heard meanwhile it is a fault again: a router that has failed
//     preempts nobody before it has proved itself.

// The hold-offs before a probe.
const (
	minProbePause = 10 * time.Second
	maxProbePause = 5 * time.Minute
)

// sends remembers whether a member's adverts leave.
type sends struct {
	refused map[netip.Addr]int // adverts in a row that the kernel refused, by destination; nil if none
	err     string             // of the last that was refused
	// unproven is set when sends failed beside another Active, until an advert has
	// left.
	unproven bool
	since    time.Time     // of the present fault
	holdOff  time.Duration // before the next probe
	probeAt  time.Time
	proved   time.Time // when an advert last ended unproven
}

// note records the outcome of an advert to one destination.
func (h *sends) note(in vrrp.Sends) {
	if in.InRow == 0 {
		if delete(h.refused, in.To); len(h.refused) == 0 {
			h.refused = nil
		}
		return
	}
	if h.refused == nil {
		h.refused = make(map[netip.Addr]int)
	}
	h.refused[in.To], h.err = in.InRow, in.Err
}

// refusedTo returns how many adverts in a row the kernel refused to send to a router: to its
// own address if there are unicast peers, else to the group.
func (h *sends) refusedTo(router netip.Addr, unicast bool) (most int) {
	if unicast {
		return h.refused[router]
	}
	for _, n := range h.refused {
		most = max(most, n)
	}
	return most
}

// fail notes that sends fail beside another Active. The probe comes after the hold-off.
func (h *sends) fail(now time.Time) {
	if !h.unproven && (h.proved.IsZero() || now.Sub(h.proved) >= maxProbePause) {
		h.holdOff = minProbePause
	}
	h.unproven, h.since = true, now
	if !h.probeAt.After(now) {
		h.probeAt = now.Add(h.holdOff)
	}
}

// describe returns the text of the fault send-failed.
func (h *sends) describe() string {
	return "another Active is heard, and adverts do not leave: " + h.err
}

// retryAt returns when the fault send-failed may end, or is probed, where other Actives are
// heard until some instant.
func (h *sends) retryAt(heardUntil time.Time) time.Time {
	at := h.probeAt
	if heardUntil.Before(at) {
		at = heardUntil
	}
	if at.Before(h.since) {
		return h.since // the Active has resigned
	}
	return at
}

// postpone puts a probe off that cannot be sent now.
func (h *sends) postpone(now time.Time) { h.probeAt = now.Add(h.holdOff) }

// probe notes that a probe is sent. The next one comes after twice the time before.
func (h *sends) probe(now time.Time) {
	h.holdOff = min(2*h.holdOff, maxProbePause)
	h.postpone(now)
}

// prove records that adverts leave again.
func (h *sends) prove(now time.Time) {
	if h.unproven {
		h.unproven, h.probeAt, h.proved = false, time.Time{}, now
	}
}
