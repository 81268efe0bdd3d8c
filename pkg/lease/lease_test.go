package lease

import (
	"testing"
	"time"
)

func TestLease(t *testing.T) {
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := New(base)
	if got := l.Age(base.Add(time.Second)); got != time.Second {
		t.Errorf("a lease never stamped counts from its base: age %v, want 1s", got)
	}
	stamp := base.Add(5*time.Second + time.Nanosecond)
	l.Stamp(stamp)
	if !l.Last().Equal(stamp) {
		t.Errorf("last stamp %v, want %v", l.Last(), stamp)
	}
	if got := l.Age(stamp.Add(3 * time.Second)); got != 3*time.Second {
		t.Errorf("age %v, want 3s", got)
	}
}

func TestLimit(t *testing.T) {
	for _, c := range []struct {
		miss     int
		interval time.Duration
		want     time.Duration
	}{
		{3, 10 * time.Millisecond, time.Second},
		{3, 333 * time.Millisecond, time.Second},
		{3, time.Second, 3 * time.Second},
		{100, 40950 * time.Millisecond, 4095 * time.Second},
	} {
		if got := Limit(c.miss, c.interval); got != c.want {
			t.Errorf("Limit(%d, %v) = %v, want %v", c.miss, c.interval, got, c.want)
		}
	}
}

func TestWatchExpires(t *testing.T) {
	const limit = time.Second
	stamp := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := stamp.Add(limit)
	var w Watch
	w.Plan(end)
	if got := w.Expiry(stamp, limit); !got.Equal(end) {
		t.Fatalf("expiry %v, want %v", got, end)
	}
	w.Woke(end.Add(-1))
	if w.Expired(end.Add(-1), stamp, limit) {
		t.Error("expired one tick before its limit")
	}
	w.Woke(end)
	if !w.Expired(end, stamp, limit) {
		t.Error("not expired at its limit")
	}
	w.Woke(end.Add(Late))
	if !w.Expired(end.Add(Late), stamp, limit) {
		t.Error("a small delay is not a pause: the lease must be lost")
	}
}

func TestWatchForgivesItsOwnPause(t *testing.T) {
	const limit = time.Second
	stamp := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var w Watch
	w.Plan(stamp.Add(100 * time.Millisecond))
	woke := stamp.Add(10 * time.Second)
	w.Woke(woke)
	if w.Expired(woke, stamp, limit) {
		t.Fatal("the pause of the whole process was read as a hung loop")
	}
	w.Plan(woke.Add(limit))
	w.Woke(woke.Add(limit))
	if !w.Expired(woke.Add(limit), stamp, limit) {
		t.Error("the loop showed no sign of life for the limit after the pause, so it hangs")
	}
	if got := w.Age(woke.Add(limit), stamp); got != limit {
		t.Errorf("age %v, want %v: counted from the wake", got, limit)
	}
}

func TestWatchWithoutPlanForgivesNothing(t *testing.T) {
	stamp := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := stamp.Add(10 * time.Second)
	var w Watch
	w.Woke(now)
	if !w.Expired(now, stamp, time.Second) {
		t.Error("a sleeper that planned nothing cannot have been late")
	}
	w.Seen(now)
	if w.Expired(now, stamp, time.Second) {
		t.Error("an order is a sign of life")
	}
}

// TestStampEvery checks that a loop that stamps with the longest allowed period may be late by at
// least 0.75 s, and by twice its period, before it counts as hung.
func TestStampEvery(t *testing.T) {
	for limit, want := range map[time.Duration]time.Duration{
		Least: 250 * time.Millisecond, 1499 * time.Millisecond: 250 * time.Millisecond, 1500 * time.Millisecond: 500 * time.Millisecond,
		2999 * time.Millisecond: 500 * time.Millisecond, 3 * time.Second: time.Second, 4095 * time.Second: time.Second,
	} {
		every := StampEvery(limit)
		if every != want {
			t.Errorf("a limit of %v is stamped every %v, want %v", limit, every, want)
		}
		if late := limit - every; late < 2*every || late < 750*time.Millisecond {
			t.Errorf("a limit of %v is lost when a stamp is %v late", limit, late)
		}
	}
}
