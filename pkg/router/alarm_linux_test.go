package router

import (
	"context"
	"testing"
	"time"
)

// TestFineAlarm checks that the alarm rings at its instant and not before, repeatedly, even
// without a reader, and at once if the instant has passed, and that Run ends with its context.
func TestFineAlarm(t *testing.T) {
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
	for range 3 {
		at := time.Now().Add(5 * time.Millisecond)
		alarm.Set(at)
		if rang := rings("an instant", ample); rang.Before(at) {
			t.Errorf("it rang %v early", at.Sub(rang))
		}
	}
	for _, past := range []time.Time{time.Now(), time.Now().Add(-time.Hour), {}} {
		alarm.Set(past)
		rings("an instant that has passed", ample)
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
