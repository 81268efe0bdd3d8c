package receive

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// TestReadClocks checks that time that passes between the two readings makes an advert seem
// later, never earlier, and that the clocks are read again if much time passes.
func TestReadClocks(t *testing.T) {
	began := time.Unix(1000, 0)
	for _, tt := range []struct {
		name  string
		steps []time.Duration // that pass after each reading
		want  time.Duration   // by how much an advert seems later at most
		reads int
	}{
		{"at once", []time.Duration{time.Microsecond, time.Microsecond}, time.Microsecond, 3},
		{"held up once", []time.Duration{5 * time.Millisecond, 0, 0, 0, 0, 0}, 0, 6},
		{"always held up", slices.Repeat([]time.Duration{3 * time.Millisecond}, 12), 3 * time.Millisecond, 12},
		{"held up less at the end", append(slices.Repeat([]time.Duration{3 * time.Millisecond}, 9), slices.Repeat([]time.Duration{time.Millisecond}, 3)...), time.Millisecond, 12},
	} {
		var now time.Duration
		reads := 0
		step := func() (at time.Duration) {
			at = now
			if reads < len(tt.steps) {
				now += tt.steps[reads]
			}
			reads++
			return at
		}
		c, err := readClocks(func() time.Time { return began.Add(step()) }, func() (time.Duration, error) { return step(), nil })
		if later := c.Now.Sub(began) - c.Slot; err != nil || later < 0 || later > tt.want || reads != tt.reads {
			t.Errorf("%s: an advert seems %v later after %d readings, want at most %v after %d; error %v", tt.name, later, reads, tt.want, tt.reads, err)
		}
	}
}

// TestSummaryKeepsMany checks that keeping the orders for thousands of instances takes no more
// time than examining each of them.
func TestSummaryKeepsMany(t *testing.T) {
	const many = 100_000
	s := summary{allowed: make(map[string]bool)}
	var all []*vrrp.Instance
	for i := range many {
		name := fmt.Sprint("instance", i)
		s.allowed[name] = true
		all = append(all, &vrrp.Instance{Virtual: event.Virtual{Name: name, Interface: "eth0", VRID: uint8(i), Family: event.IPv4}})
	}
	next := slices.Clone(all)
	slices.Reverse(next)
	began := time.Now()
	s.allowed.Keep(all, next)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("%d orders took %v", many, took)
	}
	if len(s.allowed) != many {
		t.Errorf("%d orders of %d are kept", len(s.allowed), many)
	}
}
