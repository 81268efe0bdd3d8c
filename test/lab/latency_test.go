package lab

import (
	"slices"
	"testing"
	"time"
)

// From the carrier's loss, read from the kernel, to the priority-0 frame on the
// other segment, handed to the kernel: under 0.5 ms at the median, by the log's
// own elapsed_us.
func TestReaction(t *testing.T) {
	const (
		rounds   = 20
		interval = 100 * time.Millisecond
	)
	s, a, _ := pair(t, bothSegments, interval, "")
	var took, decided []time.Duration
	for range rounds {
		time.Sleep(4 * interval)
		at := s.pull("a", inside)
		resigned := a.wait(at, 3*time.Second, "a resignation", func(l line) bool {
			return l.Event == "advert.sent" && l.Kind == "resign" && l.Instance == outside.name
		})
		if resigned.ElapsedUS == nil {
			t.Fatalf("advert.sent has no elapsed_us: %+v", resigned)
		}
		took = append(took, time.Duration(*resigned.ElapsedUS)*time.Microsecond)
		moved := a.becomes("fault", at, time.Second)
		decided = append(decided, time.Duration(*moved.ElapsedUS)*time.Microsecond)
		back := s.plug("a", inside)
		a.becomes("active", back, 5*time.Second)
	}
	slices.Sort(took)
	t.Logf("carrier loss read → decision: median %v", median(decided))
	t.Logf("carrier loss read → priority 0 handed to the kernel: median %v, all %v", median(took), took)
	if m := median(took); m >= 500*time.Microsecond {
		t.Errorf("median %v, want under 500µs", m)
	}
}
