package monitor

import (
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/nic"
)

func TestCosts(t *testing.T) {
	const ms = time.Millisecond
	c := newCosts(time.Second)
	steady := func(d time.Duration) time.Duration {
		for range 200 {
			c.record(1, d)
		}
		return c.stretch(10*ms, c.load(1, 10*ms)).Round(ms)
	}
	for cost, want := range map[time.Duration]time.Duration{
		5 * time.Microsecond: 10 * ms, 90 * time.Microsecond: 10 * ms,
		200 * time.Microsecond: 20 * ms, ms: 100 * ms, 25 * ms: time.Second,
	} {
		c.average = map[uint64]time.Duration{}
		if got := steady(cost); got != want {
			t.Errorf("a question of %v every 10 ms: asked every %v, want %v", cost, got, want)
		}
	}
	if got := c.stretch(2*time.Second, 50); got != 2*time.Second {
		t.Errorf("a long period became %v", got)
	}
	c.average = map[uint64]time.Duration{}
	steady(5 * time.Microsecond)
	c.record(1, time.Second) // another process held the lock once
	if got := c.stretch(10*ms, c.load(1, 10*ms)); got != 10*ms {
		t.Errorf("one slow answer stretched the period to %v", got)
	}
	c.retain(func(uint64) bool { return false })
	if len(c.average) != 0 {
		t.Error("a device that is not asked any more is remembered")
	}
}

// stretched returns the lines about a period.
func (b *bench) stretched() []event.LinkStretched {
	var out []event.LinkStretched
	for _, e := range first(b.events.Take()) {
		if e, ok := e.(event.LinkStretched); ok {
			out = append(out, e)
		}
	}
	return out
}

// TestConfirmerStretches requires that many links share the allowed cost of asking, and that each
// period is logged.
func TestConfirmerStretches(t *testing.T) {
	onBench(t, func(b *bench) {
		b.monitor.Engage([]string{"eth0", "eth1"})
		time.Sleep(time.Second)
		if e := b.stretched(); len(e) != 0 {
			t.Fatalf("stretched %v", e)
		}
		b.answerIn(200 * time.Microsecond) // 2 links x 200 µs x 100/s = 4 %
		time.Sleep(3 * time.Second)
		b.took("eth0")
		time.Sleep(time.Second)
		if n := b.took("eth0"); n < 23 || n > 27 {
			t.Errorf("asked %d times in 1 s, want 25: 1 %% of the time", n)
		}
		if logged := b.stretched(); len(logged) != 0 {
			t.Errorf("logged too soon: %+v", logged)
		}
		if l := b.monitor.Links()[0]; l.Confirm.Round(time.Millisecond) != 40*time.Millisecond || !l.Stretched || l.Poll != 0 {
			t.Errorf("it shows a period of %v, stretched %v, polled every %v", l.Confirm, l.Stretched, l.Poll)
		}
		time.Sleep(time.Minute)
		logged := b.stretched()
		if len(logged) != 2 || logged[0].Interface == logged[1].Interface || logged[0].Restored || !strings.Contains(logged[0].Why, "RTNL") || logged[0].Period <= 20*time.Millisecond {
			t.Errorf("a minute of it was logged as %+v, want one line for each link", logged)
		}
		b.answerIn(0)
		time.Sleep(3 * time.Second)
		b.took("eth0")
		time.Sleep(time.Second)
		if n := b.took("eth0"); n < 99 || n > 102 {
			t.Errorf("asked %d times in 1 s when it was cheap again", n)
		}
		if l := b.monitor.Links()[0]; l.Confirm != 10*time.Millisecond || l.Stretched {
			t.Errorf("it shows a period of %v, stretched %v", l.Confirm, l.Stretched)
		}
		time.Sleep(time.Minute)
		if logged = b.stretched(); len(logged) != 2 || !logged[0].Restored || !logged[1].Restored || logged[0].Why != "asking is cheap again" {
			t.Errorf("the end of it was logged as %+v", logged)
		}
		b.expect("")
		b.monitor.Engage(nil)
		time.Sleep(time.Second)
		if l := b.monitor.Links()[0]; l.Confirm != 0 {
			t.Errorf("the link is not asked, but it shows a period of %v", l.Confirm)
		}
	})
}

// TestPeriodIsLoggedWhenItLasts requires no line one tick before the time, and one at the tick. A
// period that varies is not logged.
func TestPeriodIsLoggedWhenItLasts(t *testing.T) {
	const ms = time.Millisecond
	start := time.Unix(0, 0)
	for _, tt := range []struct {
		name   string
		before time.Duration // the period logged before
		seen   []time.Duration
		at     []time.Duration // the time of each period
		news   int             // the period that is logged, from 1 on; 0: none
	}{
		{"as configured", 10 * ms, []time.Duration{10 * ms, 10 * ms}, []time.Duration{0, time.Hour}, 0},
		{"not twice", 10 * ms, []time.Duration{19 * ms, 19 * ms}, []time.Duration{0, time.Hour}, 0},
		{"twice, one tick before", 10 * ms, []time.Duration{20 * ms, 20 * ms}, []time.Duration{0, longerAfter - 1}, 0},
		{"twice, at the tick", 10 * ms, []time.Duration{20 * ms, 90 * ms}, []time.Duration{0, longerAfter}, 2},
		{"it wavers", 10 * ms, []time.Duration{20 * ms, 19 * ms, 20 * ms}, []time.Duration{0, longerAfter - 1, longerAfter}, 0},
		{"logged once", 10 * ms, []time.Duration{20 * ms, 20 * ms, 20 * ms}, []time.Duration{0, longerAfter, time.Hour}, 2},
		{"back, one tick before", 50 * ms, []time.Duration{12 * ms, 10 * ms}, []time.Duration{0, shorterAfter - 1}, 0},
		{"back, at the tick", 50 * ms, []time.Duration{12 * ms, 10 * ms}, []time.Duration{0, shorterAfter}, 2},
		{"about back is back", 20 * ms, []time.Duration{12 * ms, 12 * ms}, []time.Duration{0, shorterAfter}, 2},
		{"about back is logged once", 20 * ms, []time.Duration{12 * ms, 12 * ms, 10 * ms, 10 * ms}, []time.Duration{0, shorterAfter, shorterAfter, 2 * shorterAfter}, 2},
		{"half", 50 * ms, []time.Duration{25 * ms, 25 * ms}, []time.Duration{0, shorterAfter}, 2},
		{"not half", 50 * ms, []time.Duration{26 * ms, 26 * ms}, []time.Duration{0, time.Hour}, 0},
		{"slow questions, one tick before", 10 * ms, []time.Duration{time.Second, time.Second}, []time.Duration{0, 16*time.Second - 1}, 0},
		{"slow questions, at the tick", 10 * ms, []time.Duration{time.Second, time.Second}, []time.Duration{0, 16 * time.Second}, 2},
		{"it turns", 50 * ms, []time.Duration{10 * ms, 100 * ms, 100 * ms}, []time.Duration{0, longerAfter, 2*longerAfter - 1}, 0},
	} {
		reported, got := reportedPeriod{period: tt.before}, 0
		for i, period := range tt.seen {
			if reported.update(start.Add(tt.at[i]), period, 10*ms) {
				got = got*10 + i + 1
			}
		}
		if got != tt.news {
			t.Errorf("%s: logged at %d, want %d", tt.name, got, tt.news)
		}
	}
}

func TestPollerStretches(t *testing.T) {
	onBench(t, func(b *bench) {
		b.mu.Lock()
		b.stuck = true // 10 s per question
		b.mu.Unlock()
		time.Sleep(30 * time.Minute)
		b.probes("eth0")
		time.Sleep(10 * time.Minute)
		if n := b.probes("eth0"); n > 60 {
			t.Errorf("asked %d times in 10 min", n)
		}
		if e := b.stretched(); len(e) != 1 || e[0].Period < maxPoll/2 {
			t.Errorf("logged %+v", e)
		}
		if l := b.monitor.Links()[0]; l.Poll != maxPoll || !l.Stretched {
			t.Errorf("it shows a period of %v, stretched %v", l.Poll, l.Stretched)
		}
	}, withMII)
}

// TestConfirmerSharesWakeUps requires that links asked at the same rate share their wake-ups,
// whenever each came.
func TestConfirmerSharesWakeUps(t *testing.T) {
	r := newSchedule(newObserver(Config{Minter: event.NewMinter(0)}), maxConfirm)
	asked := map[string]int{}
	ask := func(p link.Poll) { asked[p.Name]++ }
	start := time.Now()
	a, b := link.Poll{Target: link.Target{Device: nic.Device{ID: 1, Name: "a"}, Every: 10 * time.Millisecond}}, link.Poll{Target: link.Target{Device: nic.Device{ID: 2, Name: "b"}, Every: 10 * time.Millisecond}}
	r.plan([]link.Poll{a})
	r.askDue(start, ask)
	r.plan([]link.Poll{a, b})
	next := r.askDue(start.Add(time.Millisecond), ask)
	for range 3 {
		next = r.askDue(next, ask)
	}
	if asked["a"] != 4 || asked["b"] != 4 {
		t.Errorf("asked %v in 5 wake-ups, want each 4 times", asked)
	}
}

// TestTogether requires that links which are asked at different instants are asked at one instant
// afterwards: only such links can be watched.
func TestTogether(t *testing.T) {
	r := newSchedule(newObserver(Config{Minter: event.NewMinter(0)}), maxConfirm)
	asked := 0
	ask := func(link.Poll) { asked++ }
	poll := func(id uint64) link.Poll {
		return link.Poll{Target: link.Target{Device: nic.Device{ID: id}, Every: 10 * time.Millisecond}}
	}
	now := time.Now()
	r.plan([]link.Poll{poll(1)})
	r.askDue(now, ask)
	r.plan([]link.Poll{poll(1), poll(2)})
	r.askDue(now.Add(5*time.Millisecond), ask)
	if asked != 2 {
		t.Fatalf("asked %d times, want each link once", asked)
	}
	r.together()
	if r.askDue(now.Add(6*time.Millisecond), ask); asked != 4 {
		t.Errorf("asked %d links at once, want 2", asked-2)
	}
	if every, one := r.period(); every != 10*time.Millisecond || !one {
		t.Errorf("the period is %v (%v), want 10ms of both", every, one)
	}
	r.plan([]link.Poll{poll(1), {Target: link.Target{Device: nic.Device{ID: 2}, Every: 20 * time.Millisecond}}})
	r.askDue(now.Add(20*time.Millisecond), ask)
	if _, one := r.period(); one {
		t.Error("one period of 10ms and 20ms")
	}
}
