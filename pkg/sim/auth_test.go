package sim

import (
	"fmt"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// signing is a LAN of two routers that sign an advert each second. r1 has the higher priority.
var signing = setup{interval: time.Second, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4, hmac: secured}

// countEvents counts the events of all routers of a world, and passes them on to the check.
func countEvents(w *World, check *Check) map[string]int {
	counts := make(map[string]int)
	w.OnEvent = func(r *Router, e event.Event) {
		if check != nil {
			check.Event(r, e)
		}
		counts[r.Name+" "+e.Name()]++
		switch e := e.(type) {
		case event.GroupTransition:
			counts[fmt.Sprintf("%s %v", r.Name, e.To)]++
		case event.AdvertRejected:
			counts[r.Name+" "+e.Reason]++
		case event.InstanceHolding:
			counts[r.Name+" holds "+e.Reason]++
		}
	}
	return counts
}

// TestClockStepped checks that stepping a clock, within the window or beyond it, moves no group:
// a router that discards the adverts of the Active still knows that the Active is there, and logs
// it. Adverts of an Active whose clock is set back beyond the window look like a recording
// (docs/authentication.md). If the Active dies the Backup takes over in time, and once the clock
// is right there is one Active.
func TestClockStepped(t *testing.T) {
	const active, backup = 0, 1
	for _, c := range []struct {
		who  int
		step time.Duration
		logs string // the event and the router that logs it; empty: none
		two  bool
	}{
		{active, 2 * time.Second, "", false},
		{active, -2 * time.Second, "", false},
		{backup, 2 * time.Second, "", false},
		{backup, -2 * time.Second, "", false},
		{active, 4 * time.Second, "r2 auth.skew", false},
		{backup, 4 * time.Second, "r2 auth.skew", false},
		{backup, -4 * time.Second, "r2 auth.skew", false},
		{active, 30 * time.Second, "r2 holds skew", false},
		{backup, 30 * time.Second, "r2 holds skew", false},
		{backup, -30 * time.Second, "r2 holds skew", false},
		{backup, 365 * 24 * time.Hour, "r2 holds skew", false},
		{active, -30 * time.Second, "r2 auth.skew", true},
		{active, -365 * 24 * time.Hour, "r2 auth.skew", true},
	} {
		for _, dies := range []bool{false, true} {
			w := lan(1, signing)
			check := NewCheck(w)
			play(w, time.Minute)
			counts := countEvents(w, check)
			r, first, second := w.Routers[c.who], w.Routers[0], w.Routers[1]
			r.SetClock(c.step)
			play(w, 50*time.Second)
			story := fmt.Sprintf("clock of %s stepped by %v", r.Name, c.step)
			if first.active() != true || second.active() != c.two {
				t.Errorf("%s: r1 and r2 are Active: %v and %v", story, first.active(), second.active())
			}
			if c.logs == "" && len(counts) > 0 || c.logs != "" && counts[c.logs] == 0 {
				t.Errorf("%s: logged %v, want %q", story, counts, c.logs)
			}
			if dies && !c.two {
				first.Crash()
				play(w, vrrp.ActiveDownInterval(100, time.Second, 3)+fresh)
				if !second.active() {
					t.Errorf("%s, r1 dead: r2 is not Active in time", story)
				}
			}
			r.SetClock(0)
			if first.core == nil {
				first.Start()
			}
			play(w, 30*time.Second)
			check.Rest()
			for _, v := range check.Violations {
				t.Errorf("%s: %s", story, v)
			}
		}
	}
}

// TestClocksSetTogether checks that no group moves when the clocks of all routers are wrong by
// the same amount and are corrected together.
func TestClocksSetTogether(t *testing.T) {
	for _, wrong := range []time.Duration{30 * time.Second, -30 * time.Second} {
		w := lan(1, signing)
		check := NewCheck(w)
		play(w, 20*time.Second)
		counts := countEvents(w, check)
		for _, ahead := range []time.Duration{wrong, 0} {
			for _, r := range w.Routers {
				r.SetClock(ahead)
			}
			play(w, 20*time.Second)
		}
		if len(counts) > 0 {
			t.Errorf("clocks wrong by %v, then corrected: logged %v", wrong, counts)
		}
		check.Rest()
	}
}

// TestOwnerIsHeldByNobody checks that an owner that comes back always becomes Active. Neither an
// Active with a wrong clock nor one with the other version keeps it Backup, and the Active logs
// that there are two.
func TestOwnerIsHeldByNobody(t *testing.T) {
	byClock, byVersion := signing, versions
	byClock.priorities, byClock.clocks = []uint8{255, 100}, []time.Duration{-30 * time.Second, 0}
	byVersion.priorities, byVersion.versions = []uint8{255, 100}, []wire.Version{wire.V3, wire.V2}
	for _, s := range []setup{byClock, byVersion} {
		s.startupDelay = 3 * time.Second // the owner hears the others before it is Active
		w := wired(1, s)
		owner, other := w.Routers[0], w.Routers[1]
		counts := countEvents(w, nil)
		other.Start()
		play(w, 10*time.Second)
		owner.Start()
		play(w, s.startupDelay+2*time.Second)
		if !owner.active() || !other.active() || counts["r2 advert.rival"] == 0 {
			t.Errorf("the owner is Active: %v; logged %v", owner.active(), counts)
		}
	}
}

// restart stops a router orderly, and starts it with a different authentication.
func restart(r *Router, h vrrp.HMAC) {
	r.loop.absorb(vrrp.Stop{Cause: r.minter.Cause(r.world.now)})
	r.Crash()
	for i := range r.groups[0].Members {
		r.groups[0].Members[i].HMAC = &h
	}
	play(r.world, 100*time.Millisecond)
	r.Start()
	play(r.world, 20*time.Second)
}

// TestSweeps checks the three restarts of all routers that introduce signed adverts, and the
// three that change the key: no advert is rejected, and there is always one Active.
func TestSweeps(t *testing.T) {
	one, two := map[uint8]wire.Secret{1: secret(1)}, map[uint8]wire.Secret{2: secret(2)}
	both := map[uint8]wire.Secret{1: secret(1), 2: secret(2)}
	plain := signing
	plain.hmac, plain.priorities = nil, []uint8{150, 100, 50}
	w := lan(1, plain)
	check := NewCheck(w)
	counts := countEvents(w, check)
	play(w, 20*time.Second)
	for _, sweep := range []vrrp.HMAC{
		{Keys: one, Active: 1, Window: 5 * time.Second, Mode: vrrp.ReceiveOnly},
		{Keys: one, Active: 1, Window: 5 * time.Second, Mode: vrrp.Permissive},
		{Keys: one, Active: 1, Window: 5 * time.Second, Mode: vrrp.Enforce},
		{Keys: both, Active: 1, Window: 5 * time.Second},
		{Keys: both, Active: 2, Window: 5 * time.Second},
		{Keys: two, Active: 2, Window: 5 * time.Second},
	} {
		for _, r := range w.Routers {
			restart(r, sweep)
			check.Rest()
			if n := counts["r1 advert.rejected"] + counts["r2 advert.rejected"] + counts["r3 advert.rejected"]; n > 0 {
				t.Fatalf("%s restarted in sweep %+v: logged %v", r.Name, sweep, counts)
			}
		}
	}
	for _, v := range check.Violations {
		t.Error(v)
	}
}

// TestKeyChangedAtOneSideFirst checks that two routers become Active, and log the reason, if one
// signs with a key before the others have it. When the others have the key there is one Active.
func TestKeyChangedAtOneSideFirst(t *testing.T) {
	w := lan(1, signing)
	counts := countEvents(w, nil)
	play(w, 20*time.Second)
	both := vrrp.HMAC{Keys: map[uint8]wire.Secret{1: secret(1), 2: secret(2)}, Active: 2, Window: 5 * time.Second}
	restart(w.Routers[0], both)
	if counts["r2 auth-unknown-key"] == 0 || !w.Routers[1].active() {
		t.Errorf("r2 is Active: %v; logged %v", w.Routers[1].active(), counts)
	}
	restart(w.Routers[1], both)
	if !w.Routers[0].active() || w.Routers[1].active() {
		t.Errorf("with the key on both: r1 and r2 are Active: %v and %v", w.Routers[0].active(), w.Routers[1].active())
	}
}

// TestClockPutRightDuringPause checks a Backup that is paused while the clock of the Active is
// first wrong and then corrected. When it continues it reads all the adverts at once, accepts
// those with the right time, and stays Backup.
func TestClockPutRightDuringPause(t *testing.T) {
	for _, wrong := range []time.Duration{20 * time.Second, -20 * time.Second} {
		w := lan(1, signing)
		check := NewCheck(w)
		play(w, 10*time.Second)
		first, second := w.Routers[0], w.Routers[1]
		second.Pause()
		first.SetClock(wrong)
		play(w, 5*time.Second)
		first.SetClock(0)
		play(w, 17*time.Second)
		second.Resume()
		for range 100 {
			play(w, 100*time.Millisecond)
			if !first.active() || second.active() {
				t.Fatalf("clock %v wrong: at %v r1 is %v, r2 %v", wrong, w.Elapsed(), first.group().State(), second.group().State())
			}
		}
		for _, v := range check.Violations {
			t.Errorf("clock %v wrong: %s", wrong, v)
		}
	}
}
