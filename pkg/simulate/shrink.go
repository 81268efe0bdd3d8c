package simulate

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// This file reduces the lines of a run to those that are needed to reproduce an outage or split.

// badness returns the length of the worst outage or split of a result, and whether it lasts until
// the end of the run.
type badness func(*Result) (bad time.Duration, lasts bool)

// outage returns the longest outage.
func outage(r *Result) (time.Duration, bool) {
	_, o, ok := r.WorstOutage()
	return o.Long(), ok && o.To == r.Length
}

// split returns the longest split.
func split(r *Result) (time.Duration, bool) {
	_, s, ok := r.LongestSplit()
	return s.Long(), ok && s.To == r.Length
}

// tolerance is the reciprocal of the part of an outage or split that removing a line may cost.
const tolerance = 100

// shrink returns the fewest lines that reproduce an outage or split of the same length within the
// tolerance, with instants as round as possible, and its length. An outage or split that lasts
// until the end of the run and did not before is a different one: the line that ended the
// disturbance was removed.
func shrink(l *LAN, lines []string, of badness) ([]string, time.Duration, error) {
	s := shrinking{play: func(lines []string) (*Result, error) { return disturbed(l, lines) }, of: of, lasting: true}
	if len(lines) == 0 || !s.reproduces(lines) {
		return lines, 0, s.err
	}
	lines = fewest(lines, s.reproduces)
	for i := range lines {
		for _, step := range []time.Duration{5 * time.Second, time.Second, 100 * time.Millisecond} {
			if rounder := rounded(lines, i, step); rounder != nil && s.reproduces(rounder) {
				lines = rounder
				break
			}
		}
	}
	lines = fewest(lines, s.reproduces) // a line may have become superfluous at the new instants
	return lines, s.bad, s.err
}

// shrinking is the state of a call of shrink.
type shrinking struct {
	play    func(lines []string) (*Result, error)
	err     error // the first error; nothing is played after it
	of      badness
	bad     time.Duration // the badness of the last run that still reproduced it
	least   time.Duration // the badness that lines must reach
	lasting bool          // the outage or split may last until the end of the run
}

// reproduces reports whether lines reproduce the outage or split, and records how long it is
// then.
func (s *shrinking) reproduces(lines []string) bool {
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

// rounded returns the lines with one instant rounded; nil if that changes their order.
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

// fewest returns the smallest subset of lines for which do returns true, in their order. Among
// subsets of one size it returns the first. It tries the empty set, in case the lines are not the
// cause, and assumes that the whole set will do.
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
