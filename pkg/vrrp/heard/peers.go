package heard

import (
	"net/netip"
	"time"
)

// Skew_Time lets several Backups take over in order: the best one goes first, and its advert
// stops the others (RFC 9568 §6.1). A virtual router that consists of two routers has only one
// Backup, which need not wait for another once the Active has resigned, or has lowered its own
// priority below the Backup's (`routers: 2`). A third router that is heard proves that
// configuration wrong, and Skew_Time applies again for a while. If there is a third router that
// is never heard, there are two Actives until the first advert of the better one has arrived
// (docs/protocol.md#two-routers).
//
// A router that changes its address looks like a third router: its former address falls silent,
// but so does an Active that yields to a third router. Adverts show no difference: they are
// received without the MAC of their sender, and from virtual MACs, all routers have the same. The
// mistake costs one Skew_Time, so such a router counts as a third one.

// Peers are the other routers of a virtual router that is configured to consist of two.
type Peers struct {
	// last is the last router that was heard; zero before the first.
	last netip.Addr
	// thirdUntil is the instant until which a third router counts as present; zero if none
	// was heard.
	thirdUntil time.Time
}

// thirdFor is how long a third router counts as present after it was heard.
const thirdFor = time.Hour

// Observe records the sender of a valid advert that was received at the instant at. If the sender
// and the router heard before prove that there is a third one, and none counted as present yet,
// it returns that other router and true.
func (p *Peers) Observe(source netip.Addr, at time.Time) (before netip.Addr, third bool) {
	if source == p.last {
		return before, false
	}
	if before, p.last = p.last, source; !before.IsValid() {
		return before, false
	}
	third = !p.ThirdPresent()
	p.thirdUntil = at.Add(thirdFor)
	return before, third
}

// Only returns the only other router; zero if none was heard yet, or if a third one counts as
// present.
func (p *Peers) Only() netip.Addr {
	if p.ThirdPresent() {
		return netip.Addr{}
	}
	return p.last
}

// ThirdPresent reports whether a third router counts as present.
func (p *Peers) ThirdPresent() bool { return !p.thirdUntil.IsZero() }

// Deadline returns the instant from which a third router no longer counts as present; zero if
// none does.
func (p *Peers) Deadline() time.Time { return p.thirdUntil }

// Expire ends the time in which a third router counts as present if it is over, or if the
// configuration allows more than two. It reports whether it did.
func (p *Peers) Expire(now time.Time, two bool) bool {
	if !p.ThirdPresent() || two && now.Before(p.thirdUntil) {
		return false
	}
	p.thirdUntil = time.Time{}
	return true
}
