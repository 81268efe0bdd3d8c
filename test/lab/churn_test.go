package lab

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// TestLossUnderChurn checks that the daemon finds a lost carrier in time while other links flap.
// The kernel announces a loss up to a second late if any other link on the machine changed within
// the last second, so ripcord asks: from the pulled cable to its decision, p99 is under 15 ms over
// 200 pulls. On a busy machine, on which the daemon waits for a core, the lower quartile is. On any
// machine, nine of ten take less than half the time of the kernel's announcements alone.
func TestLossUnderChurn(t *testing.T) {
	netns.NeedRoot(t)
	churn, err := lan.StartChurn(200 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	const limit = 15 * time.Millisecond
	var asked []time.Duration
	measured(t, func(m *machine) (wrong string) {
		asked = decisions(t, "asking each 10ms", "10ms", 50)
		percent := 99
		if m.busy(3 * time.Millisecond) {
			percent = 25
		}
		if q := quantile(asked, percent); len(asked) < 200 || q >= limit {
			wrong = fmt.Sprintf("p%d of %d pulls is %v, want under %v of 200", percent, len(asked), q, limit)
		}
		return wrong
	})
	announced := decisions(t, "announcements alone", "0s", 10)
	if err := churn.Stop(); err != nil {
		t.Error(err)
	}
	for what, took := range map[string][]time.Duration{"asked each 10ms": asked, "confirm: 0": announced} {
		t.Logf("%s: p50 %v, p90 %v, p99 %v, max %v of %d", what, quantile(took, 50), quantile(took, 90), quantile(took, 99), quantile(took, 100), len(took))
	}
	if alone := quantile(announced, 50); alone < 10*limit {
		t.Errorf("the kernel announced at once: there was no churn, and this test shows nothing")
	} else if p90 := quantile(asked, 90); p90 > alone/2 {
		t.Errorf("nine of ten losses are known within %v, want less than half of the kernel's %v", p90, alone)
	}
}

// newCarrier makes a host with a link, a tap or a veth, and gives what pulls its
// cable and plugs it in.
func newCarrier(t *testing.T, host string, tap bool) (*site, func(on bool) time.Time) {
	t.Helper()
	if tap {
		return newTapSite(t, host)
	}
	s := newSite(t, []segment{inside}, host)
	return s, func(on bool) time.Time {
		if on {
			return s.plug(host, inside)
		}
		return s.pull(host, inside)
	}
}

// decisions pulls the cable of a Backup on each of four LANs, two of which are
// taps, and gives how long it took until the daemon knew.
func decisions(t *testing.T, name, confirm string, rounds int) []time.Duration {
	var mu sync.Mutex
	var took []time.Duration
	t.Run(name, func(t *testing.T) {
		for i := range 4 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				s, carrier := newCarrier(t, "b", i%2 == 1)
				began := time.Now()
				// A Backup for as long as the test lasts: it never gets to be Active.
				r := router{100, 40 * time.Second, ""}
				// Nobody here speaks and could prove that the segment forwards.
				links := "links: {default: {confirm: " + confirm + ", recovery: {wait: 0}}}\n"
				b := s.startYAML("b", links+r.yaml(s, s.socket("b")))
				b.becomes("backup", began, 5*time.Second)
				for n := range rounds {
					time.Sleep(time.Duration(100+17*n%200) * time.Millisecond)
					at := carrier(false)
					l := b.becomes("fault", at, patience)
					mu.Lock()
					took = append(took, l.TS.Sub(at.Round(0)))
					mu.Unlock()
					b.becomes("backup", carrier(true), patience)
				}
			})
		}
	})
	return took
}

// quantile is the value below which percent of the values lie.
func quantile(values []time.Duration, percent int) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}
