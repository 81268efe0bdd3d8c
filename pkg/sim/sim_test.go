package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

var (
	seed  = flag.Uint64("seed", 1, "the first seed of the simulation")
	seeds = flag.Int("seeds", 20, "number of seeds, over which the hours are shared out")
	hours = flag.Float64("hours", 1000, "virtual hours to simulate, over all LANs and seeds")
	show  = flag.Duration("show", 0, "show the events of the minute that ends at this virtual time")
	only  = flag.Duration("only", 0, "simulate that long for each LAN and seed, whatever the hours")
)

// TestMain collects garbage less often, since the heap of a world is small and short-lived.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

// TestChaos disturbs LANs at random, and checks that no invariant of Check is ever broken. To repeat
// a failed run, use -run, -seed, -seeds 1 and -only.
func TestChaos(t *testing.T) {
	total := 0.0
	for _, s := range setups {
		total += s.share
	}
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			long := *only
			if long == 0 {
				long = time.Duration(*hours / float64(*seeds) * s.share / total * float64(time.Hour))
			}
			var all tally
			t.Cleanup(func() { all.prove(t, s) })
			for n := range uint64(*seeds) {
				t.Run(fmt.Sprint("seed ", *seed+n), func(t *testing.T) {
					t.Parallel()
					all.add(s.chaos(t, *seed+n, long))
				})
			}
		})
	}
}

// tally counts what happened in all LANs of a setup. An invariant is only tested if the events
// that could break it occur.
type tally struct {
	mu                                      sync.Mutex
	long                                    time.Duration
	takeovers, adopted, alone, fenced, dead int
}

// add adds what happened in one LAN.
func (a *tally) add(check *Check) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.long += check.World.Elapsed()
	a.takeovers += check.Takeovers
	a.adopted += check.Adopted
	a.alone += check.Alone
	a.fenced += check.Fenced
	a.dead += check.Dead
}

// prove fails the test if an event that the setup is meant to cause has not happened although the
// run was long enough for it.
func (a *tally) prove(t *testing.T, s setup) {
	for _, c := range []struct {
		what    string
		n       int
		expects bool
		within  time.Duration
	}{
		{"nobody ever took over", a.takeovers, true, time.Hour},
		{"no daemon ever adopted", a.adopted, true, 5 * time.Hour},
		{"nobody ever served alone", a.alone, s.lastStanding, 24 * time.Hour},
		{"no fence ever succeeded", a.fenced, s.fence != nil, time.Hour},
		{"no machine was ever dead", a.dead, s.probe > 0, 5 * time.Hour},
	} {
		if c.n == 0 && c.expects && a.long > c.within {
			t.Errorf("in %v %s, so the run proves nothing", a.long, c.what)
		}
	}
}

// chaos disturbs the LAN of a seed for a long time, and returns its Check.
func (s setup) chaos(t *testing.T, seed uint64, long time.Duration) *Check {
	w := lan(seed, s)
	w.Slow = 0.2
	check := NewCheck(w)
	chaos := &Chaos{
		World: w, OnQuiet: check.Rest, OnResume: check.Resumed,
		Quiet: s.blocked + 4*check.Settle() + s.startupDelay + announced + 2*inPlaceWithin,
	}
	chaos.Quiet += w.Routers[0].fence.delays(check.Settle())
	if s.priorities[0] != vrrp.Owner {
		chaos.Quiet += s.preemptDelay
	}
	if *show != 0 {
		w.OnEvent = func(r *Router, e event.Event) {
			check.Event(r, e)
			if at := w.Elapsed(); at > *show-time.Minute && at <= *show {
				t.Logf("%v %s %s: %s", at, r.Name, e.Name(), e.Message())
			}
		}
		chaos.OnDisturbance = func(what string) {
			if at := w.Elapsed(); at > *show-time.Minute && at <= *show {
				t.Logf("%v %s", at, what)
			}
		}
	}
	chaos.Begin()
	w.Run(w.Now().Add(long))
	for _, v := range check.Violations {
		t.Error(v)
	}
	if testing.Verbose() {
		t.Logf("%d machines were declared dead, and %d wrongly", check.Dead, check.Suspended)
		t.Logf("%d takeovers, %d after a fence, %d turns with a last router standing, disturbances: %v", check.Takeovers, check.Fenced, check.Alone, chaos.Counts)
	}
	return check
}
