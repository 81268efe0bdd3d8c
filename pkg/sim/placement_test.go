package sim

import (
	"fmt"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// service is what a LAN was served in a long time.
type service struct {
	world *World
	moves map[*Router]int
	gaps  int
	longest,
	none time.Duration
	since time.Time
	full  time.Duration // by a router that lacked nothing
	last  time.Time
}

// measure begins to measure.
func measure(w *World) *service {
	s := &service{world: w, moves: make(map[*Router]int), last: w.Now()}
	w.OnEvent = func(r *Router, e event.Event) {
		if _, ok := e.(event.GroupTransition); ok {
			s.moves[r]++
		}
	}
	w.OnTurn = func(*Router) { s.look() }
	return s
}

// look books the time since the last look by what was the case then; it is called
// after each turn of a router.
func (s *service) look() {
	now, served, full := s.world.Now(), false, false
	for _, r := range s.world.Routers {
		served = served || r.serves()
		full = full || r.serves() && !r.lacks()
	}
	if full {
		s.full += now.Sub(s.last)
	}
	s.last = now
	switch {
	case !served && s.since.IsZero():
		s.since = now
	case served && !s.since.IsZero():
		if gap := now.Sub(s.since); gap > crossing {
			s.gaps++
			s.none += gap
			s.longest = max(s.longest, gap)
		}
		s.since = time.Time{}
	}
}

// TestPlacementFails checks that the policy for what cannot be put in place, on two routers and
// on three, over ten hours in which nothing changes: while any could serve, one does, but for
// what finding out costs at each hold-off; the best of those that lack nothing serves nearly
// always; and nobody flaps.
func TestPlacementFails(t *testing.T) {
	const fine = vrrp.Degree(99)
	some, none, extra := vrrp.Partial, vrrp.Total, vrrp.Optional
	for _, c := range []struct {
		routers []vrrp.Degree // the first is best
		serves  int           // who does in the end
		moves   int           // the most of a router: each hold-off of 5 min costs a few
	}{
		{[]vrrp.Degree{none, fine}, 1, 600},
		{[]vrrp.Degree{some, fine}, 1, 600},
		{[]vrrp.Degree{extra, fine}, 1, 600},
		{[]vrrp.Degree{fine, none}, 0, 3},
		{[]vrrp.Degree{fine, extra}, 0, 3},
		{[]vrrp.Degree{extra, extra}, 0, 6},
		{[]vrrp.Degree{extra, extra, extra}, 0, 8},
		{[]vrrp.Degree{some, some}, -1, 600},
		{[]vrrp.Degree{none, some}, 1, 600},
		{[]vrrp.Degree{some, none}, 0, 600},
		{[]vrrp.Degree{none, none, extra}, 2, 600},
		{[]vrrp.Degree{none, fine, fine}, 1, 600},
		{[]vrrp.Degree{none, none}, -1, 600},
	} {
		for _, s := range []setup{
			{interval: time.Second, priorities: []uint8{150, 100, 50}, preempt: true, family: event.IPv4},
			{interval: 100 * time.Millisecond, priorities: []uint8{150, 100, 50}, preempt: true, family: event.IPv4},
			{interval: time.Second, priorities: []uint8{255, 100, 50}, family: event.IPv4},
			{interval: time.Second, priorities: []uint8{100, 100, 100}, preempt: true, family: event.IPv4},
		} {
			s.priorities = s.priorities[:len(c.routers)]
			t.Run(fmt.Sprintf("%v, %v, %v", c.routers, s.interval, s.priorities), func(t *testing.T) {
				t.Parallel()
				long := 10 * time.Hour // a tenth of that with ten times the adverts
				if s.interval < time.Second {
					long = time.Hour
				}
				if s.priorities[0] == 100 && c.serves >= 0 {
					t.Skip("who is best is a matter of addresses")
				}
				w := wired(1, s)
				could, complete, useless := false, false, 0
				for i, d := range c.routers {
					if could = could || d != none; d == none {
						useless++
					}
					if d == fine {
						complete = true
						continue
					}
					w.Routers[i].FailPlacement("inside", d)
				}
				for _, r := range w.Routers {
					r.Start()
				}
				m := measure(w)
				play(w, 20*time.Second)
				m.none, m.full, m.gaps, m.longest = 0, 0, 0, 0
				play(w, long)
				m.look()

				bound := time.Duration(useless) * (againWithin + vrrp.ActiveDownInterval(vrrp.Impaired, s.interval, 3) + 10*time.Millisecond)
				if could && (m.longest > bound || m.none > long*time.Duration(useless)/200) {
					t.Errorf("nobody served for %v, %d times, %v at the longest, want at most %v", m.none, m.gaps, m.longest, bound)
				}
				if complete && m.full < long*99/100 {
					t.Errorf("a router that lacks nothing served for %v of %v", m.full, long)
				}
				for _, r := range w.Routers {
					if m.moves[r] > c.moves {
						t.Errorf("%s moved %d times in %v, want at most %d", r.Name, m.moves[r], long, c.moves)
					}
				}
				if c.serves >= 0 {
					play(w, time.Minute) // out of the way of a hold-off
					for i, r := range w.Routers {
						if r.active() != (i == c.serves) {
							t.Errorf("in the end %s is %v", r.Name, r.group().State())
						}
					}
				}
				t.Logf("moves %v, none %v (%d times, %v), full %v", m.moves[w.Routers[0]], m.none, m.gaps, m.longest, m.full)
			})
		}
	}
}

// TestRouterThatCannotPlaceIsReplaced checks that what is missing on one router moves the group
// to another within 1 s and its Skew_Time, and nobody is without service meanwhile if it is not
// all.
func TestRouterThatCannotPlaceIsReplaced(t *testing.T) {
	for _, degree := range []vrrp.Degree{vrrp.Optional, vrrp.Partial, vrrp.Total} {
		w, check := pair(t, 1)
		m := measure(w)
		first, second := w.Routers[0], w.Routers[1]
		first.FailPlacement("outside", degree)
		play(w, inPlaceWithin+vrrp.SkewTime(100, 100*time.Millisecond)+2*time.Millisecond)
		if first.active() || !second.active() {
			t.Errorf("degree %v: %v and %v", degree, first.group().State(), second.group().State())
		}
		if degree != vrrp.Total && m.none > 0 {
			t.Errorf("degree %v: nobody served for %v", degree, m.none)
		}
		first.RestorePlacement("outside", true)
		play(w, check.Settle()+time.Second)
		if !first.active() || second.active() {
			t.Errorf("degree %v, mended: %v and %v", degree, first.group().State(), second.group().State())
		}
	}
}
