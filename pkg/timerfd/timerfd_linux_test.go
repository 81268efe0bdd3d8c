package timerfd

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"
)

func open(t *testing.T) *Timer {
	t.Helper()
	timer, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = timer.Close() })
	return timer
}

// wait waits. A test that times out here has a timer that does not expire.
func wait(t *testing.T, timer *Timer, what string) {
	t.Helper()
	if err := timer.Wait(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// TestExpires checks that a timer expires at its instant and not before, at once if the instant
// has passed, and that a new instant replaces the previous one, whether sooner or later.
func TestExpires(t *testing.T) {
	timer := open(t)
	for _, d := range []time.Duration{50 * time.Microsecond, 700 * time.Microsecond, 5 * time.Millisecond} {
		began := time.Now()
		timer.Set(d)
		wait(t, timer, d.String())
		if took := time.Since(began); took < d {
			t.Errorf("set to %v, it expired after %v", d, took)
		}
	}
	for _, d := range []time.Duration{0, -1, -time.Hour, -1 << 63} {
		timer.Set(d)
		wait(t, timer, d.String())
	}

	timer.Set(time.Hour)
	timer.Set(time.Millisecond)
	wait(t, timer, "sooner")
	began := time.Now()
	const later = 150 * time.Millisecond
	timer.Set(later - 50*time.Millisecond)
	timer.Set(later)
	wait(t, timer, "later")
	if took := time.Since(began); took < later {
		t.Errorf("it expired at the instant that was replaced, after %v", took)
	}
}

// TestSetBetween checks that setting the timer again cancels an expiry that was not read.
func TestSetBetween(t *testing.T) {
	timer := open(t)
	timer.Set(0)
	const later = 20 * time.Millisecond
	began := time.Now()
	timer.Set(later)
	wait(t, timer, "later")
	if took := time.Since(began); took < later {
		t.Errorf("it expired after %v, want %v", took, later)
	}
}

// TestInterrupt checks that Interrupt ends the present Wait and all later ones until Resume.
func TestInterrupt(t *testing.T) {
	timer := open(t)
	timer.Set(time.Hour)
	time.AfterFunc(time.Millisecond, timer.Interrupt)
	for range 3 {
		if err := timer.Wait(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("interrupted: %v", err)
		}
	}
	timer.Resume()
	timer.Set(time.Millisecond)
	wait(t, timer, "resumed")
}

// TestClose checks that Close ends the present Wait and all later ones.
func TestClose(t *testing.T) {
	timer := open(t)
	timer.Set(time.Hour)
	time.AfterFunc(time.Millisecond, func() { _ = timer.Close() })
	for range 2 {
		if err := timer.Wait(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("closed: %v", err)
		}
	}
	timer.Interrupt()
	timer.Resume()
}

// TestAllocates checks that only New allocates.
func TestAllocates(t *testing.T) {
	timer := open(t)
	nothing := func() {
		timer.Set(time.Microsecond)
		_ = timer.Wait()
		timer.Interrupt()
		_ = timer.Wait()
		timer.Resume()
	}
	if n := testing.AllocsPerRun(100, nothing); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}

// TestWaitFails checks that an error of the kernel is an error, and not an expiry.
func TestWaitFails(t *testing.T) {
	timer := open(t)
	timer.read = func(uintptr) bool { return timer.readOnce(^uintptr(0)) } // nobody's descriptor
	timer.Set(0)
	if err := timer.Wait(); !errors.Is(err, syscall.EBADF) {
		t.Errorf("Wait: %v, want %v", err, syscall.EBADF)
	}
}
