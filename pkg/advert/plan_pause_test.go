package advert

import (
	"strings"
	"testing"
	"time"
)

func TestPlanStall(t *testing.T) {
	s := newScript(t)
	s.at(0, start("a", sec), start("slow", 10*sec))
	// Due at 1 s; more than three intervals late.
	s.want(s.at(4*sec), "repeat:a")
	s.want(s.at(8*sec+1), "stalled a 3.000000001s")
	s.wantNext(8*sec+1, 9*sec+1)
	s.want(s.at(9*sec, order(Now, "a")), "")
	s.want(s.at(9*sec+1), "repeat:a")
	s.want(s.at(9500*ms, order(Now, "a")), "repeat:a")
	s.want(s.at(10*sec), "repeat:slow")
}

// TestPlanSecondStall checks that a stall which ends a little after the instant until which an
// earlier one holds the adverts back holds them back again, and that usual lateness does not.
func TestPlanSecondStall(t *testing.T) {
	s := newScript(t)
	s.at(0, start("a", sec))
	s.want(s.at(8*sec), "stalled a 7s")
	s.want(s.at(9031*ms), "stalled a 31ms")
	s.want(s.at(10*sec), "")
	s.want(s.at(10061*ms), "repeat:a")
	s.want(s.at(11900*ms), "repeat:a") // an advert that is not held back may be later
}

// TestPlanHoldBack checks that an order of the loop holds adverts back, also those that the engine
// holds back, but not for a shorter time than the engine does.
func TestPlanHoldBack(t *testing.T) {
	s := newScript(t)
	hold := func(until time.Duration) Order {
		return Order{Kind: HoldBack, Instance: "a", When: t0.Add(until)}
	}
	s.at(0, start("a", sec), start("b", sec))
	s.want(s.at(400*ms, hold(1400*ms)), "")
	s.want(s.at(sec), "repeat:b")
	s.want(s.at(1300*ms, order(Now, "a")), "")
	s.want(s.at(1400*ms), "repeat:a")
	s.want(s.at(2*sec), "repeat:a, repeat:b") // at its old instant
	s.want(s.at(9*sec), "stalled a 6s, stalled b 6s")
	s.want(s.at(9100*ms, hold(9500*ms), hold(10100*ms)), "")
	s.want(s.at(10*sec), "repeat:b")
	s.want(s.at(10100*ms), "repeat:a")
	s.want(s.at(11*sec, order(Mute, "a"), hold(12*sec)), "repeat:b")
	s.want(s.at(12*sec), "repeat:b")
}

// TestPlanStallKeepsThePhase checks that a stall ends for all instances at once, that they
// advertise together once, and that each then returns to its instant between the others.
func TestPlanStallKeepsThePhase(t *testing.T) {
	s := newScript(t)
	s.at(0, start("a", sec))
	s.at(300*ms, start("b", sec))
	s.at(700*ms, start("c", sec))
	s.want(s.at(8100*ms), "stalled a 7.1s, stalled b 6.8s, stalled c 6.4s")
	s.want(s.at(9100*ms-1), "")
	s.want(s.at(9100*ms), "repeat:a, repeat:b, repeat:c")
	for _, c := range []struct {
		at   time.Duration
		want string
	}{{9300 * ms, "repeat:b"}, {9700 * ms, "repeat:c"}, {10 * sec, "repeat:a"}, {10300 * ms, "repeat:b"}, {10700 * ms, "repeat:c"}, {11 * sec, "repeat:a"}} {
		s.wantNext(c.at-50*ms, c.at)
		s.want(s.at(c.at), c.want)
	}
	// Where its own instant is that at which the stall ends, or within the slack after it, it
	// advertises once, and an interval later.
	s.want(s.at(20999500*time.Microsecond), "stalled b 9.6995s, stalled a 8.9995s, stalled c 9.2995s")
	s.want(s.at(21999500*time.Microsecond), "repeat:a, repeat:b, repeat:c")
	s.want(s.at(22*sec), "")
	s.want(s.at(22300*ms), "repeat:b")
	s.want(s.at(22700*ms), "repeat:c")
	s.want(s.at(23*sec), "repeat:a")
}

// TestPlanNowKeepsThePhase checks that adverts that were ordered at once for many instances leave
// together, as do their next adverts, an interval later, and that each instance then returns to
// its own instant.
func TestPlanNowKeepsThePhase(t *testing.T) {
	s := newScript(t)
	s.at(0, start("a", sec))
	s.at(300*ms, start("b", sec))
	s.want(s.at(500*ms, order(Now, "a"), order(Now, "b")), "repeat:a, repeat:b")
	s.wantNext(500*ms, 1500*ms)
	s.want(s.at(1500*ms), "repeat:a, repeat:b")
	s.want(s.at(2*sec), "repeat:a")
	s.want(s.at(2300*ms), "repeat:b")
	s.want(s.at(3*sec), "repeat:a")
	// Told again before that, it still knows where it was.
	s.want(s.at(3200*ms, order(Now, "a"), order(Now, "b")), "repeat:a, repeat:b")
	s.want(s.at(3400*ms, order(Now, "a")), "repeat:a")
	s.want(s.at(4200*ms), "repeat:b")
	s.want(s.at(4300*ms), "repeat:b")
	s.want(s.at(4400*ms), "repeat:a")
	s.want(s.at(5*sec), "repeat:a")
}

// TestPlanStallAtTheOldPace checks that an instance whose adverts have a longer interval than
// that at which they still leave is held back for the longer one.
func TestPlanStallAtTheOldPace(t *testing.T) {
	s := newScript(t)
	paced := start("a", 500*ms)
	paced.Advertised = sec
	s.at(0, paced)
	s.want(s.at(3*sec), "stalled a 2.5s")
	s.wantNext(3*sec, 4*sec)
	s.at(3*sec, start("a", sec)) // the pace is over, and so the reload
	s.want(s.at(3500*ms), "")
	s.want(s.at(4*sec), "repeat:a")
}

func TestPlanStallIsFoundBeforeOrdersAreCarriedOut(t *testing.T) {
	// All of these were given just before the pause.
	for _, c := range []struct {
		kind Kind
		next time.Duration
	}{{Now, 101 * sec}, {Resign, -1}, {Mute, -1}, {Start, 101 * sec}} {
		s := newScript(t)
		s.at(0, start("a", sec))
		o := start("a", sec)
		o.Kind = c.kind
		s.want(s.turn(100*sec, Given{Order: o, At: t0.Add(500 * ms)}), "stalled a 1m39s")
		s.wantNext(100*sec, c.next)
	}
}

func TestPlanResignsAfterTheStallWasReported(t *testing.T) {
	s := newScript(t)
	s.at(0, start("a", sec))
	s.at(100 * sec)
	s.want(s.at(100*sec+ms, order(Resign, "a")), "resign:resign a")
}

func TestPlanStartFromBeforeAPauseIsHeldBack(t *testing.T) {
	s := newScript(t)
	s.want(s.turn(10*sec, Given{Order: start("a", sec), At: t0}), "stalled a 10s")
	s.want(s.at(11*sec-1), "")
	s.want(s.at(11*sec), "first:a")
}

func TestPlanLeaseLost(t *testing.T) {
	s := newScript(t)
	s.at(0, start("a", 100*ms), start("b", 500*ms))
	s.stamp = t0 // the loop does not renew the lease any more
	for at := 100 * ms; at < sec; at += 100 * ms {
		if got := s.at(at); !strings.Contains(got, "repeat:a") {
			t.Fatalf("at %v: %q", at, got)
		}
	}
	s.at(950 * ms)
	s.wantNext(950*ms, sec)
	s.want(s.at(sec), "resign:resign a, repeat:b, lease a 1s")
	s.want(s.at(1400*ms), "")
	s.wantNext(1400*ms, 1500*ms)
	s.want(s.at(1500*ms), "resign:resign b, lease b 1.5s")
	s.wantNext(1500*ms, -1)
	s.want(s.at(2*sec, order(Now, "a")), "")
}

func TestPlanWakesForTheLease(t *testing.T) {
	s := newScript(t)
	s.at(0, start("a", 40*sec))
	s.stamp = t0.Add(5 * sec)
	s.wantNext(5*sec, 40*sec) // 120 s of lease: the advert comes first
	s.at(6*sec, start("b", 200*ms))
	s.at(6*sec+200*ms, order(Mute, "b"), start("c", 999*ms))
	s.at(6*sec+1199*ms, order(Mute, "c"), start("d", 5*sec))
	s.stamp = t0
	s.wantNext(6*sec, 12*sec+199*ms)
	if got := s.plan.minLease; got != 15*sec {
		t.Errorf("the least lease is %v, want 15s: that of d", got)
	}
}

func TestPlanOwnPauseIsNoHungLoop(t *testing.T) {
	s := newScript(t)
	s.at(0, start("a", sec))
	s.stamp = t0
	s.want(s.at(60*sec), "stalled a 59s") // not "lease"
	s.want(s.at(61*sec), "repeat:a")
	s.want(s.at(62*sec), "repeat:a")
	// The loop does not come back: three seconds from the wake, the lease is over.
	s.want(s.at(63*sec), "resign:resign a, lease a 3s")
}
