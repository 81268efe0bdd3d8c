package machine

import (
	"fmt"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// meet notes the sender of a valid advert, and warns if it is a third router.
func (s *step) meet(m *member, h vrrp.Heard) {
	if m.Routers != 2 {
		return
	}
	before, third := m.company.Meet(h.Source, h.Cause.At)
	if !third {
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
		if !m.company.Leave(s.now, m.Routers == 2) {
			continue
		}
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
		if m.Routers != 2 || m.company.Crowded() {
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
