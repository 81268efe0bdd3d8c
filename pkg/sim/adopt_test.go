package sim

import (
	"testing"
	"time"

	"ripcord/pkg/adopt"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// TestDaemonDies checks that a daemon that dies or hands over, and starts again within one and a
// half intervals, causes no transition. A daemon that starts later begins without a record, and
// the other router serves.
func TestDaemonDies(t *testing.T) {
	for _, c := range []struct {
		away     time.Duration
		handover bool
		adopted  int
	}{
		{20 * time.Millisecond, false, 1}, {40 * time.Millisecond, true, 1}, {151 * time.Millisecond, false, 0}, {2 * time.Second, true, 0},
	} {
		w, check := pair(t, 1)
		a, b := w.Routers[0], w.Routers[1]
		before, since := check.Takeovers, a.group().Status(w.now).Since
		a.Die(c.handover)
		play(w, c.away)
		a.Start()
		if a.active() != (c.adopted > 0) || check.Adopted != c.adopted {
			t.Errorf("down for %v: Active at once is %v, and %d groups were adopted", c.away, a.active(), check.Adopted)
		}
		if got := a.group().Status(w.now).Since; c.adopted > 0 && !got.Equal(since) {
			t.Errorf("down for %v: Active since %v, want %v", c.away, got, since)
		}
		for range 100 {
			play(w, 10*time.Millisecond)
			if c.adopted > 0 && (!a.active() || b.active()) {
				t.Fatalf("down for %v: the other router took over", c.away)
			}
		}
		if (check.Takeovers == before) != (c.adopted > 0) {
			t.Errorf("down for %v: %d takeovers, want none", c.away, check.Takeovers-before)
		}
		play(w, check.Settle()+time.Second)
		check.Rest()
		for _, v := range check.Violations {
			t.Errorf("down for %v: %s", c.away, v)
		}
	}
}

// TestAdoptedKnowsNoStartupDelay checks that a group that was adopted and soon yields becomes
// Active again as soon as the protocol permits, while a group that starts without a record waits
// for its startup_delay.
func TestAdoptedKnowsNoStartupDelay(t *testing.T) {
	for _, adopted := range []bool{true, false} {
		w := lan(1, setup{
			interval: 100 * time.Millisecond, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4, startupDelay: 2 * time.Second,
		})
		check := NewCheck(w)
		play(w, 5*time.Second)
		a, b := w.Routers[0], w.Routers[1]
		if adopted {
			a.Die(false)
		} else {
			a.Crash()
		}
		play(w, 20*time.Millisecond)
		a.Start()
		a.Release("edge")
		play(w, 500*time.Millisecond)
		if a.active() || !b.active() {
			t.Fatalf("adopted %v: the other router has not taken over", adopted)
		}
		a.Readmit("edge")
		play(w, time.Second)
		if a.active() != adopted {
			t.Errorf("adopted %v: Active before the end of its startup_delay: %v", adopted, a.active())
		}
		play(w, 2*time.Second)
		if !a.active() {
			t.Errorf("adopted %v: the router did not become Active again", adopted)
		}
		for _, v := range check.Violations {
			t.Errorf("adopted %v: %s", adopted, v)
		}
	}
}

// TestChangesAreNotAdopted checks that a group is not adopted after a loss of power, however
// short, since the record is lost, nor if anything changed since the record was written.
func TestChangesAreNotAdopted(t *testing.T) {
	w, check := pair(t, 1)
	a := w.Routers[0]
	a.Crash()
	play(w, 20*time.Millisecond)
	a.Start()
	if a.active() || check.Adopted > 0 {
		t.Error("the router was adopted as Active after a loss of power")
	}
	for _, c := range []struct {
		name   string
		change func(*Router)
	}{
		{"a cable is out", func(r *Router) { r.Port("eth0").Pull() }},
		{"it is released", func(r *Router) { r.Release(r.groups[0].Title()) }},
		{"it has another configuration", func(r *Router) { r.Reload(withPriority(140)) }},
		{"an address is gone", func(r *Router) { r.FailPlacement("inside", vrrp.Total) }},
	} {
		w, check := pair(t, 1)
		a := w.Routers[0]
		a.Die(false)
		play(w, 20*time.Millisecond)
		c.change(a)
		play(w, 10*time.Millisecond)
		a.Start()
		if a.active() || check.Adopted > 0 {
			t.Errorf("%s: the router was adopted as Active after a change", c.name)
		}
		play(w, check.Settle()+time.Second)
		for _, v := range check.Violations {
			t.Errorf("%s: %s", c.name, v)
		}
	}
}

// TestBackupRecallsTheActive checks that a Backup whose daemon ends in any way while the Active's
// power is lost fences that Active after its next start, and takes over only then. If the record is
// too old or was lost with the power, it does not.
func TestBackupRecallsTheActive(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(r *Router)
		away   time.Duration
		fenced bool
	}{
		"it crashes":                       {func(r *Router) { r.Die(false) }, time.Second, true},
		"it hands over":                    {func(r *Router) { r.Die(true) }, time.Second, true},
		"it stops":                         {(*Router).Stop, time.Second, true},
		"it is away for as long as can be": {(*Router).Stop, adopt.RecallWithin, true},
		"it is away for too long":          {(*Router).Stop, adopt.RecallWithin + time.Millisecond, false},
		"it loses its power":               {(*Router).Crash, time.Second, false},
	} {
		w := lan(1, setup{
			interval: 100 * time.Millisecond, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4, fence: &vrrp.Fence{Timeout: fenceTimeout},
		})
		check := NewCheck(w)
		play(w, 5*time.Second)
		a, b := w.Routers[0], w.Routers[1]
		if !a.active() || b.group().State() != event.Backup {
			t.Fatalf("%s: the LAN begins with %v and %v", name, a.group().State(), b.group().State())
		}
		c.end(b)
		a.Crash()
		play(w, c.away)
		b.Start()
		fenced := check.Fenced
		for !b.active() && w.now.Sub(b.started) < 5*time.Second {
			play(w, time.Millisecond)
		}
		if took := w.now.Sub(b.started); !b.active() || (check.Fenced > fenced) != c.fenced {
			t.Errorf("%s: Active after %v: %v; fenced before: %v, want %v", name, took, b.active(), check.Fenced > fenced, c.fenced)
		}
		a.Start()
		play(w, check.Settle()+time.Second)
		check.Rest()
		for _, v := range check.Violations {
			t.Errorf("%s: %s", name, v)
		}
	}
}

// TestRecalledActiveLives checks that a Backup whose daemon restarts does not fence an Active that
// it hears again, nor one that resigns before that.
func TestRecalledActiveLives(t *testing.T) {
	for _, resigns := range []bool{false, true} {
		w := lan(1, setup{
			interval: time.Second, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4, fence: &vrrp.Fence{Timeout: fenceTimeout},
		})
		check := NewCheck(w)
		play(w, 10*time.Second)
		a, b := w.Routers[0], w.Routers[1]
		b.Die(false)
		play(w, 100*time.Millisecond)
		b.Start()
		if resigns {
			a.Release("edge")
		}
		play(w, 10*time.Second)
		if check.Fenced > 0 || b.active() != resigns {
			t.Errorf("resigns %v: %d fences, and the other router is %v", resigns, check.Fenced, b.group().State())
		}
		for _, v := range check.Violations {
			t.Errorf("resigns %v: %s", resigns, v)
		}
	}
}
