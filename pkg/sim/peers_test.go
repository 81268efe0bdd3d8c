package sim

import (
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// TestPeerMissing checks unicast peers where one router is missing from the list of another.
// Nothing is wrong while the best router serves, since all hear it. When it dies there are two
// Actives, and the router with the short list logs whose adverts it rejects.
func TestPeerMissing(t *testing.T) {
	s := setup{interval: time.Second, priorities: []uint8{150, 100, 50}, preempt: true, family: event.IPv4, unicast: true}
	w := wired(1, s)
	second := w.Routers[1]
	for i := range second.groups[0].Members {
		u := &second.groups[0].Members[i].Unicast
		u.Peers = []netip.Addr{u.Peers[0]} // not r3
	}
	counts := countEvents(w, nil)
	for _, r := range w.Routers {
		r.Start()
	}
	play(w, time.Minute)
	if !w.Routers[0].active() || second.active() || w.Routers[2].active() {
		t.Error("r1 is not the only Active")
	}
	w.Routers[0].Crash()
	play(w, 10*time.Second)
	if !second.active() || !w.Routers[2].active() || counts["r2 not-a-peer"] == 0 {
		t.Errorf("r2 is Active: %v, r3 is Active: %v; logged %v", second.active(), w.Routers[2].active(), counts)
	}
	w.Routers[0].Start()
	play(w, 10*time.Second)
	if !w.Routers[0].active() || second.active() || w.Routers[2].active() {
		t.Error("after its return r1 is not the only Active")
	}
}

// versions is a LAN of VRRPv3 routers, which a VRRPv2 router of the highest priority joins.
var versions = setup{
	interval: time.Second, priorities: []uint8{150, 100, 200}, preempt: true, family: event.IPv4,
	versions: []wire.Version{wire.V3, wire.V3, wire.V2},
}

// TestOtherVersionJoins checks that a router of the other version stays Backup while a router of
// the first version serves, whatever the priorities, and logs that. It takes over when none of
// them serves, and then the others stay Backup.
func TestOtherVersionJoins(t *testing.T) {
	w := wired(1, versions)
	check := NewCheck(w)
	counts := countEvents(w, check)
	first, second, other := w.Routers[0], w.Routers[1], w.Routers[2]
	first.Start()
	second.Start()
	play(w, 10*time.Second)
	other.Start()
	play(w, 5*time.Minute)
	if !first.active() || second.active() || other.active() || counts["r3 holds version"] < 4 {
		t.Errorf("r1, r2 and r3 are Active: %v, %v and %v; logged %v", first.active(), second.active(), other.active(), counts)
	}
	first.Crash()
	second.Crash()
	play(w, vrrp.ActiveDownInterval(200, time.Second, 3)+fresh)
	if !other.active() {
		t.Error("r3 is not Active in time")
	}
	first.Start()
	second.Start()
	play(w, 5*time.Minute)
	if first.active() || second.active() || !other.active() || counts["r1 holds version"] < 4 {
		t.Errorf("r1, r2 and r3 are Active: %v, %v and %v; logged %v", first.active(), second.active(), other.active(), counts)
	}
	check.Rest()
	for _, v := range check.Violations {
		t.Error(v)
	}
}

// TestOtherVersionTookOver checks that an Active that was asleep yields to a router of the other
// version that took over meanwhile.
func TestOtherVersionTookOver(t *testing.T) {
	for seed := range uint64(20) {
		w := wired(seed, versions)
		check := NewCheck(w)
		first, other := w.Routers[0], w.Routers[2]
		first.Start()
		play(w, 10*time.Second)
		other.Start()
		play(w, 10*time.Second)
		stop := first.Freeze
		if seed%2 == 0 {
			stop = first.Pause
		}
		stop()
		play(w, 10*time.Second)
		first.Resume()
		play(w, 10*time.Second)
		if first.active() || !other.active() {
			t.Errorf("seed %d: after the pause r1 Active: %v, r3 Active: %v", seed, first.active(), other.active())
		}
		for _, v := range check.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
}

// TestSendsRefusedBesideTheOtherVersion checks that an Active whose sends are refused yields to a
// router of the other version, which took over because it heard nothing.
func TestSendsRefusedBesideTheOtherVersion(t *testing.T) {
	w := lan(1, versions)
	check := NewCheck(w)
	play(w, 10*time.Second)
	for _, r := range w.Routers {
		if !r.active() {
			continue
		}
		for _, p := range r.ports {
			p.Refuses = true
		}
		w.disturb()
		play(w, check.Settle()+3*time.Second)
		if r.active() {
			t.Errorf("%s cannot send and is still Active", r.Name)
		}
		for _, p := range r.ports {
			p.Refuses = false
		}
		break
	}
	play(w, faultRetry+2*check.Settle())
	check.Rest()
	for _, v := range check.Violations {
		t.Error(v)
	}
}

// TestPeersCloned checks three unicast peers where the configuration of the best was copied from
// the second, and that of the second from the third. The second rightly rejects the adverts of
// the best, since they come from the address that it was configured with itself. Rejecting
// adverts from an address that no router has would violate an invariant.
func TestPeersCloned(t *testing.T) {
	for _, strange := range []bool{false, true} {
		w := lan(1, setup{interval: 100 * time.Millisecond, priorities: []uint8{150, 100, 50}, preempt: true, family: event.IPv4, unicast: true})
		check := NewCheck(w)
		counts := countEvents(w, check)
		play(w, 2*time.Second)
		first, second, third := w.Routers[0].Port("eth1"), w.Routers[1].Port("eth1"), w.Routers[2].Port("eth1")
		second.SetSources(third.own)
		if first.SetSources(second.own); strange {
			first.SetSources(single(netip.MustParseAddr("192.0.100.99")))
		}
		play(w, 200*time.Millisecond)
		if counts["r2 not-a-peer"] == 0 || (len(check.Violations) > 0) != strange {
			t.Errorf("source of nobody %v: logged %v, violations %v", strange, counts, check.Violations)
		}
	}
}
