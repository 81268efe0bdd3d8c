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

// pair is a LAN of two routers with adverts each 100 ms, watched by check, that
// has come to rest: r1 is Active.
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

// permutations are all orders of 0 to n-1.
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

// TestAllCablesOutAndIn checks that all four cables out and in again, in any order and at any
// pace: nobody is Active once it knows that nothing is linked, and one is at the latest an
// Active_Down_Interval and a second after the last plug.
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
							t.Errorf("%s: %s is Active, and no cable is in", story, r.Name)
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

// TestCableOfTheActive checks that one cable of the Active: the whole group moves when Skew_Time
// has passed since the router learned of it, and back when the cable is in again.
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
			// Learned, resigned, and on the wire for less than a millisecond.
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

// TestUnnoticedCable checks that a router whose cable is out, and that does not know it, asks
// before it takes over, and does not.
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

// TestSendsRefused checks that an Active whose sends are refused leaves it to the one that took
// over since it hears nothing, and comes back when the fault has been tried again.
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
		t.Errorf("while it cannot send: %v and %v", first.group().State(), second.group().State())
	}
	refuse(false)
	play(w, faultRetry+2*check.Settle())
	check.Rest()
	for _, v := range check.Violations {
		t.Error(v)
	}
}

// TestSendsRefusedForLong checks that a router that can send nothing for a virtual hour, and is
// preferred, leaves the addresses alone while the other serves, takes them when the other is
// gone, and gives them back when it returns.
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
			t.Fatalf("at %v it cannot send, is %v and holds %v; the other is %v",
				w.now, first.group().State(), first.holds(), second.group().State())
		}
	}
	if moves != 0 {
		t.Errorf("%d transitions while the other served", moves)
	}
	second.Crash()
	play(w, 3*check.Settle())
	if !first.active() || !first.holds() {
		t.Errorf("nobody serves: the one that cannot send is %v", first.group().State())
	}
	second.Start()
	play(w, 3*check.Settle())
	if first.active() || !second.active() {
		t.Errorf("after its return %v and %v", first.group().State(), second.group().State())
	}
}

// trace is what all routers say in a virtual hour of chaos.
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

// TestReplay checks that the same seed gives the same story to the last word, another seed
// another one.
func TestReplay(t *testing.T) {
	lines, one, first := trace(7)
	if lines < 100 {
		t.Fatalf("only %d events", lines)
	}
	for range 3 {
		if n, again, head := trace(7); again != one || n != lines {
			t.Fatalf("a run is not replayed: %d events, then %d; the first ones\n%s\nand then\n%s", lines, n, first, head)
		}
	}
	if _, other, _ := trace(8); other == one {
		t.Error("another seed gives the same story")
	}
}

// TestSwitchReboots checks that the switch of all routers reboots, and its ports open one after
// another: none is Active behind a port that forwards nothing, and one is within an
// Active_Down_Interval and a second of the first two ports that forward, or of one where
// somebody else is.
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
			first = first.Add(apart) // only then there is somebody to ask
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
