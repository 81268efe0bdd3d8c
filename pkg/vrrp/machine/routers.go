package machine

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// Skew_Time is the time in which several Backups sort themselves out: the best one goes
// first, and its advert stops the others (RFC 9568 §6.1). Where a virtual router has two
// routers there is one Backup, which need not wait for anybody once the Active has
// resigned, or has lowered its own priority below the Backup's (`routers: 2`). A third
// router that is heard proves that wrong, and Skew_Time counts again for a while. One that
// is never heard costs two Actives for as long as the first advert of the better one takes
// to arrive (docs/protocol.md#two-routers).

// company is the other routers of a virtual router, as far as they were heard.
type company struct {
	// peer is the last router that was heard; zero if none was yet.
	peer netip.Addr
	// crowdedUntil is the instant until which a third router counts as present; zero: none
	// was heard.
	crowdedUntil time.Time
}

// crowdedFor is how long a third router counts as present after it was heard.
const crowdedFor = time.Hour

// meet notes the sender of a valid advert, and warns if it is a third router.
func (s *step) meet(m *member, h vrrp.Heard) {
	if m.Routers != 2 || h.Source == m.company.peer {
		return
	}
	before := m.company.peer
	m.company.peer = h.Source
	if !before.IsValid() {
		return
	}
	known := !m.company.crowdedUntil.IsZero()
	if m.company.crowdedUntil = h.Cause.At.Add(crowdedFor); known {
		return
	}
	s.report(event.Warning{
		Stamp: s.stamp(h.Cause), Instance: m.Name, Reason: event.WarnThirdRouter,
		Text: fmt.Sprintf("%s and %s were heard, so with this router there are three, but the configuration says `routers: 2`: "+
			"remove it; for an hour the Skew_Time counts again", before, h.Source),
	})
}

// leaveCompany ends the time for which third routers count as present.
func (s *step) leaveCompany(in vrrp.Tick) {
	for _, m := range s.f.members {
		c := &m.company
		if c.crowdedUntil.IsZero() || m.Routers == 2 && s.now.Before(c.crowdedUntil) {
			continue
		}
		c.crowdedUntil = time.Time{}
		s.report(event.Warning{
			Stamp: s.stamp(in.Cause), Instance: m.Name, Reason: event.WarnThirdRouter, Over: true,
			Text: "no third router was heard for an hour, or the configuration allows more than two",
		})
	}
}

// onlyBackup reports whether no other Backup can be there that would have to be waited
// for, on any member.
func (f *facts) onlyBackup() bool {
	for _, m := range f.members {
		if m.Routers != 2 || !m.company.crowdedUntil.IsZero() {
			return false
		}
	}
	return true
}

// resignationWait returns how long a member waits once its Active has resigned, or fell
// below it: Skew_Time, unless the router is the only Backup.
func (f *facts) resignationWait(m *member) time.Duration {
	if f.onlyBackup() {
		return 0
	}
	return m.skew()
}
