package sim

import (
	"testing"
	"time"

	"ripcord/pkg/event"
)

// TestSleepAtTheOldPace checks an Active that reloads a longer interval, still advertises it at
// the old pace, and sleeps at that moment. It yields to the Backup that took over meanwhile,
// although that one advertises only at the longer interval.
func TestSleepAtTheOldPace(t *testing.T) {
	for seed := range uint64(40) {
		w := lan(seed, setup{interval: time.Second, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4})
		check := NewCheck(w)
		first, second := w.Routers[0], w.Routers[1]
		first.setInterval(500 * time.Millisecond)
		play(w, 20*time.Second)
		first.setInterval(time.Second)
		play(w, time.Second)
		first.Freeze()
		play(w, 5*time.Second+w.between(0, time.Second))
		if !second.active() {
			t.Fatalf("seed %d: r2 did not take over", seed)
		}
		first.Resume()
		check.Resumed(first)
		play(w, 2*time.Second)
		if first.active() || !second.active() {
			t.Errorf("seed %d: r1 is %v, r2 is %v", seed, first.group().State(), second.group().State())
		}
		for _, v := range check.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
}
