package sim

import (
	"fmt"
	"hash/fnv"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// pair returns a settled LAN of two routers that advertise every 100 ms, watched by a Check. r1
// is Active.
func pair(t *testing.T, seed uint64) (*World, *Check) {
	t.Helper()
	s := setup{interval: 100 * time.Millisecond, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4}
	w := lan(seed, s)
	check := NewCheck(w)
	play(w, 2*time.Second)
	if !w.Routers[0].active() {
		t.Fatal("r1 is not Active after two seconds")
	}
	return w, check
}

func play(w *World, d time.Duration) { w.Run(w.Now().Add(d)) }

// permutations returns all orders of 0 to n-1.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for at := range n {
			q := append(append(append([]int(nil), p[:at]...), n-1), p[at:]...)
			all = append(all, q)
		}
	}
	return all
}

// TestAllCablesOutAndIn checks pulling all four cables and plugging them in again, in any order
// and at any pace. No router stays Active once it knows that it has no link, and one router is
// Active at the latest an Active_Down_Interval and a second after the last plug.
func TestAllCablesOutAndIn(t *testing.T) {
	for _, pace := range []time.Duration{0, 3 * time.Millisecond, 150 * time.Millisecond} {
		for i, out := range permutations(4) {
			for j, in := range permutations(4) {
				w, check := pair(t, uint64(i*24+j))
				cables := []*Port{
					w.Routers[0].Port("eth0"), w.Routers[0].Port("eth1"), w.Routers[1].Port("eth0"), w.Routers[1].Port("eth1"),
				}
				story := fmt.Sprintf("out %v, in %v, %v apart", out, in, pace)
				for _, c := range out {
					cables[c].Pull()
					play(w, pace)
				}
				play(w, confirmed)
				for range 10 {
					for _, r := range w.Routers {
						if r.active() {
							t.Errorf("%s: %s is Active without any cable", story, r.Name)
						}
					}
					play(w, 100*time.Millisecond)
				}
				for _, c := range in {
					play(w, pace)
					cables[c].Plug()
				}
				play(w, check.Settle()+time.Second)
				check.Rest()
				for _, v := range check.Violations {
					t.Errorf("%s: %s", story, v)
				}
			}
		}
	}
}

// TestCableOfTheActive checks that the whole group moves when one cable of the Active is pulled,
// a Skew_Time after the Active learned of it, and moves back when the cable is plugged in again.
func TestCableOfTheActive(t *testing.T) {
	for _, name := range []string{"eth0", "eth1"} {
		for seed := range uint64(20) {
			w, check := pair(t, seed)
			first, second := w.Routers[0], w.Routers[1]
			var moved time.Time
			w.OnEvent = func(r *Router, e event.Event) {
				if e, ok := e.(event.GroupTransition); ok && r == second && e.To == event.Active {
					moved = w.Now()
				}
			}
			pulled := w.Now()
			first.Port(name).Pull()
			play(w, time.Second)
			// Learning, resigning and the way over the wire take less than a millisecond.
			limit := confirmed + vrrp.SkewTime(100, 100*time.Millisecond) + time.Millisecond
			if took := moved.Sub(pulled); moved.IsZero() || took > limit {
				t.Errorf("%s, seed %d: the group moved after %v, want at most %v", name, seed, took, limit)
			}
			check.Rest()
			first.Port(name).Plug()
			play(w, check.Settle()+time.Second)
			check.Rest()
			for _, v := range check.Violations {
				t.Errorf("%s, seed %d: %s", name, seed, v)
			}
		}
	}
}

// TestUnnoticedCable checks that a router that has not noticed that its cable is unplugged tests
// the link before it takes over, and then does not.
func TestUnnoticedCable(t *testing.T) {
	for seed := range uint64(20) {
		w, check := pair(t, seed)
		backup := w.Routers[1]
		for _, p := range backup.ports {
			p.Late = time.Hour
			p.Pull()
		}
		play(w, 5*time.Second)
		if got := backup.group().State(); got != event.Fault {
			t.Errorf("seed %d: the Backup without cables is %v", seed, got)
		}
		for _, v := range check.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
}

// TestSendsRefused checks that an Active whose sends are refused yields to the router that took
// over because it heard nothing, and becomes Active again after it has retried.
func TestSendsRefused(t *testing.T) {
	w, check := pair(t, 1)
	first, second := w.Routers[0], w.Routers[1]
	refuse := func(refuses bool) {
		for _, p := range first.ports {
			p.Refuses = refuses
		}
		w.disturb()
	}
	refuse(true)
	play(w, check.Settle()+300*time.Millisecond)
	if first.active() || !second.active() {
		t.Errorf("while r1 cannot send: r1 is %v and r2 is %v", first.group().State(), second.group().State())
	}
	refuse(false)
	play(w, faultRetry+2*check.Settle())
	check.Rest()
	for _, v := range check.Violations {
		t.Error(v)
	}
}

// TestSendsRefusedForLong checks a preferred router that can send nothing for a virtual hour. It
// leaves the addresses to the other router while that serves, takes them when the other is gone,
// and returns them when the other comes back.
func TestSendsRefusedForLong(t *testing.T) {
	w, check := pair(t, 1)
	first, second := w.Routers[0], w.Routers[1]
	for _, p := range first.ports {
		p.Refuses = true
	}
	w.disturb()
	play(w, check.Settle()+300*time.Millisecond)
	moves := 0
	w.OnEvent = func(r *Router, e event.Event) {
		if _, ok := e.(event.GroupTransition); ok {
			moves++
		}
	}
	for range 3600 {
		play(w, time.Second)
		if first.holds() || !second.active() {
			t.Fatalf("at %v r1, which cannot send, is %v and holds %v; r2 is %v",
				w.now, first.group().State(), first.holds(), second.group().State())
		}
	}
	if moves != 0 {
		t.Errorf("r1 made %d transitions while r2 served, want none", moves)
	}
	second.Crash()
	play(w, 3*check.Settle())
	if !first.active() || !first.holds() {
		t.Errorf("r1, which cannot send, is %v while no other router serves", first.group().State())
	}
	second.Start()
	play(w, 3*check.Settle())
	if first.active() || !second.active() {
		t.Errorf("after the return of r2: r1 is %v and r2 is %v", first.group().State(), second.group().State())
	}
}

// trace returns a checksum of everything that all routers log in a virtual hour of chaos.
func trace(seed uint64) (lines int, sum uint64, first string) {
	s := setups[2]
	w, h := lan(seed, s), fnv.New64a()
	var head []string
	w.OnEvent = func(r *Router, e event.Event) {
		line := fmt.Sprintln(w.Elapsed(), r.Name, e.Name(), e.Message(), e.Fields())
		_, _ = h.Write([]byte(line))
		if lines++; lines <= 200 {
			head = append(head, line)
		}
	}
	chaos := &Chaos{World: w, Quiet: time.Second, OnQuiet: func() {}, OnResume: func(*Router) {}}
	chaos.Begin()
	play(w, time.Hour)
	return lines, h.Sum64(), strings.Join(head, "")
}

// TestReplay checks that the same seed reproduces every line of the logs, and that another seed
// does not.
func TestReplay(t *testing.T) {
	lines, one, first := trace(7)
	if lines < 100 {
		t.Fatalf("the run logged only %d events", lines)
	}
	for range 3 {
		if n, again, head := trace(7); again != one || n != lines {
			t.Fatalf("the same seed logged %d events, then %d; the first run began\n%s\nand the second\n%s", lines, n, first, head)
		}
	}
	if _, other, _ := trace(8); other == one {
		t.Error("another seed logged the same events")
	}
}

// TestSwitchReboots checks a reboot of the switch of all routers whose ports open one after
// another. No router is Active behind a port that does not forward. One router is Active within
// an Active_Down_Interval and a second after two ports forward, or one port if another device is
// connected.
func TestSwitchReboots(t *testing.T) {
	s := setup{
		interval: 100 * time.Millisecond, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4,
		recovery: vrrp.Recovery{Adverts: 2, Wait: 35 * time.Second}, blocked: 6 * time.Second,
	}
	for seed := range uint64(40) {
		w := lan(seed, s)
		check := NewCheck(w)
		play(w, 2*time.Second)
		host := seed%2 == 0
		for _, seg := range w.Segments {
			seg.Host = host
			for _, p := range seg.ports {
				p.Pull()
			}
		}
		play(w, time.Second)
		const apart = 700 * time.Millisecond
		first := w.now
		if !host {
			first = first.Add(apart) // only then is there a device to probe
		}
		for _, r := range w.Routers {
			r.Port("eth0").Plug()
			r.Port("eth1").Plug()
			play(w, apart)
		}
		for _, r := range w.Routers {
			if r.active() {
				t.Errorf("seed %d: %s is Active while all ports are blocked", seed, r.Name)
			}
		}
		w.Run(first.Add(s.blocked + vrrp.ActiveDownInterval(100, s.interval, 3) + time.Second))
		if !w.Routers[0].active() && !w.Routers[1].active() {
			t.Errorf("seed %d: nobody is Active", seed)
		}
		play(w, 2*time.Second)
		check.Rest()
		for _, v := range check.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
}
