package monitor

import (
	"testing"
	"time"
)

// TestKernelSleeper requires that the sleeper sleeps as long as it should, and that a wake counts
// once, whether it comes before or during the sleep.
func TestKernelSleeper(t *testing.T) {
	s := (&linux{}).sleeper()
	if _, ok := s.(*kernelSleeper); !ok {
		t.Fatalf("the sleeper is a %T", s)
	}
	const nap, never = 20 * time.Millisecond, time.Hour
	sleep := func(d time.Duration) time.Duration {
		began := time.Now()
		s.sleep(began.Add(d))
		return time.Since(began)
	}
	for range 3 {
		if took := sleep(nap); took < nap {
			t.Errorf("the sleeper slept %v, want %v", took, nap)
		}
		if took := sleep(-nap); took > never/2 {
			t.Errorf("the sleeper slept %v until an instant that had passed", took)
		}
		s.wake()
		s.wake()
		sleep(never) // a test that times out here has lost the wake
		if took := sleep(nap); took < nap {
			t.Errorf("a wake ended the next sleep too, after %v", took)
		}
		time.AfterFunc(nap, s.wake)
		sleep(never)
	}
	if n := testing.AllocsPerRun(20, func() { s.sleep(time.Now().Add(time.Microsecond)) }); n != 0 {
		t.Errorf("a sleep allocates %v times", n)
	}
	s.close()
	s.wake() // has no effect
}
