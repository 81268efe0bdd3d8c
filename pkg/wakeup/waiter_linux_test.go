package wakeup

import (
	"testing"
	"time"
)

// sleepers returns the two types that sleep with an alarm, and how each sleeps.
func sleepers(t *testing.T) map[string]struct {
	*Alarm
	sleep func(time.Duration)
} {
	t.Helper()
	waiter, err := OpenWaiter()
	if err != nil {
		t.Fatal(err)
	}
	poller, err := OpenEpoll()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = waiter.Close(), poller.Close() })
	return map[string]struct {
		*Alarm
		sleep func(time.Duration)
	}{
		"waiter": {waiter.alarm, func(d time.Duration) { waiter.WaitUntil(time.Now().Add(d)) }},
		"poller": {poller.Alarm, func(d time.Duration) {
			if err := poller.Wait(d, 0, func(int) {}); err != nil {
				t.Error(err)
			}
		}},
	}
}

const nap = 20 * time.Millisecond

// TestAlarmIsNotStuck checks that a sleeper that wakes without the alarm, while a ring has not
// been written yet, is woken once without a need and sleeps again. It used to clear a ring that
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
			s.Ring()
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

// TestAlarmIsNotDeaf checks that after a ring between the two steps of a reset, the next ring
// ends a sleep.
func TestAlarmIsNotDeaf(t *testing.T) {
	for name, s := range sleepers(t) {
		t.Run(name, func(t *testing.T) {
			s.Ring()
			inReset := true
			s.between = func() {
				if inReset {
					inReset = false
					s.Ring()
				}
			}
			s.sleep(nap) // resets; what both rang for is looked at now
			s.between = nil
			s.Ring()
			const long = 10 * time.Second
			began := time.Now()
			s.sleep(long)
			if took := time.Since(began); took > long/2 {
				t.Errorf("a ring did not end the sleep, which took %v", took)
			}
		})
	}
}

// TestAlarmIsHeard checks that no ring is lost, however rings and sleeps interleave.
func TestAlarmIsHeard(t *testing.T) {
	for name, s := range sleepers(t) {
		t.Run(name, func(t *testing.T) {
			const rings, long = 20000, 10 * time.Second
			asked, heard := make(chan int, 1), 0
			go func() {
				for i := range rings {
					asked <- i // there is room once the sleeper has taken the last
					s.Ring()
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

func TestWaiter(t *testing.T) {
	w, err := OpenWaiter()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	w.WaitUntil(time.Now().Add(-time.Hour))
	at := time.Now().Add(3 * time.Millisecond)
	for time.Now().Before(at) { // it may return early, as after a signal
		w.WaitUntil(at)
	}
	for range 3 {
		w.Wake()
		w.Wake()
		w.WaitUntil(time.Time{}) // woken before it slept: returns at once
		woken := make(chan struct{})
		go func() {
			w.WaitUntil(time.Time{})
			close(woken)
		}()
		w.Wake()
		<-woken
	}
	if allocs := testing.AllocsPerRun(100, func() { w.WaitUntil(time.Now().Add(time.Microsecond)) }); allocs != 0 {
		t.Errorf("%v allocations a wait", allocs)
	}
}
