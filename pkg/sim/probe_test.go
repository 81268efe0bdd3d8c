package sim

import (
	"testing"
	"time"

	"ripcord/pkg/event"
)

// probed returns a settled LAN whose Backups probe the machine of the Active. r1 is Active.
func probed(t *testing.T, seed uint64, priorities ...uint8) (*World, *Check, map[string]int) {
	t.Helper()
	w := lan(seed, setup{
		interval: time.Second, priorities: priorities, preempt: true, family: event.IPv4, routers: 2, probe: 50 * time.Millisecond,
	})
	check := NewCheck(w)
	counts := countEvents(w, check)
	play(w, 20*time.Second)
	if !w.Routers[0].active() {
		t.Fatal("r1 is not Active")
	}
	return w, check, counts
}

// overlap returns a function that returns the longest time that two routers were Active at once.
func overlap(w *World) func() time.Duration {
	var since time.Time
	var longest time.Duration
	look := w.OnTurn
	w.OnTurn = func(r *Router) {
		if look != nil {
			look(r)
		}
		active := 0
		for _, o := range w.Routers {
			if o.active() {
				active++
			}
		}
		switch {
		case active < 2:
			if !since.IsZero() {
				longest = max(longest, w.now.Sub(since))
			}
			since = time.Time{}
		case since.IsZero():
			since = w.now
		}
	}
	return func() time.Duration {
		if !since.IsZero() {
			return max(longest, w.now.Sub(since))
		}
		return longest
	}
}

// TestProbePowerLost checks that a router that loses power is replaced within four intervals of
// the probe and the time to verify. If three routers are all configured as one of two it is
// replaced at once: both Backups take over, and one yields at the first advert of the other.
func TestProbePowerLost(t *testing.T) {
	for name, priorities := range map[string][]uint8{"two": {150, 100}, "three configured as two": {150, 100, 50}} {
		for seed := range uint64(50) {
			w, check, counts := probed(t, seed, priorities...)
			both := overlap(w)
			play(w, time.Duration(seed*37)*time.Millisecond)
			at := w.now
			w.Routers[0].Crash()
			for !w.Routers[1].active() && w.now.Sub(at) < 10*time.Second {
				play(w, time.Millisecond)
			}
			took := w.now.Sub(at)
			play(w, 5*time.Second)
			if took > 215*time.Millisecond || !w.Routers[1].active() || both() > 5*time.Millisecond {
				t.Errorf("%s, seed %d: r2 was Active after %v, and two routers were Active for %v; logged %v", name, seed, took, both(), counts)
			}
			if len(priorities) > 2 && w.Routers[2].active() {
				t.Errorf("%s, seed %d: r3 is Active", name, seed)
			}
			for _, v := range check.Violations {
				t.Errorf("%s, seed %d: %s", name, seed, v)
			}
		}
	}
}

// TestProbeDeafToLowerPriority checks a Backup that has missed on one segment that the Active
// lowered its priority again. It takes over both members when it finds on the other segment that
// the machine of the Active is dead.
func TestProbeDeafToLowerPriority(t *testing.T) {
	for seed := range uint64(20) {
		w, check, counts := probed(t, seed, 150, 100)
		r1, r2 := w.Routers[0], w.Routers[1]
		r1.Reload(withPriority(173))
		play(w, 100*time.Millisecond)
		r2.Port("eth1").Deaf = 1
		r1.Reload(withPriority(150))
		play(w, 1230*time.Millisecond)
		r1.Freeze()
		play(w, 300*time.Millisecond)
		if check.Dead != 1 || !r2.active() {
			t.Errorf("seed %d: %d machines were declared dead; r2 is Active: %v; logged %v", seed, check.Dead, r2.active(), counts)
		}
		for _, v := range check.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
}

// TestProbeDisturbed checks the probe while the LAN is disturbed, with an Active that lives and
// with one that dies.
func TestProbeDisturbed(t *testing.T) {
	for _, c := range []struct {
		name      string
		disturb   func(w *World)
		dead      int           // the number of times the machine of r1 is declared dead
		both      time.Duration // the limit of the time with two Actives
		successor bool          // r2 is Active at the end
	}{
		{name: "all ARP is lost", disturb: func(w *World) { w.Segments[0].ARPLoss, w.Segments[1].ARPLoss = 1, 1 }},
		{name: "a fifth of all frames is lost", disturb: func(w *World) { w.Segments[0].Loss, w.Segments[1].Loss = 0.1, 0.1 }}, // each way
		{name: "no advert is lost, and half of ARP", disturb: func(w *World) { w.Segments[0].ARPLoss, w.Segments[1].ARPLoss = 0.3, 0.3 }},
		{name: "all adverts are lost", disturb: func(w *World) { w.Segments[0].AdvertLoss, w.Segments[1].AdvertLoss = 1, 1 }, both: time.Hour, successor: true},
		{name: "a host answers for the dead", disturb: func(w *World) {
			w.Segments[0].Proxy = true
			w.Routers[0].Crash()
		}, successor: true},
		{name: "the Backup is cut off", disturb: func(w *World) {
			for _, p := range w.Routers[1].ports {
				p.Deaf, p.Mute = 1, 1
			}
		}, both: time.Hour, successor: true},
		{name: "the process of the Active stops", disturb: func(w *World) { w.Routers[0].Pause() }, both: time.Hour, successor: true},
		{name: "the machine of the Active stands still", disturb: func(w *World) {
			r := w.Routers[0]
			r.Freeze()
			w.After(300*time.Millisecond, r.Resume)
		}, dead: 1, both: 1100 * time.Millisecond},
		{name: "this machine stands still", disturb: func(w *World) {
			r := w.Routers[1]
			r.Freeze()
			w.After(300*time.Millisecond, r.Resume)
		}},
		{name: "the loop of the Backup hangs", disturb: func(w *World) {
			r := w.Routers[1]
			r.Hang()
			w.After(300*time.Millisecond, r.Wake)
		}},
	} {
		for seed := range uint64(20) {
			w, check, counts := probed(t, seed, 150, 100)
			both := overlap(w)
			c.disturb(w)
			play(w, 20*time.Second)
			if check.Dead != c.dead || check.Suspended != c.dead || both() > c.both {
				t.Errorf("%s, seed %d: %d machines were declared dead, %d of them wrongly, want %d in all; two routers were Active for %v; logged %v",
					c.name, seed, check.Dead, check.Suspended, c.dead, both(), counts)
			}
			if got := w.Routers[1].active(); got != c.successor {
				t.Errorf("%s, seed %d: r2 is Active: %v", c.name, seed, got)
			}
		}
	}
}
