package daemon

import (
	"context"
	"time"

	"ripcord/pkg/event"
)

// alive is a part of the daemon that shows its progress.
type alive interface {
	Turns() uint64 // grows while the part does not hang
	Wake()         // makes it turn, if it sleeps
}

// watchdog watches the parts without which a router cannot work, and feeds the service manager's
// watchdog while all of them make progress: a process with one hanging part is not healthy, even if
// all others are.
type watchdog struct {
	parts  []watched
	limit  time.Duration // WatchdogSec of the unit; 0: there is none
	feed   func()
	report func(event.Event)
}

// watched is a part, with its last observed progress.
type watched struct {
	name string
	part alive

	turns uint64
	at    time.Time // when it last made progress
	hung  bool      // the hang was reported
}

const (
	hangLimit = 30 * time.Second // without a service manager
	looks     = 5                // per limit
)

// run watches until ctx ends.
func (w *watchdog) run(ctx context.Context) error {
	limit := w.limit
	if limit <= 0 {
		limit = hangLimit
	}
	every := limit / looks
	last := time.Now()
	w.credit(last)
	w.wake()
	return each(ctx, every, func() {
		now := time.Now()
		if now.Sub(last) > 2*every { // the whole process was stopped
			w.credit(now)
		}
		last = now
		if w.look(now, limit/2) && w.limit > 0 {
			w.feed()
		}
		w.wake()
	})
}

// credit counts all parts as healthy at the instant now.
func (w *watchdog) credit(now time.Time) {
	for i := range w.parts {
		w.parts[i].at = now
	}
}

// wake makes all parts turn, so that an idle part shows progress, too.
func (w *watchdog) wake() {
	for _, p := range w.parts {
		p.part.Wake()
	}
}

// look reports whether all parts have made progress since the last look, and reports those that
// have made none for the time limit.
func (w *watchdog) look(now time.Time, limit time.Duration) (progress bool) {
	progress = true
	for i := range w.parts {
		p := &w.parts[i]
		gap := now.Sub(p.at)
		switch turns := p.part.Turns(); {
		case turns != p.turns:
			if p.turns, p.at = turns, now; p.hung {
				p.hung = false
				w.report(event.DaemonHung{Stamp: event.Stamp{At: now}, Part: p.name, Gap: gap, Over: true})
			}
			continue
		case gap >= limit && !p.hung:
			p.hung = true
			w.report(event.DaemonHung{Stamp: event.Stamp{At: now}, Part: p.name, Gap: gap, Fed: w.limit > 0})
		}
		progress = false
	}
	return progress
}
