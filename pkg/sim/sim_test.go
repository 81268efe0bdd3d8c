package sim

import (
	"flag"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

var (
	seed  = flag.Uint64("seed", 1, "of the simulation")
	show  = flag.Duration("show", 0, "show the events of the minute that ends at this virtual time")
	hours = flag.Int("hours", 100, "virtual hours to simulate")
)

// edge is the group "edge" of two segments.
func edge(priority uint8, interval time.Duration) []vrrp.Group {
	member := func(name, iface string, vrid uint8, a string) vrrp.Instance {
		return vrrp.Instance{
			Virtual:  event.Virtual{Instance: name, Group: "edge", Interface: iface, VRID: vrid, Family: event.IPv4},
			Priority: priority, Interval: interval, Miss: 3, Preempt: true, AutoChecksum: true,
			Addresses: []netip.Addr{netip.MustParseAddr(a)},
		}
	}
	return []vrrp.Group{{Name: "edge", Members: []vrrp.Instance{
		member("inside", "eth0", 51, "192.0.2.1"), member("outside", "eth1", 52, "198.51.100.1"),
	}}}
}

// threeRouters is an Active of priority 150 and two Backups of equal priority
// whose addresses are ordered differently on the two segments.
func threeRouters(seed uint64, interval time.Duration) *World {
	w := NewWorld(seed)
	w.AddSegment("inside")
	w.AddSegment("outside")
	for i, r := range []struct {
		priority        uint8
		inside, outside int
	}{{150, 10, 10}, {100, 11, 12}, {100, 12, 11}} {
		w.AddRouter(fmt.Sprintf("r%d", i+1), edge(r.priority, interval), map[string]Attachment{
			"eth0": {"inside", netip.AddrFrom4([4]byte{192, 0, 2, byte(r.inside)})},
			"eth1": {"outside", netip.AddrFrom4([4]byte{198, 51, 100, byte(r.outside)})},
		})
	}
	for _, r := range w.Routers {
		r.Start()
	}
	return w
}

// Three routers, random pulls, loss, crashes and pauses: whatever happens,
// nothing that must not be.
func TestChaos(t *testing.T) {
	for _, tc := range []struct {
		interval time.Duration
		share    int // of the hours
	}{{time.Second, 1}, {100 * time.Millisecond, 20}} {
		t.Run(tc.interval.String(), func(t *testing.T) {
			t.Parallel()
			w := threeRouters(*seed, tc.interval)
			longest := vrrp.ActiveDownInterval(100, tc.interval, 3)
			check := &Check{World: w, Settle: longest}
			w.OnTurn = check.Turn
			chaos := &Chaos{World: w, Quiet: 4 * longest, OnQuiet: check.Rest}
			if *show != 0 {
				w.OnEvent = func(r *Router, e event.Event) {
					if at := w.Now().Sub(time.Unix(0, 0)); at > *show-time.Minute && at <= *show {
						t.Logf("%v %s %s: %s", at, r.Name, e.Name(), e.Message())
					}
				}
			}
			chaos.Begin()
			w.Run(w.Now().Add(time.Duration(*hours) * time.Hour / time.Duration(tc.share)))
			for _, v := range check.Violations {
				t.Errorf("seed %d: %s", *seed, v)
			}
			t.Logf("disturbances: %v", chaos.Counts)
		})
	}
}
