package advert

import (
	"testing"
	"time"
)

// TestPlanArmed checks a Start for a later instant, which is armed at 1 s for 2 s.
func TestPlanArmed(t *testing.T) {
	at := func(t time.Duration) time.Time { return t0.Add(t) }
	armed := func(name string) Order {
		o := start(name, 100*ms)
		o.When = at(2 * sec)
		return o
	}
	begin := func(t *testing.T) *script {
		s := newScript(t)
		s.want(s.at(sec, armed("a")), "")
		s.wantNext(sec, 2*sec)
		return s
	}
	t.Run("leaves at its instant, and repeats from there", func(t *testing.T) {
		s := begin(t)
		s.want(s.at(2*sec-1), "")
		s.want(s.at(2*sec+ms), "first:a")
		s.wantNext(2*sec+ms, 2*sec+100*ms)
		s.want(s.at(2*sec+2*ms, start("a", 100*ms)), "") // the loop has woken too
		s.want(s.at(2*sec+100*ms), "repeat:a")
	})
	t.Run("does not leave early to share a wake-up", func(t *testing.T) {
		s := newScript(t)
		s.want(s.at(2*sec-ms-100*ms, armed("a"), start("b", 100*ms)), "first:b")
		s.want(s.at(2*sec-ms), "repeat:b")
		s.want(s.at(2*sec), "first:a")
	})
	t.Run("a faster loop makes it leave at once", func(t *testing.T) {
		s := begin(t)
		s.want(s.at(2*sec, start("a", 100*ms)), "first:a")
		s.wantNext(2*sec, 2*sec+100*ms)
	})
	t.Run("Now does not make it leave early", func(t *testing.T) {
		s := begin(t)
		s.want(s.at(2*sec-1, order(Now, "a")), "")
		s.want(s.at(2*sec), "first:a")
	})
	t.Run("disarmed in time it sends nothing", func(t *testing.T) {
		s := begin(t)
		s.want(s.at(2*sec-1, order(Disarm, "a")), "")
		s.wantNext(2*sec, -1)
		s.want(s.at(3*sec, order(Disarm, "a")), "") // there is nothing left to cancel
	})
	t.Run("disarmed when it has left it resigns", func(t *testing.T) {
		s := begin(t)
		s.want(s.at(2*sec), "first:a")
		s.want(s.at(2*sec+1, order(Disarm, "a")), "resign:resign a")
		s.wantNext(2*sec+1, -1)
	})
	t.Run("armed anew", func(t *testing.T) {
		s := begin(t)
		later := armed("a")
		later.When, later.Advert.Copies = at(2*sec+50*ms), []Copy{{Advert: []byte("other")}}
		s.want(s.at(2*sec-1, order(Disarm, "a"), later), "")
		s.want(s.at(2*sec), "")
		s.want(s.at(2*sec+50*ms), "first:other")
	})
	t.Run("an engine that wakes too late drops it, and the loop decides", func(t *testing.T) {
		s := begin(t)
		s.want(s.at(2*sec+5*ms+1), "")
		s.wantNext(2*sec+5*ms+1, -1)
		s.want(s.at(2*sec+6*ms, start("a", 100*ms)), "first:a")
	})
	t.Run("late, but not too late", func(t *testing.T) {
		s := begin(t)
		s.want(s.at(2*sec+5*ms), "first:a")
	})
	t.Run("an order that arrives too late is dropped, and leaves nothing behind", func(t *testing.T) {
		s := newScript(t)
		s.want(s.turn(2*sec+6*ms, Given{Order: armed("a"), At: at(2*sec - ms)}), "")
		s.wantNext(2*sec+6*ms, -1)
		s.want(s.at(2*sec+7*ms, order(Disarm, "a"), start("b", sec)), "first:b")
	})
	t.Run("a loop that hangs has nothing to send, and resigns nothing", func(t *testing.T) {
		s := begin(t)
		s.stamp = at(sec)
		s.want(s.at(2*sec), "") // the lease of 1 s is over
		s.wantNext(2*sec, -1)
	})
	t.Run("its Given is its instant", func(t *testing.T) {
		s := begin(t)
		turn := s.plan.Turn(at(2*sec+ms), at(2*sec+ms), nil)
		if m := turn.Batch[0]; !m.Given.Equal(at(2*sec)) || m.Occasion != First {
			t.Errorf("%s, given at %v", m.Occasion, m.Given.Sub(t0))
		}
	})
}
