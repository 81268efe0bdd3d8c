package story

import (
	"slices"
	"time"
)

// maxOpen is the maximum number of incomplete stories of a Builder: if there are more, the oldest
// one is returned.
const maxOpen = 1000

// Builder builds stories from lines. A story is complete when no line of it has arrived for
// Quiet.
type Builder struct {
	Quiet time.Duration

	open  map[string]*Story
	order []*Story // in the order of their first lines
	clock time.Time
}

// Add adds a line, and returns the stories that are complete by its time.
func (b *Builder) Add(l Line) []Story {
	if l.At.After(b.clock) {
		b.clock = l.At
	}
	s := b.open[l.Trace]
	if s == nil {
		s = &Story{Trace: l.Trace}
		b.order = append(b.order, s)
		if l.Trace != "" { // without a trace each line is a story of its own
			if b.open == nil {
				b.open = map[string]*Story{}
			}
			b.open[l.Trace] = s
		}
	}
	s.add(l)
	return b.take(func(s *Story) bool { return b.clock.Sub(s.last) >= b.Quiet })
}

// Rest returns all stories that have not been returned yet.
func (b *Builder) Rest() []Story { return b.take(func(*Story) bool { return true }) }

// take removes the stories that are done, and returns those of interest to a person.
func (b *Builder) take(done func(*Story) bool) (taken []Story) {
	excess := len(b.order) - maxOpen
	b.order = slices.DeleteFunc(b.order, func(s *Story) bool {
		if excess--; excess < 0 && !done(s) {
			return false
		}
		delete(b.open, s.Trace)
		if s.worth() {
			s.sort()
			taken = append(taken, *s)
		}
		return true
	})
	return taken
}
