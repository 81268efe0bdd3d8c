package sim

import (
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// TestResignationBesideASmallerGroup checks a reload that removes a member from the group of r3.
// r3 becomes Active of the remaining member beside a router of equal priority, which yields and
// resigns on the segment that r3 has left. The third router may mistake that for the resignation
// of r3 and take over, until it hears r3; so may the first when the third resigns. The same two
// addresses mislead no router twice.
func TestResignationBesideASmallerGroup(t *testing.T) {
	misled := 0
	for seed := range uint64(40) {
		w := lan(seed, setup{interval: 100 * time.Millisecond, priorities: []uint8{100, 100, 100}, preempt: true, family: event.IPv6})
		check := NewCheck(w)
		play(w, 2*time.Second)
		third := w.Routers[2]
		third.removeLast()
		third.Release("edge")
		play(w, time.Second)
		third.Readmit("edge")
		play(w, time.Second)
		active := w.Routers[0]
		if !active.active() {
			active = w.Routers[1]
		}
		learnt := make(map[string]bool)
		w.OnEvent = func(r *Router, e event.Event) {
			check.Event(r, e)
			if e, ok := e.(event.GroupCascade); ok {
				lesson := r.Name + ": " + e.Message()
				if misled++; learnt[lesson] {
					t.Errorf("seed %d: misled twice: %s", seed, lesson)
				}
				learnt[lesson] = true
			}
		}
		for range 2 {
			port := third.Port("eth0")
			port.SetSources(active.Port("eth0").own) // so that neither hears the other
			play(w, 500*time.Millisecond+w.between(0, 100*time.Millisecond))
			port.SetSources(port.own)
			play(w, 2*time.Second)
		}
		if !third.active() || w.Routers[0].active() || w.Routers[1].active() {
			t.Errorf("seed %d: r3 is not the only Active", seed)
		}
		for _, v := range check.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
	if misled == 0 {
		t.Error("no router was misled in any run, so the test proves nothing")
	}
}

// TestAddressOfTheOtherVersion checks r2 sending from the address of r3, which speaks the other
// version. r3 becomes Active because it takes the adverts of r2 for its own. To r1 the two look
// like one router that sends both versions, until r2 has its own address again. From then on the
// adverts of r3 keep r1 Backup, unless r1's wait ends before it has missed an advert of r2.
func TestAddressOfTheOtherVersion(t *testing.T) {
	held, tookOver := 0, 0
	for seed := range uint64(40) {
		w := lan(seed, setup{interval: time.Second, priorities: []uint8{150, 100, 50}, preempt: true, family: event.IPv4,
			versions: []wire.Version{wire.V2, wire.V2, wire.V3}})
		check := NewCheck(w)
		play(w, 10*time.Second)
		first, second, third := w.Routers[0], w.Routers[1], w.Routers[2]
		third.removeLast()
		first.Release("edge")
		play(w, 2*time.Second+w.between(0, time.Second))
		port := second.Port("eth0")
		port.SetSources(third.Port("eth0").own)
		play(w, 5*time.Second)
		if !second.active() || !third.active() {
			t.Fatalf("seed %d: r2 is %v, r3 is %v", seed, second.group().State(), third.group().State())
		}
		first.Readmit("edge")
		play(w, 2*time.Second)
		port.SetSources(port.own)
		play(w, 2*time.Second)
		if first.active() {
			tookOver++
		} else {
			held++
		}
		for _, v := range check.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
	if held == 0 || tookOver == 0 {
		t.Errorf("r1 stayed Backup in %d runs and took over in %d, want some of each", held, tookOver)
	}
}
