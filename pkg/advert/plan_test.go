package advert

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const (
	ms  = time.Millisecond
	sec = time.Second
)

var t0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func start(name string, interval time.Duration) Order {
	return Order{
		Kind: Start, Instance: name, Interval: interval, Miss: 3,
		Advert: Frames{Index: 7, Source: netip.MustParseAddr("192.0.2.1"), Copies: []Copy{{Advert: []byte(name), Resign: []byte("resign " + name)}}},
	}
}

func order(k Kind, name string) Order { return Order{Kind: k, Instance: name} }

// script drives a plan through virtual time and records its actions.
type script struct {
	t     *testing.T
	plan  *Plan
	stamp time.Time // of the lease; zero: as fresh as can be
}

func newScript(t *testing.T) *script { return &script{t: t, plan: NewPlan(nil)} }

func (s *script) last(at time.Duration) time.Time {
	if s.stamp.IsZero() {
		return t0.Add(at)
	}
	return s.stamp
}

// at makes a turn at t0+at with orders that were sent at that instant.
func (s *script) at(at time.Duration, orders ...Order) string {
	given := make([]Given, len(orders))
	for i, o := range orders {
		given[i] = Given{Order: o, At: t0.Add(at)}
	}
	return s.turn(at, given...)
}

func (s *script) turn(at time.Duration, given ...Given) string {
	turn := s.plan.Turn(t0.Add(at), s.last(at), given)
	var out []string
	for i := range turn.Batch {
		m := &turn.Batch[i]
		out = append(out, fmt.Sprintf("%s:%s", m.Occasion, m.Payload))
	}
	outcomes(s.plan)
	for _, r := range turn.Reports {
		kind := "stalled"
		if r.LeaseLost {
			kind = "lease"
		}
		out = append(out, fmt.Sprintf("%s %s %v", kind, r.Instance, r.Gap))
	}
	s.plan.Next(s.last(at)) // as the engine does after each turn
	return strings.Join(out, ", ")
}

// outcomes settles the batch of a turn and returns the outcome of each message.
func outcomes(p *Plan) (all []Outcome) {
	for _, s := range p.Settle {
		all = append(all, s)
	}
	return all
}

func (s *script) want(got, want string) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("got %q, want %q", got, want)
	}
}

// next returns when the plan needs its next turn, counted from t0; -1 for never.
func (s *script) next(at time.Duration) time.Duration {
	next, ok := s.plan.Next(s.last(at))
	if !ok {
		return -1
	}
	return next.Sub(t0)
}

func (s *script) wantNext(at, want time.Duration) {
	s.t.Helper()
	if got := s.next(at); got != want {
		s.t.Errorf("next turn at %v, want %v", got, want)
	}
}

func TestPlanRepeatsOnTheTick(t *testing.T) {
	s := newScript(t)
	s.wantNext(0, -1)
	s.want(s.at(0, start("a", sec)), "first:a")
	for i := range 3 {
		at := time.Duration(i+1) * sec
		s.wantNext(at-sec, at)
		s.want(s.at(at-1), "")
		s.want(s.at(at), "repeat:a")
		s.want(s.at(at), "")
	}
}

func TestPlanDoesNotDrift(t *testing.T) {
	s := newScript(t)
	s.at(0, start("a", 10*ms))
	for i := 1; i <= 1000; i++ {
		at := time.Duration(i) * 10 * ms
		if got := s.next(at - ms); got != at {
			t.Fatalf("advert %d is due at %v, want %v", i, got, at)
		}
		s.want(s.at(at+time.Duration(i%7)*ms/10), "repeat:a") // always a little late
	}
}

func TestPlanLateSendsOnceAndStaysOnTheGrid(t *testing.T) {
	s := newScript(t)
	s.at(0, start("a", sec))
	s.want(s.at(3500*ms), "repeat:a") // 2.5 intervals late: not more than miss
	s.wantNext(3500*ms, 4*sec)
	s.want(s.at(4*sec), "repeat:a")
}

func TestPlanSharesAWakeUpWithinTheSlack(t *testing.T) {
	for _, c := range []struct {
		name     string
		interval time.Duration
		apart    time.Duration
		want     string
	}{
		{"within 1 ms", sec, ms, "repeat:a, repeat:b"},
		{"one tick beyond 1 ms", sec, ms + 1, "repeat:a"},
		{"within a twentieth of the interval", 10 * ms, 500 * time.Microsecond, "repeat:a, repeat:b"},
		{"one tick beyond it", 10 * ms, 500*time.Microsecond + 1, "repeat:a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t)
			s.at(0, start("a", c.interval))
			s.at(c.apart, start("b", c.interval))
			s.want(s.at(c.interval-1), "")
			s.want(s.at(c.interval), c.want)
			// The one that was early stays on its own grid.
			s.want(s.at(c.interval+c.apart), strings.TrimPrefix("repeat:b", strings.TrimPrefix(c.want, "repeat:a, ")))
			s.wantNext(c.interval, 2*c.interval)
		})
	}
}

func TestPlanOrders(t *testing.T) {
	t.Run("back to back, in order, before what is due", func(t *testing.T) {
		s := newScript(t)
		s.at(0, start("due", sec), start("x", 5*sec), start("y", 5*sec))
		s.want(s.at(sec, order(Resign, "y"), start("z", sec), order(Now, "x")),
			"resign:resign y, first:z, repeat:x, repeat:due")
	})
	t.Run("Now counts the interval anew", func(t *testing.T) {
		s := newScript(t)
		s.at(0, start("a", sec))
		s.want(s.at(400*ms, order(Now, "a")), "repeat:a")
		s.want(s.at(sec), "")
		s.want(s.at(1400*ms-1), "")
		s.want(s.at(1400*ms), "repeat:a")
	})
	t.Run("Start of a planned instance replaces the frames, not the timing", func(t *testing.T) {
		s := newScript(t)
		s.at(0, start("a", sec))
		again := start("a", sec)
		again.Advert.Copies = []Copy{{Advert: []byte("a2")}}
		s.want(s.at(400*ms, again), "")
		s.wantNext(400*ms, sec)
		s.want(s.at(sec), "repeat:a2")
	})
	t.Run("Start with another source address advertises at once", func(t *testing.T) {
		s := newScript(t)
		s.at(0, start("a", sec))
		again := start("a", sec)
		again.Advert.Source = netip.MustParseAddr("192.0.2.99")
		s.want(s.at(400*ms, again), "repeat:a")
		s.wantNext(400*ms, 1400*ms)
		s.want(s.at(500*ms, again), "")
	})
	t.Run("a new interval counts from the next advert on", func(t *testing.T) {
		s := newScript(t)
		s.at(0, start("a", sec))
		s.at(400*ms, start("a", 2*sec))
		s.want(s.at(sec), "repeat:a")
		s.wantNext(sec, 3*sec)
	})
	t.Run("orders for an instance that is not planned do nothing", func(t *testing.T) {
		s := newScript(t)
		s.want(s.at(0, order(Now, "a"), order(Resign, "a"), order(Mute, "a")), "")
		s.wantNext(0, -1)
	})
}

func TestPlanNothingFollowsAResignOrMute(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		want string
	}{{Resign, "resign:resign a"}, {Mute, ""}} {
		s := newScript(t)
		s.at(0, start("a", sec))
		s.want(s.at(sec, order(c.kind, "a")), c.want) // not even an advert that is due now
		s.want(s.at(sec, order(c.kind, "a"), order(Now, "a")), "")
		s.wantNext(sec, -1)
		s.want(s.at(100*sec), "")
		s.want(s.at(101*sec, start("a", sec)), "first:a")
	}
}

func TestPlanMuteTakesBackWhatHasNotLeft(t *testing.T) {
	s := newScript(t)
	s.want(s.at(0, start("a", sec), start("b", sec), order(Mute, "a")), "first:b")
}

func TestPlanSettles(t *testing.T) {
	s := newScript(t)
	turn := s.plan.Turn(t0, t0, []Given{{Order: start("a", sec), At: t0}})
	for i, want := range [][2]int{{0, 1}, {1, 2}} {
		turn.Batch[0].Err = fmt.Errorf("no")
		settled := outcomes(s.plan)[0]
		if got := [2]int{settled.Before, settled.Now}; got != want || settled.Taken {
			t.Errorf("failure %d: %v, want %v", i, got, want)
		}
		turn = s.plan.Turn(t0.Add(time.Duration(i+1)*sec), t0, nil)
		if turn.Batch[0].Occasion != First {
			t.Error("First is not the first advert that the kernel accepted")
		}
	}
	if settled := outcomes(s.plan)[0]; settled != (Outcome{Before: 2, Miss: 3, Last: true, Taken: true, Whole: true}) {
		t.Errorf("success: %+v", settled)
	}
	s.want(s.at(3*sec), "repeat:a")
}

// load plans n instances whose instants are spread over an interval.
func load(n int, interval time.Duration) (*Plan, time.Time) {
	p := NewPlan(nil)
	now := t0
	for i := range n {
		now = t0.Add(time.Duration(i) * interval / time.Duration(n))
		p.Turn(now, now, []Given{{Order: start(fmt.Sprint("i", i), interval), At: now}})
		outcomes(p)
	}
	return p, now
}

func TestPlanAllocatesNothing(t *testing.T) {
	p, now := load(100, 100*ms)
	sent := 0
	allocs := testing.AllocsPerRun(1000, func() {
		now, _ = p.Next(now)
		sent += len(p.Turn(now, now, nil).Batch)
	})
	if allocs != 0 || sent < 1000 {
		t.Errorf("%v allocations a turn, %d adverts", allocs, sent)
	}
}

func BenchmarkPlanTurn1000(b *testing.B) {
	p, now := load(1000, 100*ms)
	b.ReportAllocs()
	sent := 0
	for b.Loop() {
		now, _ = p.Next(now)
		sent += len(p.Turn(now, now, nil).Batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(sent), "ns/advert")
}
