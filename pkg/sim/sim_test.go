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
	return group(setup{interval: interval, preempt: true, family: event.IPv4}, priority)
}

// setup is a LAN of routers with the group "edge", the first of the priorities
// best.
type setup struct {
	name       string
	share      float64 // of the virtual hours
	interval   time.Duration
	priorities []uint8
	preempt    bool
	family     event.Family
	recovery   vrrp.Recovery
	blocked    time.Duration // of each port after it was plugged in
}

func group(s setup, priority uint8) []vrrp.Group {
	member := func(name, iface string, vrid uint8, a string) vrrp.Instance {
		return vrrp.Instance{
			Virtual:  event.Virtual{Instance: name, Group: "edge", Interface: iface, VRID: vrid, Family: s.family},
			Priority: priority, Interval: s.interval, Miss: 3, Preempt: s.preempt, AutoChecksum: s.family == event.IPv4,
			Addresses: []netip.Addr{netip.MustParseAddr(a)}, Recovery: s.recovery,
		}
	}
	inside, outside := "192.0.2.1", "198.51.100.1"
	if s.family == event.IPv6 {
		inside, outside = "fe80::1", "fe80::2"
	}
	return []vrrp.Group{{Name: "edge", Members: []vrrp.Instance{
		member("inside", "eth0", 51, inside), member("outside", "eth1", 52, outside),
	}}}
}

// lan makes the routers r1, r2 and so on, and starts them. The addresses of
// neighbours are ordered differently on the two segments, so that routers of
// equal priority do not agree who is the better.
func lan(seed uint64, s setup) *World {
	w := NewWorld(seed)
	for _, name := range []string{"inside", "outside"} {
		segment := w.AddSegment(name)
		segment.Host, segment.Blocked = true, s.blocked
	}
	for i, p := range s.priorities {
		host := byte(10 + i)
		w.AddRouter(fmt.Sprintf("r%d", i+1), group(s, p), map[string]Attachment{
			"eth0": {"inside", source(s.family, 2, host)},
			"eth1": {"outside", source(s.family, 100, 40-host)},
		})
	}
	for _, r := range w.Routers {
		r.Start()
	}
	return w
}

func source(f event.Family, net, host byte) netip.Addr {
	if f == event.IPv6 {
		return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 14: net, 15: host})
	}
	return netip.AddrFrom4([4]byte{192, 0, net, host})
}

var setups = []setup{
	{name: "1s", share: 0.6, interval: time.Second, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4},
	{name: "no preemption, IPv6", share: 0.3, interval: time.Second, priorities: []uint8{150, 100, 50}, family: event.IPv6},
	{name: "100ms", share: 0.03, interval: 100 * time.Millisecond, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4},
	{name: "all equal", share: 0.02, interval: 100 * time.Millisecond, priorities: []uint8{100, 100, 100}, preempt: true, family: event.IPv4},
	{name: "owner", share: 0.025, interval: 100 * time.Millisecond, priorities: []uint8{255, 100}, preempt: true, family: event.IPv4},
	{name: "recovery, 1s", share: 0.3, interval: time.Second, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4,
		recovery: vrrp.Recovery{Adverts: 2, Wait: 35 * time.Second}},
	{name: "spanning tree, 100ms", share: 0.1, interval: 100 * time.Millisecond, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4,
		recovery: vrrp.Recovery{Adverts: 2, Wait: 35 * time.Second}, blocked: 6 * time.Second},
	{name: "10ms", share: 0.005, interval: 10 * time.Millisecond, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4},
}

// Random pulls, loss, crashes, pauses and more: whatever happens, nothing that
// must not be.
func TestChaos(t *testing.T) {
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := lan(*seed, s)
			w.Slow = 0.2
			longest := vrrp.ActiveDownInterval(50, s.interval, 3)
			if s.blocked > 0 {
				longest += again
			}
			check := &Check{World: w, Settle: longest, AnyOf: !s.preempt}
			w.OnTurn, w.OnFrame = check.Turn, check.Frame
			chaos := &Chaos{World: w, Quiet: s.blocked + 4*longest + announced, OnQuiet: check.Rest, OnResume: check.Resumed}
			if *show != 0 {
				w.OnEvent = func(r *Router, e event.Event) {
					if at := w.Now().Sub(time.Unix(0, 0)); at > *show-time.Minute && at <= *show {
						t.Logf("%v %s %s: %s", at, r.Name, e.Name(), e.Message())
					}
				}
			}
			chaos.Begin()
			w.Run(w.Now().Add(time.Duration(float64(*hours) * s.share * float64(time.Hour))))
			for _, v := range check.Violations {
				t.Errorf("seed %d: %s", *seed, v)
			}
			if check.Takeovers == 0 {
				t.Error("nobody ever took over: this proves nothing")
			}
			t.Logf("%d takeovers, disturbances: %v", check.Takeovers, chaos.Counts)
		})
	}
}
