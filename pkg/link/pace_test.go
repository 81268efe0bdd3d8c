package link

import (
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
)

func TestPace(t *testing.T) {
	const ms = time.Millisecond
	p := newPace(time.Second)
	steady := func(d time.Duration) time.Duration {
		for range 200 {
			p.took(1, d)
		}
		return p.stretch(10*ms, p.load(1, 10*ms)).Round(ms)
	}
	for cost, want := range map[time.Duration]time.Duration{
		5 * time.Microsecond: 10 * ms, 90 * time.Microsecond: 10 * ms,
		200 * time.Microsecond: 20 * ms, ms: 100 * ms, 25 * ms: time.Second,
	} {
		p.costs = map[uint64]time.Duration{}
		if got := steady(cost); got != want {
			t.Errorf("a question of %v every 10 ms: asked every %v, want %v", cost, got, want)
		}
	}
	if got := p.stretch(2*time.Second, 50); got != 2*time.Second {
		t.Errorf("a long period became %v", got)
	}
	p.costs = map[uint64]time.Duration{}
	steady(5 * time.Microsecond)
	p.took(1, time.Second) // somebody held the lock once
	if got := p.stretch(10*ms, p.load(1, 10*ms)); got != 10*ms {
		t.Errorf("one slow answer stretched the period to %v", got)
	}
	p.forget(func(uint64) bool { return false })
	if len(p.costs) != 0 {
		t.Error("who is not asked any more is remembered")
	}
}

// stretched are the lines that tell of a period.
func (b *bench) stretched() []event.LinkStretched {
	var out []event.LinkStretched
	for _, e := range first(b.events.Take()) {
		if e, ok := e.(event.LinkStretched); ok {
			out = append(out, e)
		}
	}
	return out
}

// Many links share what asking may cost, and each period is told.
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
		told := b.stretched()
		if len(told) < 2 || told[0].Restored || !strings.Contains(told[0].Why, "RTNL") || told[0].Period <= 10*time.Millisecond {
			t.Errorf("told %+v", told)
		}
		b.answerIn(0)
		time.Sleep(3 * time.Second)
		b.took("eth0")
		time.Sleep(time.Second)
		if n := b.took("eth0"); n < 99 || n > 102 {
			t.Errorf("asked %d times in 1 s when it was cheap again", n)
		}
		if told = b.stretched(); len(told) < 2 || !told[len(told)-1].Restored {
			t.Errorf("told %+v", told)
		}
	})
}

func TestPollerStretches(t *testing.T) {
	onBench(t, func(b *bench) {
		b.mu.Lock()
		b.stuck = true // 10 s a question
		b.mu.Unlock()
		time.Sleep(30 * time.Minute)
		b.probes("eth0")
		time.Sleep(10 * time.Minute)
		if n := b.probes("eth0"); n > 60 {
			t.Errorf("asked %d times in 10 min", n)
		}
		if e := b.stretched(); len(e) == 0 || e[len(e)-1].Period < patient/2 {
			t.Errorf("told %+v", e)
		}
	}, withMII)
}

// Links that are asked at the same rate share their wake-ups, whenever each
// came.
func TestConfirmerSharesWakeUps(t *testing.T) {
	r := &round{pace: newPace(dull)}
	asked := map[string]int{}
	ask := func(p Poll) { asked[p.Name]++ }
	start := time.Now()
	a, b := Poll{Target: Target{Birth: 1, Name: "a", Every: 10 * time.Millisecond}}, Poll{Target: Target{Birth: 2, Name: "b", Every: 10 * time.Millisecond}}
	r.replan([]Poll{a})
	r.sweep(start, ask)
	r.replan([]Poll{a, b})
	next := r.sweep(start.Add(time.Millisecond), ask)
	for range 3 {
		next = r.sweep(next, ask)
	}
	if asked["a"] != 4 || asked["b"] != 4 {
		t.Errorf("asked %v in 5 wake-ups, want each 4 times", asked)
	}
}
