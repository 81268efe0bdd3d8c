package link

import "time"

// Hints tells whether the kernel reports the changes of its carrier flags by pkg/hint.
type Hints struct {
	Way string // how the programs are attached, as "fentry"; empty where there are none
	Why string // why there are none
}

// hints tells, by what was seen of one link, whether a report of pkg/hint comes with each loss, so
// that asking often shows nothing sooner.
type hints struct {
	trust trust
	// flagged: its driver answers from the kernel's flag alone.
	flagged bool
	pending bool      // a hint has come, and the link has not been asked since
	last    time.Time // when the kernel last reported a change
	// missed is when a loss was seen by asking before any hint of it; zero if none was, or
	// it is settled.
	missed time.Time
}

// hintLasts is how long a hint may be on its way from the kernel, and the notification that
// somebody set the link down: that is no loss that a hint should have come with.
const hintLasts = 20 * time.Millisecond

// hear takes in that the kernel reported a change at an instant.
func (h *hints) hear(at time.Time) (settled bool) {
	h.last = at
	if h.missed.IsZero() || !h.flagged {
		return false
	}
	settled = at.Sub(h.missed) < hintLasts // the question was asked while the hint was on its way
	if settled {
		h.missed = time.Time{}
	}
	return settled
}

// flag takes in that the driver answers from the kernel's flag.
func (h *hints) flag() (settled bool) {
	settled = h.trust == unproven
	h.flagged = true
	if settled {
		h.trust = proven
	}
	return settled
}

// compare takes in the confirmer's answer, and when it answered before. It reports whether
// another period follows.
func (h *hints) compare(adminUp, changed bool, before time.Time, v *vote) (settled bool) {
	switch {
	case !adminUp, h.trust == refuted:
		return false
	case !h.missed.IsZero():
		if settled = v.at.Sub(h.missed) >= hintLasts; settled {
			h.trust, h.missed = refuted, time.Time{}
		}
	case !changed || !v.down:
	case h.last.After(before):
		settled = h.trust == unproven
		h.trust = proven
	default:
		h.missed, settled = v.at, true
	}
	return settled
}

// describe compares a description of the link with the one before: what an admin does to the
// link proves nothing.
func (h *hints) describe(was, now Seen) {
	if was.AdminUp != now.AdminUp {
		h.missed = time.Time{}
	}
}

// suffice reports whether a hint comes with each loss, as far as is known.
func (h *hints) suffice() bool { return h.trust == proven && h.missed.IsZero() }
