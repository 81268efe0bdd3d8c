package deadline

import (
	"testing"
	"time"
)

// TestBackoff checks that the first try is due at once, and each next one after twice the pause,
// up to the maximum.
func TestBackoff(t *testing.T) {
	now := time.Unix(100, 0)
	b := NewBackoff(now, 100)
	for i, pause := range []time.Duration{100, 200, 400, 500, 500} {
		if b.Due(now.Add(-1)) || !b.Due(now) {
			t.Fatalf("try %d is due too early, or not at %v", i, now)
		}
		b.Tried(now, 500)
		if got := b.At().Sub(now); got != pause {
			t.Errorf("the pause after try %d is %v, want %v", i, got, pause)
		}
		now = b.At()
	}
}
