package lan

import (
	"sort"
	"time"
)

// Answer is a station's word that the address asked for is at its MAC.
type Answer struct {
	At  time.Time // when the kernel got it
	MAC MAC
}

// Timeline is what a Watch has asked and been answered, in the order of time.
// An answer belongs to the last question before it, so that the questions must
// not follow each other faster than answers come.
type Timeline struct {
	Asked   []time.Time
	Answers []Answer
}

// Gap is a time in which nobody served: from the last answer before at least
// one question that nobody answered, to the first answer after it.
type Gap struct {
	From, To   time.Time
	Unanswered int // questions
}

// Length is the outage as the asking host saw it, no finer than the time
// between two questions; 0 for no gap.
func (g Gap) Length() time.Duration { return g.To.Sub(g.From) }

// Gaps lists the outages after since. One that has begun at since begins then;
// one that is not over ends with the last question, if that is not the only
// one in it: an answer to that may be on its way.
func (t Timeline) Gaps(since time.Time) []Gap {
	var gaps []Gap
	last, unanswered := since, 0
	for i, asked := range t.Asked {
		answers := t.answers(i)
		if asked.Before(since) {
			if len(answers) > 0 && answers[len(answers)-1].At.After(last) {
				last = answers[len(answers)-1].At
			}
			continue
		}
		if len(answers) == 0 {
			unanswered++
			continue
		}
		if unanswered > 0 {
			gaps = append(gaps, Gap{From: last, To: answers[0].At, Unanswered: unanswered})
		}
		last, unanswered = answers[len(answers)-1].At, 0
	}
	if unanswered > 1 {
		gaps = append(gaps, Gap{From: last, To: t.Asked[len(t.Asked)-1], Unanswered: unanswered})
	}
	return gaps
}

// LongestGap is the longest of the Gaps after since; the zero Gap if there is
// none.
func (t Timeline) LongestGap(since time.Time) Gap {
	var longest Gap
	for _, g := range t.Gaps(since) {
		if g.Length() > longest.Length() {
			longest = g
		}
	}
	return longest
}

// First is the first answer of this station after since.
func (t Timeline) First(mac MAC, since time.Time) (Answer, bool) {
	for _, a := range t.Answers {
		if a.MAC == mac && a.At.After(since) {
			return a, true
		}
	}
	return Answer{}, false
}

// Last is the last answer of this station.
func (t Timeline) Last(mac MAC) (Answer, bool) {
	for i := len(t.Answers) - 1; i >= 0; i-- {
		if t.Answers[i].MAC == mac {
			return t.Answers[i], true
		}
	}
	return Answer{}, false
}

// Both lists the questions that more than one station answered: the moments of
// a split brain.
func (t Timeline) Both() []time.Time {
	var both []time.Time
	for i, asked := range t.Asked {
		answers := t.answers(i)
		for _, a := range answers {
			if a.MAC != answers[0].MAC {
				both = append(both, asked)
				break
			}
		}
	}
	return both
}

// answers are those to question i.
func (t Timeline) answers(i int) []Answer {
	after := func(at time.Time) int {
		return sort.Search(len(t.Answers), func(j int) bool { return !t.Answers[j].At.Before(at) })
	}
	if i+1 < len(t.Asked) {
		return t.Answers[after(t.Asked[i]):after(t.Asked[i+1])]
	}
	return t.Answers[after(t.Asked[i]):]
}
