package vrrp

import (
	"time"

	"ripcord/pkg/event"
)

// absorbRejoined begins the wait of a member anew whose adverts could not be heard.
// An address owner waits for nobody, and an Active for nothing.
func (s *step) absorbRejoined(in Rejoined) {
	m := s.member(in.Instance)
	if m == nil || m.Priority == Owner || !s.f.waiting() && !s.f.recovering() {
		return
	}
	m.renew(in.Cause.At)
	s.f.unverify()
}

// absorbCondition raises a fault for as long as the condition lasts that somebody
// else watches, and reports its begin and its end.
func (s *step) absorbCondition(in Condition) {
	m := s.member(in.Instance)
	if m == nil {
		return
	}
	key := faultKey{in.Instance, in.Reason}
	flt, on := s.f.faults[key]
	switch {
	case in.On && !on:
		s.raise(key, time.Time{}, because{in.Reason, m, in.Cause})
		flt = s.f.faults[key]
	case !in.On && on:
		s.clear(key, because{event.Recovered, m, in.Cause})
	}
	if in.On {
		flt.err = in.Err
		s.f.faults[key] = flt
	}
	if in.On != on {
		s.report(event.InstanceFault{
			Stamp: s.stamp(in.Cause), Virtual: m.Virtual, Reason: in.Reason, Err: in.Err, Over: !in.On,
		})
	}
}
