package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// absorbStall judges a pause of our own: the Active that slept is silent and
// listens for one interval; a router that has taken over meanwhile keeps the addresses.
func (s *step) absorbStall(in vrrp.Stalled) {
	if s.stallAlone(s.member(in.Instance), in.Cause) {
		return
	}
	if s.f.state() != event.Active || s.f.listening != nil {
		return
	}
	var interval time.Duration
	for _, m := range s.f.members {
		interval = max(interval, m.Instance.Interval)
	}
	s.report(event.EngineStalled{
		Stamp: s.stamp(in.Cause), Instance: in.Instance, Gap: in.Gap, Done: "silent and listening for one interval",
	})
	s.f.listening = &stall{cause: in.Cause, since: in.Cause.At.Add(-in.Gap), until: in.Cause.At.Add(interval)}
	for _, m := range s.f.members {
		since := s.f.listening.since
		if m.others.Best.Source.IsValid() && m.others.Best.At.After(since) {
			s.yieldAfterStall(m, m.others.Best.Interval)
			return
		}
		if i := &m.others.Incompatible; i.At.After(since) && m.Priority != vrrp.Owner {
			s.yieldAfterStall(m, i.Interval)
			i.Hold()
			return
		}
	}
}

// absorbSlept judges a time in which the whole router stood still. An Active that missed as
// many of its own adverts as others wait for listens first, as where the engine alone
// stalled; a Backup may have lost adverts of the Active, and gives it time.
func (s *step) absorbSlept(in vrrp.Slept) {
	if s.f.state() != event.Active {
		s.giveTime(in.Gap)
		s.sleptAlone(in)
		return
	}
	for _, m := range s.f.members {
		if in.Gap > time.Duration(m.Miss)*m.Instance.Interval {
			s.absorbStall(vrrp.Stalled{Cause: in.Cause, Instance: m.Name, Gap: in.Gap})
			return
		}
	}
}

// giveTime lets a group that waits, and did not run for gap, wait for at least one interval
// and Skew_Time more: adverts that the Active sent meanwhile may have been lost
// (docs/architecture.md#lease). It reports whether it does. A second time in a row the
// silence counts, else a daemon that sleeps again and again would never take over.
func (s *step) giveTime(gap time.Duration) bool {
	f := s.f
	if !f.waiting() || gap <= f.shortest() || f.ownerWait != nil || f.graceGiven {
		return false
	}
	given := false
	for _, m := range f.members {
		if at := s.now.Add(m.interval + m.skew()); at.After(m.downAt) {
			m.downAt, given = at, true
		}
	}
	if !given {
		return false
	}
	f.unverify()
	f.graceGiven = true
	s.reportGrace(gap)
	return true
}

// reportGrace logs that the Active is given more time, since this process did not run for gap.
func (s *step) reportGrace(gap time.Duration) {
	s.report(event.EngineStalled{
		Stamp: s.stamp(event.Cause{}), Instance: s.f.members[0].Name, Gap: gap,
		Done: "the Active gets one interval and Skew_Time more",
	})
}

// yieldAfterStall yields to the rival that was heard after a stall. The waits begin
// now: what it sent during the stall is old, and more of it is to be read. Its
// adverts come each interval.
func (s *step) yieldAfterStall(m *member, interval time.Duration) {
	m.interval = interval
	s.yield(trigger{event.StalledLoop, m, s.f.listening.cause})
	s.f.delayPreemption(s.now)
	s.silent = true
}

// endListening goes on as Active when nobody was heard after a stall.
func (s *step) endListening() {
	if l := s.f.listening; l != nil && !s.now.Before(l.until) {
		s.f.listening = nil
		s.reannounce(l.cause)
	}
}

// yield begins the waits of all members anew (RFC 9568 §6.4.3).
func (s *step) yield(why trigger) {
	for _, m := range s.f.members {
		m.renew(s.now)
	}
	s.f.unverify()
	s.recoverFlapped()
	s.why = why
}

// absorbLease goes back to Backup after the engine resigned without the loop, which hung.
func (s *step) absorbLease(in vrrp.LeaseLost) {
	if s.stallAlone(s.member(in.Instance), in.Cause) {
		return
	}
	if s.f.state() != event.Active {
		return
	}
	s.yield(trigger{event.StalledLoop, s.member(in.Instance), in.Cause})
	s.f.delayPreemption(s.now)
	s.silent = true
}
