package lab

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestReaction measures the time from the loss of carrier, read from the kernel, to the priority-0
// frame on the other segment, handed to the kernel, by elapsed_us of the log: under 0.5 ms at the
// median, and at the lower quartile on a busy machine, on which every second pull may find the
// daemon without a core.
func TestReaction(t *testing.T) {
	s, a, _ := pair(t, bothSegments, often, "")
	const limit = 500 * time.Microsecond
	measured(t, func(m *machine) (wrong string) {
		took, percent := reaction(t, s, a), 50
		if m.busy(3 * limit) {
			percent = 25
		}
		if q := quantile(took, percent); q >= limit {
			wrong = fmt.Sprintf("p%d is %v, want under %v", percent, q, limit)
		}
		return wrong
	})
}

// reaction is how long each of 20 pulls took.
func reaction(t *testing.T, s *site, a *daemon) (took []time.Duration) {
	t.Helper()
	var decided []time.Duration
	for range 20 {
		time.Sleep(4 * often)
		at := s.pull("a", inside)
		resigned := a.wait(at, patience, "a resignation", func(l line) bool {
			return l.Event == "advert.sent" && l.Kind == "resign" && l.Instance == outside.name
		})
		moved := a.becomes("fault", at, patience)
		if resigned.ElapsedUS == nil || moved.ElapsedUS == nil {
			t.Fatalf("no elapsed_us in %+v or %+v", resigned, moved)
		}
		took = append(took, time.Duration(*resigned.ElapsedUS)*time.Microsecond)
		decided = append(decided, time.Duration(*moved.ElapsedUS)*time.Microsecond)
		back := s.plug("a", inside)
		a.becomes("active", back, patience)
	}
	slices.Sort(took)
	t.Logf("carrier loss read → decision: median %v; → priority 0 handed to the kernel: median %v, all %v", median(decided), median(took), took)
	return took
}
