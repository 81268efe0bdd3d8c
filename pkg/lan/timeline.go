package lan

import (
	"sort"
	"time"
)

// Answer is a station's answer that the address is at its MAC.
type Answer struct {
	At  time.Time // when the kernel received it
	MAC MAC
}

// Timeline holds the questions and answers of a Watch, in order of time. An answer belongs to the
// last question before it, so the questions must not follow each other faster than the answers.
type Timeline struct {
	Asked   []time.Time
	Answers []Answer
}

// Gap is a time in which no station answered: from the last answer before at least one unanswered
// question to the first answer after it.
type Gap struct {
	From, To   time.Time
	Unanswered int // number of questions
}

// Length returns the outage as the asking host saw it, no finer than the time between two
// questions; 0 for no gap.
func (g Gap) Length() time.Duration { return g.To.Sub(g.From) }

// Gaps returns the outages after since. One that was under way at since begins there. One that is
// not over ends with the last question, unless that is its only question, whose answer may be on
// its way.
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

// LongestGap returns the longest of the Gaps after since, or the zero Gap if there is none.
func (t Timeline) LongestGap(since time.Time) Gap {
	var longest Gap
	for _, g := range t.Gaps(since) {
		if g.Length() > longest.Length() {
			longest = g
		}
	}
	return longest
}

// First returns the first answer of a station after since.
func (t Timeline) First(mac MAC, since time.Time) (Answer, bool) {
	for _, a := range t.Answers {
		if a.MAC == mac && a.At.After(since) {
			return a, true
		}
	}
	return Answer{}, false
}

// Last returns the last answer of a station.
func (t Timeline) Last(mac MAC) (Answer, bool) {
	for i := len(t.Answers) - 1; i >= 0; i-- {
		if t.Answers[i].MAC == mac {
			return t.Answers[i], true
		}
	}
	return Answer{}, false
}

// Both returns the questions that more than one station answered: the moments of a split brain.
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

// answers returns the answers to question i.
func (t Timeline) answers(i int) []Answer {
	after := func(at time.Time) int {
		return sort.Search(len(t.Answers), func(j int) bool { return !t.Answers[j].At.Before(at) })
	}
	if i+1 < len(t.Asked) {
		return t.Answers[after(t.Asked[i]):after(t.Asked[i+1])]
	}
	return t.Answers[after(t.Asked[i]):]
}
