package advert

import (
	"testing"
	"time"
)

// sleepers are the two that sleep beneath an alarm, and how each sleeps.
func sleepers(t *testing.T) map[string]struct {
	*alarm
	sleep func(time.Duration)
} {
	t.Helper()
	waiter, err := OpenWaiter()
	if err != nil {
		t.Fatal(err)
	}
	poller, err := openPoller()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = waiter.Close(), poller.close() })
	return map[string]struct {
		*alarm
		sleep func(time.Duration)
	}{
		"waiter": {waiter.alarm, func(d time.Duration) { waiter.WaitUntil(time.Now().Add(d)) }},
		"poller": {poller.alarm, func(d time.Duration) {
			if err := poller.wait(d, 0, func(int) {}); err != nil {
				t.Error(err)
			}
		}},
	}
}

const nap = 20 * time.Millisecond

// TestAlarmIsNotStuck: a sleeper that wakes by itself while somebody who rings has
// not written yet is woken once for nothing, and sleeps again. It used to clear what
// it had not read, and every later sleep ended at once.
func TestAlarmIsNotStuck(t *testing.T) {
	for name, s := range sleepers(t) {
		t.Run(name, func(t *testing.T) {
			inRing := true
			s.between = func() {
				if inRing { // but not in the reset that follows
					inRing = false
					s.sleep(nap)
				}
			}
			s.ring()
			s.between = nil
			s.sleep(nap) // takes the write
			for range 3 {
				began := time.Now()
				s.sleep(nap)
				if took := time.Since(began); took < nap {
					t.Fatalf("it slept %v of %v with nobody ringing: it spins", took, nap)
				}
			}
		})
	}
}

// TestAlarmIsNotDeaf: after a ring that falls between the two steps of a reset, the
// next ring ends a sleep.
func TestAlarmIsNotDeaf(t *testing.T) {
	for name, s := range sleepers(t) {
		t.Run(name, func(t *testing.T) {
			s.ring()
			inReset := true
			s.between = func() {
				if inReset {
					inReset = false
					s.ring()
				}
			}
			s.sleep(nap) // resets; what both rang for is looked at now
			s.between = nil
			s.ring()
			const long = 10 * time.Second
			began := time.Now()
			s.sleep(long)
			if took := time.Since(began); took > long/2 {
				t.Errorf("a ring did not end the sleep, which took %v", took)
			}
		})
	}
}

// TestAlarmIsHeard: however rings and sleeps fall together, none is lost.
func TestAlarmIsHeard(t *testing.T) {
	for name, s := range sleepers(t) {
		t.Run(name, func(t *testing.T) {
			const rings, long = 20000, 10 * time.Second
			asked, heard := make(chan int, 1), 0
			go func() {
				for i := range rings {
					asked <- i // there is room once the sleeper has taken the last
					s.ring()
				}
			}()
			for heard < rings {
				began := time.Now()
				s.sleep(long)
				if took := time.Since(began); took > long/2 {
					t.Fatalf("a ring was lost after %d", heard)
				}
				for more := true; more; {
					select {
					case <-asked:
						heard++
					default:
						more = false
					}
				}
			}
		})
	}
}
