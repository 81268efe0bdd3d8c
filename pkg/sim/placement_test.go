package sim

import (
	"fmt"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// service measures how long a LAN was served and by which routers.
type service struct {
	world *World
	moves map[*Router]int
	gaps  int
	longest,
	none time.Duration
	since time.Time
	full  time.Duration // served by a router with all addresses placed
	last  time.Time
}

// measure starts a measurement.
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

// look attributes the time since its last call to the state at that time. It runs after each turn
// of a router.
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

// TestPlacementFails checks the policy for addresses that cannot be placed, with two routers and
// with three, over ten hours in which nothing else changes. While any router can serve, one does,
// apart from the time that each new attempt after a hold-off costs. The best of the routers with
// the fewest missing addresses serves nearly always, and no group flaps.
func TestPlacementFails(t *testing.T) {
	const fine = vrrp.Degree(99)
	some, none, extra := vrrp.Partial, vrrp.Total, vrrp.Optional
	for _, c := range []struct {
		routers []vrrp.Degree // of the routers, the first of which has the highest priority
		serves  int           // the index of the router that serves at the end
		moves   int           // the limit for each router: each hold-off of 5 min costs a few
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
				long := 10 * time.Hour // ten times the adverts: a tenth of the time
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
					t.Errorf("no router served for %v in %d gaps of up to %v, want at most %v", m.none, m.gaps, m.longest, bound)
				}
				if complete && m.full < long*99/100 {
					t.Errorf("a router with all addresses placed served for only %v of %v", m.full, long)
				}
				for _, r := range w.Routers {
					if m.moves[r] > c.moves {
						t.Errorf("%s moved %d times in %v, want at most %d", r.Name, m.moves[r], long, c.moves)
					}
				}
				if c.serves >= 0 {
					play(w, time.Minute) // let a hold-off end
					for i, r := range w.Routers {
						if r.active() != (i == c.serves) {
							t.Errorf("at the end %s is %v", r.Name, r.group().State())
						}
					}
				}
				t.Logf("moves %v, none %v (%d times, %v), full %v", m.moves[w.Routers[0]], m.none, m.gaps, m.longest, m.full)
			})
		}
	}
}

// TestRouterThatCannotPlaceIsReplaced checks that an address that one router cannot place moves
// the group to another router within 1 s and its Skew_Time, and that the other addresses are
// served meanwhile.
func TestRouterThatCannotPlaceIsReplaced(t *testing.T) {
	for _, degree := range []vrrp.Degree{vrrp.Optional, vrrp.Partial, vrrp.Total} {
		w, check := pair(t, 1)
		m := measure(w)
		first, second := w.Routers[0], w.Routers[1]
		first.FailPlacement("outside", degree)
		play(w, inPlaceWithin+vrrp.SkewTime(100, 100*time.Millisecond)+2*time.Millisecond)
		if first.active() || !second.active() {
			t.Errorf("degree %v: r1 is %v and r2 is %v", degree, first.group().State(), second.group().State())
		}
		if degree != vrrp.Total && m.none > 0 {
			t.Errorf("degree %v: no router served for %v", degree, m.none)
		}
		first.RestorePlacement("outside", true)
		play(w, check.Settle()+time.Second)
		if !first.active() || second.active() {
			t.Errorf("degree %v, after the repair: r1 is %v and r2 is %v", degree, first.group().State(), second.group().State())
		}
	}
}
