package validate

import (
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/wire"
)

const wide = 5 * time.Second

// sender returns the n-th of some routers.
func sender(n byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, n}) }

// clock returns the sequence for the instant t0+after.
func clock(after time.Duration) wire.Sequence { return wire.SequenceAt(t0.Add(after)) }

func TestReplayAdmitsWhatIsLater(t *testing.T) {
	r := newReplay(wide, 0, nil)
	for i, c := range []struct {
		source netip.Addr
		s      wire.Sequence
		at     time.Duration
		want   bool
	}{
		{sender(1), clock(0), 0, true},
		{sender(1), clock(0), 0, false},
		{sender(1), clock(0) + 1, 0, true}, // the counter alone
		{sender(1), clock(0), 0, false},
		{sender(2), clock(0), 0, true}, // each sender has its own
		{sender(1), clock(sec), sec, true},
		{sender(1), clock(0) + 1, sec, false},
		{sender(1), clock(3 * sec), sec, true}, // its clock is ahead
		{sender(1), clock(sec), sec, false},
		{sender(1), clock(3*sec) + 1, 3 * sec, true},
		// Our clock was set back by an hour, and so was its: the mark is void.
		{sender(1), clock(-3600 * sec), -3600 * sec, true},
		{sender(1), clock(-3600 * sec), -3600 * sec, false},
	} {
		if got := r.admits(c.source, c.s, t0.Add(c.at), r.clock(t0.Add(c.at))); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
}

// TestReplayMonotonic checks that without a window no mark is ever void, and that the order is
// that of RFC 1982.
func TestReplayMonotonic(t *testing.T) {
	r := newReplay(0, 0, nil)
	for i, c := range []struct {
		s    wire.Sequence
		want bool
	}{
		{clock(0), true},
		{clock(-3600 * sec), false},
		{clock(3600 * sec), true},
		{clock(0) + 1, false},
		{clock(0) + 1<<63, true}, // more than half of all ahead of clock(0), less ahead of the last
		{clock(0), false},
		{wire.SequenceAt(time.Unix(1<<32+1_700_000_000, 0)), true}, // after 2106
	} {
		if got := r.admits(sender(1), c.s, t0, r.clock(t0)); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
}

// TestReplayForgetsTheLeastUsed checks that the last four senders to the multicast group are
// remembered.
func TestReplayForgetsTheLeastUsed(t *testing.T) {
	r := newReplay(wide, 0, nil)
	for n := byte(1); n <= 4; n++ {
		r.admits(sender(n), clock(0), t0.Add(time.Duration(n)), r.clock(t0.Add(time.Duration(n))))
	}
	r.admits(sender(1), clock(ms), t0.Add(ms), r.clock(t0.Add(ms)))
	r.admits(sender(5), clock(0), t0.Add(2*ms), r.clock(t0.Add(2*ms))) // takes the place of the second
	for n, want := range map[byte]bool{1: false, 3: false, 4: false, 5: false} {
		if got := r.admits(sender(n), clock(0), t0.Add(3*ms), r.clock(t0.Add(3*ms))); got != want {
			t.Errorf("sender %d is admitted again: %v", n, got)
		}
	}
	if !r.admits(sender(2), clock(0), t0.Add(4*ms), r.clock(t0.Add(4*ms))) {
		t.Error("the second sender is still remembered")
	}
}

func TestReplayKnowsEachPeer(t *testing.T) {
	r := newReplay(wide, 9, nil)
	for n := byte(1); n <= 9; n++ {
		r.admits(sender(n), clock(0), t0, r.clock(t0))
	}
	for n := byte(1); n <= 9; n++ {
		if r.admits(sender(n), clock(0), t0, r.clock(t0)) {
			t.Errorf("peer %d was forgotten", n)
		}
	}
}

// TestAlive checks what a stale advert proves. The steps of a case follow each other.
func TestAlive(t *testing.T) {
	const hour = 3600 * sec
	type heard struct {
		s    wire.Sequence
		at   time.Duration
		want bool
	}
	for _, c := range []struct {
		name     string
		accepted time.Duration // when the last advert was accepted; 0 if none was
		steps    []heard
	}{
		{"a router that boots with a wrong clock hears the Active", 0, []heard{
			{clock(hour), 0, true}, {clock(hour + sec), sec, true}, {clock(hour + 2*sec), 2 * sec, true},
		}},
		{"each advert counts once", 0, []heard{
			{clock(-hour), 0, true}, {clock(-hour), sec, false}, {clock(-hour) - 1, 2 * sec, false}, {clock(-hour) + 1, 3 * sec, true},
		}},
		{"an advert that was accepted here proves nothing when it is sent again", -hour, []heard{
			{clock(-2 * hour), 0, false}, {clock(-hour), sec, false}, {clock(-hour) - 1, 2 * sec, false},
		}},
		{"its clock is set forward", -sec, []heard{
			{clock(hour), 0, true}, {clock(hour + sec), sec, true},
		}},
		{"its clock is set back: it may be a recording", -sec, []heard{
			{clock(-hour), 0, false}, {clock(-hour + sec), sec, false},
		}},
		{"our clock is set forward: its goes on", -hour - sec, []heard{
			{clock(-hour), 0, true}, {clock(-hour + sec), sec, true},
		}},
		{"a recording holds for as long as it is, played slowly or not", 0, []heard{
			{clock(-hour), 0, true}, {clock(-hour + sec), 3 * sec, true}, {clock(-hour + 2*sec), 6 * sec, true},
			{clock(-hour + 3*sec), 9 * sec, false}, {clock(-hour + 4*sec), 9 * sec, true}, {clock(-hour + 5*sec), 20 * sec, false},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReplay(wide, 0, nil)
			if c.accepted != 0 {
				r.admits(sender(1), clock(c.accepted), t0.Add(c.accepted), r.clock(t0.Add(c.accepted)))
			}
			for i, h := range c.steps {
				if got := r.alive(sender(1), h.s, t0.Add(h.at)); got != h.want {
					t.Errorf("%d: %v", i, got)
				}
			}
		})
	}
}

// TestAliveIsBounded checks that a recording that is sent repeatedly, in any order, keeps a
// Backup waiting for no longer than the length of the recording and the window.
func TestAliveIsBounded(t *testing.T) {
	r := newReplay(wide, 0, nil)
	const length = 60
	last := time.Duration(0)
	for now := time.Duration(0); now < 3600*sec; now += sec / 2 {
		for i := range time.Duration(length) {
			if r.alive(sender(1), clock(-3600*sec+i*sec), t0.Add(now)) {
				last = now
				break // the rest is saved for later
			}
		}
	}
	if last > length*sec+wide {
		t.Errorf("the recording still keeps a Backup waiting after %v", last)
	}
	if last < (length-1)*sec/2 {
		t.Errorf("the test plays too little: it kept a Backup waiting for %v", last)
	}
}

// TestAliveTakesNoPlace checks that old adverts of many routers displace neither the marks of
// accepted senders nor each other's.
func TestAliveTakesNoPlace(t *testing.T) {
	r := newReplay(wide, 0, nil)
	r.admits(sender(1), clock(0), t0, r.clock(t0))
	for n := byte(2); n <= 9; n++ {
		if got, want := r.alive(sender(n), clock(-3600*sec), t0), n <= 4; got != want {
			t.Errorf("sender %d: %v, want %v", n, got, want)
		}
	}
	for n := byte(2); n <= 9; n++ {
		if r.alive(sender(n), clock(-3600*sec), t0.Add(sec)) {
			t.Errorf("sender %d counts again", n)
		}
	}
	if r.admits(sender(1), clock(0), t0, r.clock(t0)) {
		t.Error("the mark of the accepted sender is gone")
	}
}
