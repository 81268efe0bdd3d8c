package sim

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// setup describes a LAN of routers with the group "edge". The first priority is the highest.
type setup struct {
	name       string
	share      float64 // of the virtual hours
	interval   time.Duration
	priorities []uint8
	preempt    bool
	family     event.Family
	recovery   vrrp.Recovery
	blocked    time.Duration // of each port after it was plugged in

	preemptDelay, startupDelay time.Duration

	track    []vrrp.Tracker // of the group
	listed   []vrrp.Tracker // of its first member
	faultAll bool
	fence    *vrrp.Fence

	lastStanding bool

	routers int           // configured on each router; 0: not configured
	probe   time.Duration // the interval of the probe of the Active's machine; 0: no probe

	versions []wire.Version  // of each router; nil: all speak VRRPv3
	unicast  bool            // to all other routers
	hmac     *vrrp.HMAC      // of all
	clocks   []time.Duration // of each router, ahead of the true time; nil: all are right
}

// edge returns the group "edge" with members on two segments.
func edge(priority uint8, interval time.Duration) []vrrp.Group {
	return group(setup{interval: interval, priorities: []uint8{priority}, preempt: true, family: event.IPv4}, 0)
}

// inside and outside return the address of the i-th router on the first and on the second segment.
// The addresses are in opposite orders on the two, so that routers of equal priority disagree about
// which of them is the better.
func inside(f event.Family, i int) netip.Addr  { return source(f, 2, byte(10+i)) }
func outside(f event.Family, i int) netip.Addr { return source(f, 100, byte(30-i)) }

func source(f event.Family, net, host byte) netip.Addr {
	if f == event.IPv6 {
		return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 14: net, 15: host})
	}
	return netip.AddrFrom4([4]byte{192, 0, net, host})
}

// single returns an address as a prefix of full length.
func single(a netip.Addr) []netip.Prefix { return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())} }

// group returns the configuration of the i-th router.
func group(s setup, i int) []vrrp.Group {
	member := func(name, iface string, vrid uint8, a string, at func(event.Family, int) netip.Addr) vrrp.Instance {
		in := vrrp.Instance{
			Virtual:  event.Virtual{Name: name, Group: "edge", Interface: iface, VRID: vrid, Family: s.family},
			Priority: s.priorities[i], Interval: s.interval, Miss: 3, Preempt: s.preempt, AutoChecksum: s.family == event.IPv4,
			Addresses: []netip.Addr{netip.MustParseAddr(a)}, Recovery: s.recovery,
			PreemptDelay: s.preemptDelay, StartupDelay: s.startupDelay, HMAC: s.hmac, Routers: s.routers, Watching: vrrp.Watching{Interval: s.probe, Miss: 3},
		}
		if s.versions != nil {
			in.Version = s.versions[i]
		}
		if s.unicast {
			in.Unicast = vrrp.Unicast{TTL: 255, MinTTL: 255}
			for j := range s.priorities {
				if j != i {
					in.Unicast.Peers = append(in.Unicast.Peers, at(s.family, j))
				}
			}
		}
		return in
	}
	first, second := "192.0.2.1", "198.51.100.1"
	if s.family == event.IPv6 {
		first, second = "fe80::1", "fe80::2"
	}
	g := vrrp.Group{Name: "edge", Track: s.track, FaultAll: s.faultAll, Fence: s.fence, LastStanding: s.lastStanding, Members: []vrrp.Instance{
		member("inside", "eth0", 51, first, inside), member("outside", "eth1", 52, second, outside),
	}}
	g.Members[0].Track = s.listed
	return []vrrp.Group{g}
}

// lan creates the routers r1, r2 and so on, and starts them.
func lan(seed uint64, s setup) *World {
	w := wired(seed, s)
	for _, r := range w.Routers {
		r.Start()
	}
	return w
}

// wired creates the routers without starting them.
func wired(seed uint64, s setup) *World {
	w := NewWorld(seed)
	for _, name := range []string{"inside", "outside", "uplink"} {
		segment := w.AddSegment(name)
		segment.Host, segment.Blocked = true, s.blocked
	}
	for i := range s.priorities {
		r := w.AddRouter(fmt.Sprintf("r%d", i+1), group(s, i), map[string]Attachment{
			"eth0": {"inside", single(inside(s.family, i))},
			"eth1": {"outside", single(outside(s.family, i))},
			"eth2": {"uplink", single(source(s.family, 3, byte(10+i)))},
		})
		if s.clocks != nil {
			r.clock.right = s.clocks[i]
			r.SetClock(r.clock.right)
		}
	}
	return w
}

var setups = []setup{
	{name: "1s", share: 0.35, interval: time.Second, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4},
	{name: "no preemption, IPv6", share: 0.2, interval: time.Second, priorities: []uint8{150, 100, 50}, family: event.IPv6},
	{name: "100ms", share: 0.02, interval: 100 * time.Millisecond, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4},
	{name: "all equal", share: 0.015, interval: 100 * time.Millisecond, priorities: []uint8{100, 100, 100}, preempt: true, family: event.IPv4},
	{name: "owner", share: 0.02, interval: 100 * time.Millisecond, priorities: []uint8{255, 100}, preempt: true, family: event.IPv4,
		preemptDelay: 10 * time.Second},
	{name: "recovery, 1s", share: 0.2, interval: time.Second, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4,
		recovery: vrrp.Recovery{Adverts: 2, Wait: 35 * time.Second}},
	{name: "spanning tree, 100ms", share: 0.06, interval: 100 * time.Millisecond, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4,
		recovery: vrrp.Recovery{Adverts: 2, Wait: 35 * time.Second}, blocked: 6 * time.Second},
	{name: "10ms", share: 0.005, interval: 10 * time.Millisecond, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4},
	{name: "two routers, 100ms", share: 0.02, interval: 100 * time.Millisecond, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4, routers: 2},
	{name: "two equal routers, 100ms", share: 0.02, interval: 100 * time.Millisecond, priorities: []uint8{100, 100}, preempt: true, family: event.IPv4, routers: 2},
	{name: "delays, 100ms", share: 0.03, interval: 100 * time.Millisecond, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4,
		preemptDelay: 5 * time.Second, startupDelay: 2 * time.Second},
	{name: "HMAC, 1s", share: 0.2, interval: time.Second, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4,
		hmac: secured, clocks: []time.Duration{time.Second, 0, -time.Second}},
	{name: "HMAC, owner, unicast, IPv6, 100ms", share: 0.02, interval: 100 * time.Millisecond, priorities: []uint8{255, 100, 50}, preempt: true, family: event.IPv6,
		hmac: secured, clocks: []time.Duration{0, time.Second, -time.Second}, unicast: true},
	{name: "unicast, 100ms", share: 0.015, interval: 100 * time.Millisecond, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4, unicast: true},
	{name: "VRRPv2 and VRRPv3, 1s", share: 0.2, interval: time.Second, priorities: []uint8{150, 150, 100, 50}, preempt: true, family: event.IPv4,
		versions: []wire.Version{wire.V3, wire.V2, wire.V2, wire.V3}},
	{name: "trackers, 1s", share: 0.2, interval: time.Second, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4,
		track: []vrrp.Tracker{
			{Kind: vrrp.TrackCheck, Name: "web", Weight: -60}, {Kind: vrrp.TrackInterface, Name: "eth2"},
			{Kind: vrrp.TrackCheck, Name: "maintenance", Reverse: true, Weight: -20}, {Kind: vrrp.TrackCheck, Name: "link", Weight: 20},
		},
		listed: []vrrp.Tracker{
			{Kind: vrrp.TrackCheck, Name: "web", Weight: -60}, {Kind: vrrp.TrackCheck, Name: "load", Reported: true}, {Kind: vrrp.TrackCheck, Name: "disk"},
		}},
	{name: "all trackers, 100ms", share: 0.02, interval: 100 * time.Millisecond, priorities: []uint8{150, 140, 50}, preempt: true, family: event.IPv6,
		preemptDelay: 3 * time.Second, faultAll: true,
		track: []vrrp.Tracker{
			{Kind: vrrp.TrackCheck, Name: "web", Weight: -20}, {Kind: vrrp.TrackInterface, Name: "eth2"}, {Kind: vrrp.TrackCheck, Name: "disk"},
			{Kind: vrrp.TrackInterface, Name: "eth0", Weight: 10},
		},
		listed: []vrrp.Tracker{{Kind: vrrp.TrackCheck, Name: "own"}}},
	{name: "fence, 1s", share: 0.2, interval: time.Second, priorities: []uint8{150, 100, 100}, preempt: true, family: event.IPv4,
		fence: &vrrp.Fence{Timeout: fenceTimeout}},
	{name: "fence or proceed, 100ms", share: 0.02, interval: 100 * time.Millisecond, priorities: []uint8{150, 100}, preempt: true, family: event.IPv6,
		recovery: vrrp.Recovery{Adverts: 2, Wait: 35 * time.Second}, fence: &vrrp.Fence{Timeout: fenceTimeout, Proceed: true}},
	{name: "last standing, 1s", share: 0.2, interval: time.Second, priorities: []uint8{150, 100}, family: event.IPv4,
		recovery: vrrp.Recovery{Adverts: 2, Wait: 35 * time.Second}, lastStanding: true,
		track: []vrrp.Tracker{{Kind: vrrp.TrackInterface, Name: "eth2"}}},
	{name: "last standing, all equal, 100ms", share: 0.02, interval: 100 * time.Millisecond, priorities: []uint8{100, 100, 100}, preempt: true, family: event.IPv6,
		lastStanding: true, track: []vrrp.Tracker{{Kind: vrrp.TrackInterface, Name: "eth2"}}, listed: []vrrp.Tracker{{Kind: vrrp.TrackCheck, Name: "disk"}}},
	{name: "probe, two routers, 1s", share: 0.2, interval: time.Second, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4,
		routers: 2, probe: 50 * time.Millisecond},
	{name: "probe, all equal, IPv6, 300ms", share: 0.05, interval: 300 * time.Millisecond, priorities: []uint8{100, 100, 100}, family: event.IPv6,
		probe: 50 * time.Millisecond},
	{name: "probe and fence, 1s", share: 0.05, interval: time.Second, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4,
		routers: 2, probe: 50 * time.Millisecond, fence: &vrrp.Fence{Timeout: fenceTimeout}},
	{name: "probe and fence, three routers, 1s", share: 0.05, interval: time.Second, priorities: []uint8{150, 100, 50}, preempt: true, family: event.IPv4,
		probe: 50 * time.Millisecond, fence: &vrrp.Fence{Timeout: fenceTimeout}},
	{name: "VRRPv2", share: 0.05, interval: time.Second, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4,
		versions: []wire.Version{wire.V2, wire.V2}},
}

// secured is the authentication of the LANs that use one.
var secured = &vrrp.HMAC{Keys: map[uint8]wire.Secret{1: secret(1)}, Active: 1, Window: 5 * time.Second}

// secret returns the n-th key.
func secret(n byte) wire.Secret {
	key := make([]byte, wire.MinKey)
	key[0] = n
	return wire.NewSecret(key)
}
