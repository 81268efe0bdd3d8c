package ratelimit

import (
	"testing"
	"time"
)

// Of each window the first few pass, and the others are counted, and handed out when
// it ends; the counts together are all events.
func TestLimiter(t *testing.T) {
	l := New(10*time.Second, 2, func(string) string { return "others" })
	now := time.Unix(1000, 0)
	counted, lines := uint64(0), 0
	for range 6000 { // for a minute
		if _, count, pass := l.Hit(now, "a", 5); pass {
			counted, lines = counted+count, lines+1
		}
		l.Flush(now, false, func(_ string, count uint64) { counted, lines = counted+count, lines+1 })
		now = now.Add(10 * time.Millisecond)
	}
	if lines > 6*6 {
		t.Errorf("%d lines, want at most 36", lines)
	}
	l.Flush(now, true, func(_ string, count uint64) { counted += count })
	if counted != 6000 {
		t.Errorf("%d events were yielded, want 6000", counted)
	}
	if _, waits := l.Next(); waits {
		t.Error("something waits after all was handed out")
	}
}

// However many keys there are, memory and lines are bounded.
func TestLimiterOfManyKeys(t *testing.T) {
	l := New(10*time.Second, 100, func(int) int { return -1 })
	now := time.Unix(1000, 0)
	lines := 0
	for i := range 100_000 {
		if _, _, pass := l.Hit(now, i, 5); pass {
			lines++
		}
	}
	if len(l.open) > 101 || lines > 105 {
		t.Errorf("%d keys are held, %d lines passed", len(l.open), lines)
	}
	now = now.Add(time.Minute)
	l.Flush(now, false, func(key int, count uint64) {
		if key != -1 || count != 100_000-105 {
			t.Errorf("%d of key %d", count, key)
		}
	})
	l.Hit(now.Add(time.Minute), 1, 5) // those that are over are forgotten
	if l.Hit(now.Add(time.Minute), 2, 5); len(l.open) > 3 {
		t.Errorf("%d keys are held after all is over", len(l.open))
	}
}
