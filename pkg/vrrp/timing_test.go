package vrrp

import (
	"testing"
	"time"
)

// TestTimers checks the table of RFC 9568 §6.1 at the limits of the configuration, in whole
// nanoseconds: nothing is rounded to centiseconds.
func TestTimers(t *testing.T) {
	for _, c := range []struct {
		priority   uint8
		interval   time.Duration
		miss       int
		skew, down time.Duration
	}{
		{254, time.Second, 3, 7_812_500, 3_007_812_500},
		{100, time.Second, 3, 609_375_000, 3_609_375_000},
		{1, time.Second, 3, 996_093_750, 3_996_093_750},
		{254, 100 * time.Millisecond, 3, 781_250, 300_781_250},
		{100, 100 * time.Millisecond, 3, 60_937_500, 360_937_500},
		{1, 100 * time.Millisecond, 3, 99_609_375, 399_609_375},
		{254, 10 * time.Millisecond, 3, 78_125, 30_078_125},
		{100, 10 * time.Millisecond, 3, 6_093_750, 36_093_750},
		{1, 10 * time.Millisecond, 3, 9_960_937, 39_960_937},
		// The owner, and the longest interval.
		{255, time.Second, 3, 3_906_250, 3_003_906_250},
		{1, 40950 * time.Millisecond, 3, 40_790_039_062, 163_640_039_062},
		// miss is 3 in the RFC, and configurable here.
		{100, time.Second, 1, 609_375_000, 1_609_375_000},
		{1, 40950 * time.Millisecond, 100, 40_790_039_062, 4_135_790_039_062},
	} {
		if got := SkewTime(c.priority, c.interval); got != c.skew {
			t.Errorf("SkewTime(%d, %v) = %v, want %v", c.priority, c.interval, got, c.skew)
		}
		if got := ActiveDownInterval(c.priority, c.interval, c.miss); got != c.down {
			t.Errorf("ActiveDownInterval(%d, %v, %d) = %v, want %v", c.priority, c.interval, c.miss, got, c.down)
		}
	}
}

// TestSkewSeparatesPriorities checks that two Backups of different priority wait for different
// times at any interval, the better one less.
func TestSkewSeparatesPriorities(t *testing.T) {
	for _, interval := range []time.Duration{10 * time.Millisecond, time.Second, 40950 * time.Millisecond} {
		for p := uint8(1); p < 255; p++ {
			if better, worse := SkewTime(p+1, interval), SkewTime(p, interval); better >= worse {
				t.Errorf("at %v, priority %d waits %v and priority %d waits %v", interval, p+1, better, p, worse)
			}
		}
	}
}
