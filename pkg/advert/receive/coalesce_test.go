package receive

import (
	"testing"
	"time"
)

// TestGather checks that the receiver lingers if packets arrive at such a rate that a millisecond
// brings two, and never while some are left to be read.
func TestGather(t *testing.T) {
	for name, c := range map[string]struct {
		every   time.Duration // a burst
		packets int           // of it
		left    bool
		want    time.Duration
	}{
		"one a second":                     {time.Second, 1, false, 0},
		"ten instances at 10 ms":           {10 * time.Millisecond, 10, false, 0},
		"100 instances at 10 ms":           {10 * time.Millisecond, 100, false, gatherFor},
		"1,000 instances at 1 s":           {time.Second, 1000, false, 0},
		"1,000 instances at 100 ms":        {100 * time.Millisecond, 1000, false, gatherFor},
		"1,000 instances, more to be read": {100 * time.Millisecond, 1000, true, 0},
		"just not two a millisecond":       {100 * time.Millisecond, 199, false, 0},
		"two a millisecond":                {100 * time.Millisecond, 200, false, gatherFor},
	} {
		t.Run(name, func(t *testing.T) {
			var g coalesce
			now := time.Unix(1, 0)
			for range 50 {
				g.took(now, c.packets, c.left)
				now = now.Add(c.every)
			}
			if got := g.linger(); got != c.want {
				t.Errorf("lingers %v, want %v", got, c.want)
			}
			if got, want := g.linger(), c.want; c.left && got == want {
				t.Errorf("lingers %v after the rest was read", got)
			}
			for range 2 { // silence, and then a single one
				now = now.Add(gatherCount)
				g.took(now, 1, false)
			}
			if got := g.linger(); got != 0 {
				t.Errorf("lingers %v at a low rate", got)
			}
		})
	}
}
