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
	due     time.Time
	current time.Duration // the period in effect; 0: not asked yet
	told    telling
}

// replan takes over whom to ask: who stays keeps its due time, who is new is
// due now.
func (r *round) replan(polls []Poll) {
	old := r.plan
	type key struct {
		birth  uint64
		source event.Source
	}
	before, asked := make(map[key]*turn, len(old)), make(map[uint64]bool, len(polls))
	for i := range old {
		before[key{old[i].ID, old[i].Source}] = &old[i]
	}
	r.plan = make([]turn, len(polls))
	for i, poll := range polls {
		r.plan[i] = turn{Poll: poll, told: telling{period: poll.Every}}
		if o := before[key{poll.ID, poll.Source}]; o != nil && o.Every == poll.Every {
			r.plan[i].due, r.plan[i].current, r.plan[i].told = o.due, o.current, o.told
		}
		asked[poll.ID] = true
	}
	r.pace.forget(func(birth uint64) bool { return asked[birth] })
	for i := range old {
		if !asked[old[i].ID] {
			r.show(&old[i], 0, "")
		}
	}
}

// sweep asks all that are due, and with them who will be within an eighth of
// its period, so that all share their wake-ups. It returns when the next is due.
// Who falls behind skips turns.
func (r *round) sweep(now time.Time, ask func(Poll)) time.Time {
	load := 0.0
	for i := range r.plan {
		load += r.pace.load(r.plan[i].ID, r.plan[i].Every)
	}
	next, begun := now.Add(idle), now
	for i := range r.plan {
		t := &r.plan[i]
		if t.due.Sub(now) <= t.Every/8 {
			ask(t.Poll)
			done := time.Now()
			r.pace.took(t.ID, done.Sub(begun))
			begun = done
			every := r.pace.stretch(t.Every, load)
			t.due = now.Add(every)
			r.tell(t, every, done)
		}
		if t.due.Before(next) {
			next = t.due
		}
	}
	return next
}

// tell tells of a period that is another than before: the table always, people
// if it is news.
func (r *round) tell(t *turn, every time.Duration, at time.Time) {
	switch {
	case t.told.news(at, every, t.Every):
		r.show(t, every, because(t.Every, every, r.pace.costs[t.ID]))
	case every != t.current:
		r.show(t, every, "")
	}
}

func (r *round) show(t *turn, every time.Duration, news string) {
	t.current = every
	r.monitor.observe(Paced{Source: t.Source, Index: t.Index, Birth: t.ID, Every: every, Configured: t.Every, News: news}, time.Now())
}
