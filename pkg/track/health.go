package track

import "time"

// Health is the state of a check, derived from its results. It is a value and has no clock.
type Health struct {
	rise, fall int // at least 1
	state      State
	since      time.Time // when state began
	// against counts the results in a row that contradict state. It stays below rise while state is
	// Down, and below fall while state is Up.
	against int
	// assumed reports whether state is one that the configuration assumes (Pass) and that no
	// result has confirmed yet.
	assumed bool
}

// NewHealth returns the health of a check that starts.
func NewHealth(s *Spec, now time.Time) Health {
	h := Health{since: now, state: [...]State{Wait: Waiting, Pass: Up, Fail: Down, Neutral: Waiting}[s.Initial], assumed: s.Initial == Pass}
	h.Adopt(s)
	return h
}

// State returns the state.
func (h *Health) State() State { return h.state }

// Settled reports whether the last result agrees with the state, so that another one like it
// changes nothing.
func (h *Health) Settled() bool { return h.state != Waiting && !h.assumed && h.against == 0 }

// Adopt takes over rise and fall of a configuration. Results counted so far stay counted.
func (h *Health) Adopt(s *Spec) { h.rise, h.fall = max(s.Rise, 1), max(s.Fall, 1) }

// Update records a result that was known at now and reports whether the state changed. The first
// result of a check whose state is unknown, or that passes only by assumption, decides alone: a
// service that was dead at the start must not count as good for fall results.
func (h *Health) Update(pass bool, now time.Time) (changed bool) {
	to, needed := Down, h.fall
	if pass {
		to, needed = Up, h.rise
	}
	if h.state == Waiting || h.assumed {
		needed = 1
	}
	if h.assumed = false; h.state == to {
		h.against = 0
		return false
	}
	if h.against++; h.against < needed {
		return false
	}
	h.state, h.since, h.against = to, now, 0
	return true
}
