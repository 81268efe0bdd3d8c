package link

import "time"

// Hints describes whether the kernel reports changes of its carrier flags through pkg/hint.
type Hints struct {
	Attachment string // how the programs are attached, as "fentry"; empty if they are not
	Why        string // why they are not attached
}

// hints records whether a report of pkg/hint comes with each loss of one link. If so, asking at a
// high rate finds no loss earlier.
type hints struct {
	trust trust
	// flagged reports whether the driver answers from the kernel's flag alone.
	flagged bool
	pending bool      // a hint has come, and the link has not been asked since
	last    time.Time // when the kernel last reported a change
	// missed is when asking showed a loss before any hint of it; zero if there was no such loss, or
	// if it is settled.
	missed time.Time
}

// hintLasts is how long a hint may take from the kernel. The notification that somebody set the
// link down may take as long; that is not a loss for which a hint was due.
const hintLasts = 20 * time.Millisecond

// hear records that the kernel reported a change at an instant.
func (h *hints) hear(at time.Time) (settled bool) {
	h.last = at
	if h.missed.IsZero() || !h.flagged {
		return false
	}
	settled = at.Sub(h.missed) < hintLasts // the question was asked while the hint was under way
	if settled {
		h.missed = time.Time{}
	}
	return settled
}

// flag records that the driver answers from the kernel's flag.
func (h *hints) flag() (settled bool) {
	settled = h.trust == unproven
	h.flagged = true
	if settled {
		h.trust = proven
	}
	return settled
}

// compare compares the confirmer's answer, and the time of its previous answer, with the hints. It
// reports whether the period has to change.
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

// describe compares a description of the link with the previous one: changes by an admin prove
// nothing.
func (h *hints) describe(was, now Seen) {
	if was.AdminUp != now.AdminUp {
		h.missed = time.Time{}
	}
}

// suffice reports whether, as far as is known, a hint comes with each loss.
func (h *hints) suffice() bool { return h.trust == proven && h.missed.IsZero() }
