package router

import (
	"context"
	"testing"
	"time"
)

// The timerfd rings at its instant and not before, at once where the instant
// has passed, and its Run ends with the context.
func TestTimerfd(t *testing.T) {
	alarm, err := NewAlarm()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- alarm.Run(ctx) }()

	rings := func(what string, within time.Duration) time.Time {
		t.Helper()
		select {
		case <-alarm.C():
		case <-time.After(within):
			t.Fatalf("%s: silent for %v", what, within)
		}
		return time.Now()
	}
	const ample = 5 * time.Second // of a loaded machine
	for _, d := range []time.Duration{50 * time.Microsecond, 700 * time.Microsecond, 5 * time.Millisecond} {
		at := time.Now().Add(d)
		alarm.Set(at)
		if rang := rings(d.String(), ample); rang.Before(at) {
			t.Errorf("set to ring in %v, it rang %v early", d, at.Sub(rang))
		}
	}
	for _, past := range []time.Time{time.Now(), time.Now().Add(-time.Hour), {}} {
		alarm.Set(past)
		rings("an instant that has passed", ample)
	}

	// The instant before is replaced, to sooner and to later.
	alarm.Set(time.Now().Add(time.Hour))
	alarm.Set(time.Now().Add(time.Millisecond))
	rings("sooner", ample)
	alarm.Set(time.Now().Add(100 * time.Millisecond))
	later := time.Now().Add(150 * time.Millisecond)
	alarm.Set(later)
	if rang := rings("later", ample); rang.Before(later) {
		t.Errorf("it rang at the instant that was replaced, %v early", later.Sub(rang))
	}

	alarm.Set(time.Now().Add(time.Hour))
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(ample):
		t.Fatal("Run does not end with its context")
	}
}
