package deadline

import (
	"testing"
	"time"
)

// TestCoalesce checks that all callers between two instants wake at the same one, and each of them at
// least once in its period.
func TestCoalesce(t *testing.T) {
	const ms = time.Millisecond
	base := time.Unix(100, 0)
	for _, c := range []struct{ after, period, want time.Duration }{
		{0, time.Second, time.Second}, {1, time.Second, time.Second}, {999 * ms, time.Second, time.Second}, {time.Second, time.Second, 2 * time.Second},
		{0, 250 * ms, 250 * ms}, {1, 250 * ms, 250 * ms}, {740 * ms, 250 * ms, 750 * ms}, {750 * ms, 250 * ms, time.Second},
		{900 * ms, 400 * ms, time.Second}, {400 * ms, 10 * time.Second, 10 * time.Second}, {400 * ms, 2500 * ms, 2 * time.Second},
	} {
		if got := Coalesce(base.Add(c.after), c.period).Sub(base); got != c.want {
			t.Errorf("at %v with a period of %v it wakes at %v, want %v", c.after, c.period, got, c.want)
		}
	}
	now := time.Now() // has a monotonic reading, which the result keeps: a step of the clock changes no wait
	if left := Coalesce(now, time.Second).Sub(now); left <= 0 || left > time.Second {
		t.Errorf("it wakes after %v", left)
	}
}
