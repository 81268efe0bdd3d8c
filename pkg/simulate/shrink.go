package simulate

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// Which of the lines of a run show what is bad about it.

// badness returns how bad a result is, and whether that lasts until the end of the run.
type badness func(*Result) (bad time.Duration, lasts bool)

// outage returns the longest outage.
func outage(r *Result) (time.Duration, bool) {
	_, o, ok := r.WorstOutage()
	return o.Long(), ok && o.To == r.Length
}

// split returns the longest time with two Actives.
func split(r *Result) (time.Duration, bool) {
	_, s, ok := r.LongestSplit()
	return s.Long(), ok && s.To == r.Length
}

// tolerance is the part of an outage or split that a line has to be worth: 1/tolerance.
const tolerance = 100

// shrink returns the fewest of some lines that show something as bad or worse, but for the
// tolerance, with instants as round as they can be, and how bad it is then. What lasts until the
// end of the run where it did not before is something else: the end of a disturbance was left out.
func shrink(l *LAN, lines []string, of badness) ([]string, time.Duration, error) {
	s := shrinking{play: func(lines []string) (*Result, error) { return disturbed(l, lines) }, of: of, lasting: true}
	if len(lines) == 0 || !s.still(lines) {
		return lines, 0, s.err
	}
	lines = fewest(lines, s.still)
	for i := range lines {
		for _, step := range []time.Duration{5 * time.Second, time.Second, 100 * time.Millisecond} {
			if rounder := rounded(lines, i, step); rounder != nil && s.still(rounder) {
				lines = rounder
				break
			}
		}
	}
	lines = fewest(lines, s.still) // at other instants one of them may be of no use
	return lines, s.bad, s.err
}

// shrinking is a shrink under way.
type shrinking struct {
	play    func(lines []string) (*Result, error)
	err     error // the first: nothing is played after it
	of      badness
	bad     time.Duration // as it was last shown
	least   time.Duration // that lines have to show
	lasting bool          // it may last until the end of the run
}

// still reports whether some lines still show it, and notes how bad it is.
func (s *shrinking) still(lines []string) bool {
	if s.err != nil {
		return false
	}
	r, err := s.play(lines)
	if err != nil {
		s.err = err
		return false
	}
	bad, lasts := s.of(r)
	if bad < s.least || lasts && !s.lasting {
		return false
	}
	s.bad, s.least, s.lasting = bad, max(s.least, bad-bad/tolerance), lasts
	return true
}

// rounded returns lines of which one has a rounder instant; nil if that changes their order.
func rounded(lines []string, at int, step time.Duration) []string {
	exact, rest, _ := strings.Cut(lines[at], " ")
	d, _ := time.ParseDuration(exact)
	rounder := slices.Clone(lines)
	rounder[at] = d.Round(step).String() + " " + rest
	if !slices.IsSortedFunc(rounder, func(a, b string) int { return cmp.Compare(instantOf(a), instantOf(b)) }) {
		return nil
	}
	return rounder
}

// fewest returns the smallest part of some lines that will do, in their order; of parts of one
// size the first. None of them does where what is bad has another cause, and all of them do.
func fewest(lines []string, do func([]string) bool) []string {
	for size := range len(lines) {
		for chosen := range 1 << len(lines) {
			if bits.OnesCount(uint(chosen)) != size {
				continue
			}
			part := []string{}
			for i, line := range lines {
				if chosen&(1<<i) != 0 {
					part = append(part, line)
				}
			}
			if do(part) {
				return part
			}
		}
	}
	return lines
}
