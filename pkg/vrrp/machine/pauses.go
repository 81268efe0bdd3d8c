package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// The process or the whole machine may stand still for a while: a virtual machine is paused, or
// the loop hangs (docs/architecture.md#lease). Other routers may have taken over meanwhile. So an
// Active that missed too many of its own adverts falls silent and listens for one interval. Each
// further pause restarts that interval: the router may have lost the only advert of a rival in it. If
// the engine has resigned without the loop, the group yields. A Backup may have lost adverts of the
// Active, and gives it more time.

// stall is a time in which the daemon did not run while Active.
type stall struct {
	cause event.Cause // At: when the daemon ran again
	since time.Time
	until time.Time // when listening ends
}

// covers reports whether a pause of gap that ended at an instant is this stall, reported by another
// part, and not a later one.
func (l *stall) covers(at time.Time, gap time.Duration) bool { return !at.Add(-gap).After(l.cause.At) }

// pauses is the part of a step that concerns pauses of this process.
type pauses struct{ *step }

// absorbStall handles a stall of this process: an Active that slept falls silent and listens for
// one interval; a router that has taken over meanwhile keeps the addresses.
func (s pauses) absorbStall(in vrrp.Stalled) {
	if s.stallAlone(s.f.members.find(in.Instance), in.Cause) {
		return
	}
	if s.f.state() != event.Active || s.f.listening != nil && s.f.listening.covers(in.Cause.At, in.Gap) {
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
	if s.yieldIfHeard() || !s.f.listening.until.After(s.now) {
		return
	}
	for _, m := range s.f.members { // the engine may have found no stall, or not for all members
		s.emit(vrrp.HoldBack{Cause: in.Cause, Instance: m.Instance, Until: s.f.listening.until})
	}
}

// yieldIfHeard yields if a rival was heard since the stall began. It reports whether it did.
func (s pauses) yieldIfHeard() bool {
	for _, m := range s.f.members {
		since := s.f.listening.since
		if best := &m.others.Best; best.Source.IsValid() && best.At.After(since) {
			m.unresigned.Hear(best.Advertiser(), true) // it may fall silent before its next advert
			s.yieldToRival(m, best.Interval)
			return true
		}
		if i := &m.others.Incompatible; i.At.After(since) && m.Priority != vrrp.Owner {
			s.yieldToRival(m, i.Interval)
			i.Hold()
			return true
		}
	}
	return false
}

// yieldToRival yields to the rival that member m has heard since a stall began. The waits begin
// now: adverts from during the stall are old, and more of them are yet to be read. The rival
// advertises every interval.
func (s pauses) yieldToRival(m *member, interval time.Duration) {
	m.interval = interval
	s.yieldSilently(trigger{event.StalledLoop, m, s.f.listening.cause})
}

// yieldSilently yields after a time in which this process did not run. Other routers may have
// taken over, so no priority 0 is sent.
func (s pauses) yieldSilently(why trigger) {
	s.yield(why)
	s.f.members.delayPreemption(s.now)
	s.silent = true
}

// endListening continues as Active when no rival was heard after a stall.
func (s pauses) endListening() {
	if l := s.f.listening; l != nil && !s.now.Before(l.until) {
		s.f.listening = nil
		s.reannounce(l.cause)
	}
}

// absorbLease goes back to Backup after the engine resigned without the loop, which hung. If only
// the worker took the loop for hung, the group resigns now: it advertises addresses that are
// released.
func (s pauses) absorbLease(in vrrp.LeaseLost) {
	by := s.f.members.find(in.Instance)
	if s.stallAlone(by, in.Cause) || s.f.state() != event.Active {
		return
	}
	why := trigger{event.StalledLoop, by, in.Cause}
	if in.Resigned {
		s.yieldSilently(why)
		return
	}
	s.yield(why)
	s.f.members.delayPreemption(s.now)
}

// absorbSlept handles a time in which the whole router stood still. An Active that missed as many
// of its own adverts as others wait for first listens, as it does when the engine alone stalled. If
// it listens already, it may have lost the advert that it listens for, however short the time was. A
// Backup may have lost adverts of the Active, and gives it more time.
func (s pauses) absorbSlept(in vrrp.Slept) {
	if s.f.state() != event.Active {
		s.giveTime(in.Gap)
		s.sleptAlone(in)
		return
	}
	for _, m := range s.f.members {
		if s.f.listening != nil || in.Gap > time.Duration(m.Miss)*m.Instance.Interval {
			s.absorbStall(vrrp.Stalled{Cause: in.Cause, Instance: m.Name, Gap: in.Gap})
			return
		}
	}
}

// sleptAlone handles a time in which the whole router stood still for gap, for members that serve
// alone or wait to.
func (s pauses) sleptAlone(in vrrp.Slept) {
	for _, m := range s.f.members {
		if s.f.servesAlone(m) && in.Gap > time.Duration(m.Miss)*m.Instance.Interval {
			s.stallAlone(m, in.Cause)
			return
		}
	}
	s.giveTimeAlone(in.Gap)
}

// stallAlone makes members cease to serve alone after a time in which the process did not run,
// because other routers may serve by now. It reports whether any member served alone.
func (s pauses) stallAlone(by *member, cause event.Cause) bool {
	if !s.f.anyAlone() {
		return false
	}
	s.f.endAlone(s.now)
	s.why, s.silent = trigger{event.StalledLoop, by, cause}, true
	return true
}
