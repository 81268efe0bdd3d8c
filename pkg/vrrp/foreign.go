package vrrp

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

// Routers of VRRPv2 and VRRPv3 do not understand each other: each discards the
// adverts of the other (RFC 9568 §7.1), takes the silence for the end of the
// Active, and there are two. So do routers that sign their adverts and whose
// clocks are apart. So a Backup for whose virtual router valid adverts of the
// other version come, or authentic ones that are stale and prove that their
// sender is there (pkg/advert), stays Backup, whatever their priority: the first
// that serves goes on to, and both sides say so loudly. When none has come for an
// Active_Down_Interval, it goes on.
//
// Their priority 0 changes nothing: whoever resigns may have a Backup that goes
// Active. An Active does nothing but say it: the two cannot agree who is to
// yield, and if it did the other might as well. But one that slept gives way:
// whoever took over did not, and the clock of a machine that was paused is behind
// when it goes on. So does one whose sends fail. An owner is held back by nobody.
// Where an Active that we understand sends both versions (RFC 9568 §8.4), those of
// the other are ignored.

// foreign is what was heard of routers that do not understand us.
type foreign struct {
	until    time.Time // they count as there until then
	holds    time.Time // until when a wait cannot end for them; past while Active
	said     time.Time
	at       time.Time // when the last was heard, from whom
	source   netip.Addr
	interval time.Duration
}

// foreignSaid is how often it is said as long as they come.
const foreignSaid = time.Minute

// absorbForeign takes a valid advert of the version that the member does not
// speak, or one that is stale.
func (s *step) absorbForeign(m *member, h Heard) {
	if h.Interval <= 0 {
		h.Interval = m.Instance.Interval
	}
	s.prove(m.Interface, h.Cause.At)
	if h.Priority == 0 || !h.Stale && !h.Invalid && m.known(s.now) && m.other.source == h.Source {
		return
	}
	f := &m.foreign
	say := !s.now.Before(f.until) || s.now.Sub(f.said) >= foreignSaid
	if until := h.Cause.At.Add(m.ActiveDownInterval(h.Interval)); until.After(f.until) {
		f.until = until
	}
	f.at, f.source, f.interval = h.Cause.At, h.Source, h.Interval
	if s.f.listening != nil && m.Priority != Owner {
		s.giveWay(m, h.Interval)
	}
	active := s.f.state() == event.Active
	if !active && m.Priority != Owner {
		f.holds = f.until
	}
	switch {
	case active:
		if say {
			f.said = s.now
			s.report(rivalOf(m, h, s.stamp(h.Cause)))
		}
		s.judgeSends(m, h.Cause)
	case s.f.waiting() && s.failAgain(m, h.Cause):
	case s.f.waiting() && m.Priority != Owner:
		s.f.unverify()
		if say {
			f.said = s.now
			s.report(event.InstanceHolding{
				Stamp: s.stamp(h.Cause), Virtual: m.Virtual, Reason: h.holds(), Until: f.until,
			})
		}
	}
}

// believedAgain forgets that a sender was not understood.
func (f *foreign) believedAgain(source netip.Addr) {
	if f.source == source {
		*f = foreign{}
	}
}

// holds is for what an advert of these holds a Backup.
func (h Heard) holds() string {
	switch {
	case h.Stale:
		return event.HoldSkew
	case h.Invalid:
		return event.HoldInvalid
	}
	return event.HoldVersion
}

func rivalOf(m *member, h Heard, stamp event.Stamp) event.AdvertRival {
	e := event.AdvertRival{Stamp: stamp, Virtual: m.Virtual, Source: h.Source, Priority: h.Priority, Skewed: h.Stale, Invalid: h.Invalid}
	if !h.Stale && !h.Invalid {
		e.Version = h.Version.Number()
	}
	return e
}

// due is the end of the member's own wait: that of the Active_Down_Timer, and of
// the adverts that it does not believe.
func (m *member) due() time.Time {
	if m.foreign.holds.After(m.downAt) {
		return m.foreign.holds
	}
	return m.downAt
}
