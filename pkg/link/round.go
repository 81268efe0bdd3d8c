package link

import (
	"time"

	"ripcord/pkg/event"
)

// round is the links that one goroutine asks in turn, each in its own period,
// or a longer one where asking is dear.
type round struct {
	monitor *Monitor
	pace    *pace
	plan    []turn
}

// turn is a question and when it is asked next.
type turn struct {
	Poll
	due  time.Time
	told time.Duration // the period that was told last
}

// replan takes over whom to ask: who stays keeps its due time, who is new is
// due now.
func (r *round) replan(polls []Poll) {
	plan := make([]turn, len(polls))
	for i, poll := range polls {
		plan[i] = turn{Poll: poll, told: poll.Every}
		for _, old := range r.plan {
			if old.Birth == poll.Birth && old.Source == poll.Source && old.Every == poll.Every {
				plan[i].due, plan[i].told = old.due, old.told
			}
		}
	}
	r.plan = plan
	r.pace.forget(func(birth uint64) bool {
		for _, t := range plan {
			if t.Birth == birth {
				return true
			}
		}
		return false
	})
}

// sweep asks all that are due, and with them who will be within an eighth of
// its period, so that all share their wake-ups. It returns when the next is due.
// Who falls behind skips turns.
func (r *round) sweep(now time.Time, ask func(Poll)) time.Time {
	load := 0.0
	for i := range r.plan {
		load += r.pace.load(r.plan[i].Birth, r.plan[i].Every)
	}
	next, begun := now.Add(idle), now
	for i := range r.plan {
		t := &r.plan[i]
		if t.due.Sub(now) <= t.Every/8 {
			ask(t.Poll)
			done := time.Now()
			r.pace.took(t.Birth, done.Sub(begun))
			begun = done
			every := r.pace.stretch(t.Every, load)
			t.due = now.Add(every)
			r.tell(t, every)
		}
		if t.due.Before(next) {
			next = t.due
		}
	}
	return next
}

// tell logs a period that is another than before.
func (r *round) tell(t *turn, every time.Duration) {
	if !news(t.told, every, t.Every) {
		return
	}
	t.told = every
	r.monitor.post(posted{Outcome: Outcome{Events: []event.Event{event.LinkStretched{
		Stamp: event.Stamp{At: time.Now()}, Interface: t.Name, Period: every,
		Why: because(t.Every, every, r.pace.costs[t.Birth]), Restored: every == t.Every,
	}}}})
}
