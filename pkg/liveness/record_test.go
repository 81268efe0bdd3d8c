package liveness

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"ripcord/pkg/vrrp"
)

var zero = time.Unix(1000, 0)

const ms = time.Millisecond

// ask asks at the instant at, and judges after the pace of the record.
func ask(r *Record, at time.Time, answered bool) (next time.Time) {
	r.Asked(at)
	next = at.Add(r.Pace())
	r.Judge(next, answered)
	return next
}

// repeat asks n times in a row.
func repeat(r *Record, at time.Time, n int, answered bool) time.Time {
	for range n {
		at = ask(r, at, answered)
	}
	return at
}

// TestRecord: a machine is silent if it did not answer for miss intervals and answered regularly
// before.
func TestRecord(t *testing.T) {
	r := Record{Watching: vrrp.Watching{Interval: 50 * ms, Miss: 3}}
	check := func(what string, want vrrp.Liveness) {
		t.Helper()
		if got := r.Liveness(); got != want {
			answered, asked := r.Answered()
			t.Errorf("%s: %v, want %v; %d of %d answered, silent for %v", what, got, want, answered, asked, r.silent)
		}
	}
	check("never asked", vrrp.Unasked)
	at := repeat(&r, zero, 5, false)
	check("never answered", vrrp.Unasked)
	at = repeat(&r, at, 19, true)
	check("answered 19 times", vrrp.Irregular)
	at = repeat(&r, at, 200, true)
	check("answers", vrrp.Answering)

	since := at
	at = ask(&r, at, false)
	check("one is missing", vrrp.Answering)
	if r.Pace() != 50*ms/hurry {
		t.Errorf("the next question comes after %v", r.Pace())
	}
	at = repeat(&r, at, 2*hurry-1, false)
	check("silent for almost three intervals", vrrp.Answering)
	at = ask(&r, at, false)
	check("silent for three intervals", vrrp.Silent)
	if !r.since.Equal(since) || r.unanswered != 1+2*hurry || at.Sub(since) != 150*ms {
		t.Errorf("silent since %v, %d questions, for %v", r.since.Sub(since), r.unanswered, at.Sub(since))
	}
	at = repeat(&r, at, 100*hurry, false)
	if r.Pace() != 50*ms {
		t.Errorf("a dead machine is asked each %v", r.Pace())
	}
	at = ask(&r, at, true)
	check("it answers again", vrrp.Irregular)
	repeat(&r, at, 100, true)
	check("and again", vrrp.Answering)
}

// TestVoid: missing answers do not count as silence if this process did not run.
func TestVoid(t *testing.T) {
	r := Record{Watching: vrrp.Watching{Interval: 50 * ms, Miss: 3}}
	at := repeat(&r, zero, 100, true)
	at = repeat(&r, at, 2*hurry, false)
	r.Void()
	at = repeat(&r, at, 2*hurry, false)
	if r.Liveness() == vrrp.Silent {
		t.Error("silent")
	}
	r.Judge(at, false) // there was no question
	if r.Liveness() == vrrp.Silent {
		t.Error("silent without a question")
	}
}

// TestLossIsNoSilence: a LAN that begins to lose a fifth of all frames makes no machine silent for
// long enough.
func TestLossIsNoSilence(t *testing.T) {
	chance := newChance(1)
	for range 2000 {
		r := Record{Watching: vrrp.Watching{Interval: 50 * ms, Miss: 3}}
		at := repeat(&r, zero, 100, true)
		for at.Sub(zero) < 20*time.Second {
			if at = ask(&r, at, chance()%100 < 64); r.Liveness() == vrrp.Silent {
				t.Fatalf("silent after %v", at.Sub(zero))
			}
		}
	}
}

// newChance returns a source of numbers (xorshift).
func newChance(seed uint64) func() uint64 {
	return func() uint64 {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		return seed >> 11
	}
}

// TestSilentProperty: whatever happens, a machine is silent only if it had answered 20 of its last
// questions, and 95 % of them, before the first unanswered one, and none after it for miss
// intervals in which this process ran.
func TestSilentProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Record{Watching: vrrp.Watching{
			Interval: time.Duration(rapid.IntRange(20, 200).Draw(t, "interval")) * ms, Miss: rapid.IntRange(2, 6).Draw(t, "miss"),
		}}
		at, loss := zero, 0
		var usual []bool // results at the usual pace, up to the present silence
		var since time.Time
		var silent time.Duration
		for range 400 {
			switch rapid.IntRange(0, 40).Draw(t, "what") {
			case 0:
				loss = rapid.SampledFrom([]int{0, 5, 20, 100}).Draw(t, "loss")
			case 1:
				r.Void()
				since, silent = time.Time{}, 0
			default:
				answered := rapid.IntRange(0, 99).Draw(t, "chance") >= loss
				asked := at
				at = ask(&r, at, answered)
				if answered {
					since, silent = time.Time{}, 0
					usual = append(usual, true)
					break
				}
				if since.IsZero() {
					since = asked
				}
				if silent += at.Sub(asked); at.Sub(asked) == r.Interval {
					usual = append(usual, false)
				}
			}
			if r.Liveness() != vrrp.Silent {
				continue
			}
			answers := 0
			for _, a := range usual {
				if a {
					answers++
				}
			}
			if answers < minAnswers {
				t.Fatalf("silent, although it never answered more than %d questions", answers)
			}
			if since.IsZero() || !r.since.Equal(since) || silent < time.Duration(r.Miss)*r.Interval {
				t.Fatalf("silent since %v, want since %v for %v", r.since, since, silent)
			}
		}
	})
}
