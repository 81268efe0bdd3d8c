package vrrp

import (
	"time"

	"ripcord/pkg/event"
)

// Routers of VRRPv2 and VRRPv3 do not understand each other: each discards the
// adverts of the other (RFC 9568 §7.1), takes the silence for the end of the
// Active, and there are two. So a Backup for whose virtual router valid adverts
// of the other version come stays Backup, whatever their priority: on a LAN of
// mixed versions the first that serves goes on to, and both sides say so loudly.
// When none has come for an Active_Down_Interval, it goes on.
//
// Their priority 0 changes nothing: whoever resigns may have a Backup that goes
// Active. An Active does nothing but say it: the two cannot agree who is to
// yield, and if it did the other might as well. An owner is held back by nobody.
// Where an Active that we understand sends both versions (RFC 9568 §8.4), those
// of the other are ignored.

// foreign is what was heard of the other version.
type foreign struct {
	until time.Time // they count as there until then
	holds time.Time // until when a wait cannot end for them; past while Active
	said  time.Time
}

// foreignSaid is how often it is said as long as they come.
const foreignSaid = time.Minute

// absorbForeign takes a valid advert of the version that the member does not
// speak.
func (s *step) absorbForeign(m *member, h Heard) {
	s.prove(m.Interface, h.Cause.At)
	if h.Priority == 0 || m.known(s.now) && m.other.source == h.Source {
		return
	}
	f := &m.foreign
	say := !s.now.Before(f.until) || s.now.Sub(f.said) >= foreignSaid
	if until := h.Cause.At.Add(m.ActiveDownInterval(h.Interval)); until.After(f.until) {
		f.until = until
	}
	active := s.f.state() == event.Active
	if !active && m.Priority != Owner {
		f.holds = f.until
	}
	switch {
	case active:
		if say {
			f.said = s.now
			s.report(event.AdvertRival{
				Stamp: s.stamp(h.Cause), Virtual: m.Virtual, Source: h.Source, Priority: h.Priority, Version: h.Version.Number(),
			})
		}
	case s.f.waiting() && m.Priority != Owner:
		s.f.unverify()
		if say {
			f.said = s.now
			s.report(event.InstanceHolding{
				Stamp: s.stamp(h.Cause), Virtual: m.Virtual, Reason: event.HoldVersion, Until: f.until,
			})
		}
	}
}

// due is the end of the member's own wait: that of the Active_Down_Timer, and of
// the adverts of the other version.
func (m *member) due() time.Time {
	if m.foreign.holds.After(m.downAt) {
		return m.foreign.holds
	}
	return m.downAt
}
