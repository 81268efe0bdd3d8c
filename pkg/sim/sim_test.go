package sim

import (
	"flag"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

var (
	seed  = flag.Uint64("seed", 1, "of the simulation")
	show  = flag.Duration("show", 0, "show the events of the minute that ends at this virtual time")
	hours = flag.Int("hours", 100, "virtual hours to simulate")
)

// Random pulls, loss, crashes, pauses and more: whatever happens, nothing that
// must not be.
func TestChaos(t *testing.T) {
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := lan(*seed, s)
			w.Slow = 0.2
			check := s.watch(w)
			chaos := &Chaos{
				World: w, OnQuiet: check.Rest, OnResume: check.Resumed, Clocks: s.hmac != nil,
				Quiet: s.blocked + 4*check.Settle + s.startupDelay + announced + 2*inPlaceWithin,
			}
			if s.priorities[0] != vrrp.Owner {
				chaos.Quiet += s.preemptDelay
			}
			if *show != 0 {
				w.OnEvent = func(r *Router, e event.Event) {
					check.Event(r, e)
					if at := w.Now().Sub(time.Unix(0, 0)); at > *show-time.Minute && at <= *show {
						t.Logf("%v %s %s: %s", at, r.Name, e.Name(), e.Message())
					}
				}
			}
			chaos.Begin()
			w.Run(w.Now().Add(time.Duration(float64(*hours) * s.share * float64(time.Hour))))
			for _, v := range check.Violations {
				t.Errorf("seed %d: %s", *seed, v)
			}
			if check.Takeovers == 0 {
				t.Error("nobody ever took over: this proves nothing")
			}
			t.Logf("%d takeovers, disturbances: %v", check.Takeovers, chaos.Counts)
		})
	}
}
