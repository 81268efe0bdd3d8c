package simulate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/test/cpu"
)

// TestThousandInstances plays a thousand instances on three routers. The Active loses a cable that
// carries a quarter of them; the other instances must see no outage. A virtual hour has to play in a
// minute; the limit in processor time is half as much again, which leaves some margin.
func TestThousandInstances(t *testing.T) {
	var all []Router
	for i, name := range []string{"a", "b", "c"} {
		var b strings.Builder
		b.WriteString("instances:\n")
		for n := range 1000 {
			fmt.Fprintf(&b, "  - {name: i%d, interface: eth%d, vrid: %d, priority: %d, addresses: [10.%d.%d.1/24]}\n", n, n/250, n%250+1, 200-50*i, n/250, n%250)
		}
		all = append(all, textual(t, name, b.String()))
	}
	l := newLAN(t, Options{Routers: all, Seed: 1})
	const long = 2 * time.Minute
	before := cpu.Used()
	r := played(t, l, acts(t, l, "30s unplug a eth2"), long)
	took := cpu.Used() - before
	if limit := slowdown * long / 60 * 3 / 2; took > limit {
		t.Errorf("playing %v took %v of processor time, want at most %v", long, took, limit)
	}
	outages := 0
	for _, s := range r.Services {
		if len(s.Outages) > 0 {
			outages += len(s.Addresses)
		}
		if (len(s.Outages) > 0) != (s.Segment == "eth2") || len(s.Splits) > 0 {
			t.Fatalf("%s on %s has outages %v and splits %v", s.title(), s.Segment, s.Outages, s.Splits)
		}
	}
	if outages != 250 {
		t.Errorf("%d addresses had an outage, want 250", outages)
	}
}
