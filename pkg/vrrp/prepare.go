package vrrp

import (
	"time"

	"ripcord/pkg/event"
)

// A takeover is decided some milliseconds before its instant, when the verifiers
// have answered; only what is heard until then can change it. So the engine is
// made ready for it and keeps the instant itself: the first advert need not wait
// for the timer to wake the loop, and the loop the engine. The state changes with
// the Tick at that instant, as ever. What makes the group wait longer disarms the
// engine; if that comes while the advert leaves, the engine resigns, and whoever
// yielded to it is Active again within its Skew_Time. What is received after the
// instant was received by an Active, though the loop may not have woken yet
// (router.Core).

// prepare arms and disarms the engine for what the facts now say, after in.
func (s *step) prepare(in Input) {
	f := s.f
	if f.armed.IsZero() && f.asked.ticket == 0 {
		return // as at each advert of the Active: nobody was asked, so nothing is decided
	}
	if f.state() == event.Active {
		f.armed = time.Time{} // the takeover replaces what was armed for it
		return
	}
	at := f.decided()
	if f.armed.Equal(at) && (at.IsZero() || !s.outdated()) {
		return
	}
	if !f.armed.IsZero() {
		cause := s.why.cause
		if h, ok := in.(Heard); ok {
			cause = h.Cause
		}
		for _, m := range f.members {
			s.emit(Disarm{cause, m.Instance})
		}
		f.armed = time.Time{}
	}
	if s.now.Before(at) {
		cause := s.takeoverReason(event.Cause{Trace: f.asked.trace, At: at}).cause
		for _, m := range f.members {
			s.emit(Arm{s.advert(m, cause), at})
		}
		f.armed = at
	}
}

// decided is the instant of the takeover that nothing but news can stop; zero if
// there is none.
func (f *facts) decided() time.Time {
	if at := f.takeover(); f.waiting() && !f.recovering() && f.asked.about.Equal(at) && f.answered() {
		return at
	}
	return time.Time{}
}

// outdated reports whether an advert that the engine has would be another now.
func (s *step) outdated() bool {
	for _, m := range s.f.members {
		if m.shown != m.look() {
			return true
		}
	}
	return false
}
