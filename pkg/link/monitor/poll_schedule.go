package monitor

import (
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
)

// schedule is the list of questions that one goroutine asks in turn, each at its own period, or at
// a longer one if asking costs too much.
type schedule struct {
	observer  *observer
	costs     costs
	questions []question
}

// question is a question with its period and the time at which it is asked next.
type question struct {
	link.Poll
	due      time.Time
	current  time.Duration // the period in effect; 0: the question was not asked yet
	reported reportedPeriod
}

// newSchedule returns an empty schedule whose periods are stretched to longest at most.
func newSchedule(o *observer, longest time.Duration) schedule {
	return schedule{observer: o, costs: newCosts(longest)}
}

// plan takes over the questions to ask: a question that stays keeps its due time, a new one is due
// now.
func (s *schedule) plan(polls []link.Poll) {
	old := s.questions
	type key struct {
		id     uint64
		source event.Source
	}
	before, asked := make(map[key]*question, len(old)), make(map[uint64]bool, len(polls))
	for i := range old {
		before[key{old[i].ID, old[i].Source}] = &old[i]
	}
	s.questions = make([]question, len(polls))
	for i, poll := range polls {
		s.questions[i] = question{Poll: poll, reported: reportedPeriod{period: poll.Every}}
		if o := before[key{poll.ID, poll.Source}]; o != nil && o.Every == poll.Every {
			s.questions[i].due, s.questions[i].current, s.questions[i].reported = o.due, o.current, o.reported
		}
		asked[poll.ID] = true
	}
	s.costs.retain(func(id uint64) bool { return asked[id] })
	for i := range old {
		if !asked[old[i].ID] {
			s.setPeriod(&old[i], 0, "")
		}
	}
}

// askDue asks all questions that are due, and those that will be due within an eighth of their
// period, so that all share their wake-ups. It returns when the next one is due. A schedule that
// falls behind skips turns.
func (s *schedule) askDue(now time.Time, ask func(link.Poll)) time.Time {
	load := 0.0
	for i := range s.questions {
		load += s.costs.load(s.questions[i].ID, s.questions[i].Every)
	}
	next, begun := now.Add(idle), now
	for i := range s.questions {
		q := &s.questions[i]
		if q.due.Sub(now) <= q.Every/8 {
			ask(q.Poll)
			done := time.Now()
			s.costs.record(q.ID, done.Sub(begun))
			begun = done
			every := s.costs.stretch(q.Every, load)
			q.due = nextDue(now, every)
			s.report(q, every, done)
		}
		if q.due.Before(next) {
			next = q.due
		}
	}
	return next
}

// together makes all questions due now, so that those of one period share their wake-ups.
func (s *schedule) together() {
	for i := range s.questions {
		s.questions[i].due = time.Time{}
	}
}

// period returns the period in effect; false unless all questions have the same one, and none is
// stretched.
func (s *schedule) period() (every time.Duration, one bool) {
	for i := range s.questions {
		q := &s.questions[i]
		if q.current != q.Every || q.Every != s.questions[0].Every {
			return 0, false
		}
		every = q.Every
	}
	return every, every > 0
}

// nextDue returns when a question that was asked now is due again. Questions with a period of a second
// or more share their wake-ups with the other parts of the daemon.
func nextDue(now time.Time, every time.Duration) time.Time {
	if every < time.Second {
		return now.Add(every)
	}
	return deadline.Coalesce(now, every)
}

// report reports a changed period: always to the table, and to the log if it differs much and for
// long.
func (s *schedule) report(q *question, every time.Duration, at time.Time) {
	switch {
	case q.reported.update(at, every, q.Every):
		s.setPeriod(q, every, whyPeriod(q.Every, every, s.costs.average[q.ID]))
	case every != q.current:
		s.setPeriod(q, every, "")
	}
}

func (s *schedule) setPeriod(q *question, every time.Duration, why string) {
	q.current = every
	s.observer.observe(link.PeriodChanged{
		Source: q.Source, Index: q.Index, Birth: q.ID, Every: every, Stretched: !nearly(every, q.Every), Why: why,
	}, time.Now())
}
