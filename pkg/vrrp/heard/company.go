package heard

import (
	"net/netip"
	"time"
)

// Skew_Time is the time in which several Backups sort themselves out: the best one goes
// first, and its advert stops the others (RFC 9568 §6.1). Where a virtual router has two
// routers there is one Backup, which need not wait for anybody once the Active has
// resigned, or has lowered its own priority below the Backup's (`routers: 2`). A third
// router that is heard proves that wrong, and Skew_Time counts again for a while. One that
// is never heard costs two Actives for as long as the first advert of the better one takes
// to arrive (docs/protocol.md#two-routers).

// Company is the other routers of a virtual router that is configured to have two.
type Company struct {
	// peer is the last router that was heard; zero if none was yet.
	peer netip.Addr
	// crowdedUntil is the instant until which a third router counts as present; zero: none
	// was heard.
	crowdedUntil time.Time
}

// crowdedFor is how long a third router counts as present after it was heard.
const crowdedFor = time.Hour

// Meet notes the sender of a valid advert that was received at the instant at. It returns
// the router that was heard before if the two prove that there is a third, and that is news.
func (c *Company) Meet(source netip.Addr, at time.Time) (before netip.Addr, news bool) {
	if source == c.peer {
		return before, false
	}
	if before, c.peer = c.peer, source; !before.IsValid() {
		return before, false
	}
	news = !c.Crowded()
	c.crowdedUntil = at.Add(crowdedFor)
	return before, news
}

// Peer returns the only other router; zero if none was heard yet, or a third one counts as present.
func (c *Company) Peer() netip.Addr {
	if c.Crowded() {
		return netip.Addr{}
	}
	return c.peer
}

// Crowded reports whether a third router counts as present.
func (c *Company) Crowded() bool { return !c.crowdedUntil.IsZero() }

// Deadline returns the instant at which a third router does not count as present any more;
// zero if none does.
func (c *Company) Deadline() time.Time { return c.crowdedUntil }

// Leave ends the time for which a third router counts as present if it is over, or the
// configuration allows more than two. It reports whether it does.
func (c *Company) Leave(now time.Time, two bool) bool {
	if !c.Crowded() || two && now.Before(c.crowdedUntil) {
		return false
	}
	c.crowdedUntil = time.Time{}
	return true
}
