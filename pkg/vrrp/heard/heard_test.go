package heard

import (
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

var (
	zero   = time.Unix(100, 0)
	timing = vrrp.Timing{Version: wire.V3, Priority: 100, Miss: 3} // Active_Down_Interval 3.6 s at 1 s
	one    = netip.MustParseAddr("192.0.2.1")
	two    = netip.MustParseAddr("192.0.2.2")
	three  = netip.MustParseAddr("192.0.2.3")
)

func advert(source netip.Addr, priority uint8, at time.Duration) *vrrp.Heard {
	return &vrrp.Heard{Cause: event.Cause{At: zero.Add(at)}, Source: source, Priority: priority, Interval: time.Second}
}

// TestHear checks that the best Active stays the best until it falls silent, and that of two
// Actives with equal priority the one with the greater address is better.
func TestHear(t *testing.T) {
	for _, c := range []struct {
		name         string
		adverts      []*vrrp.Heard
		best, second netip.Addr
	}{
		{"one", []*vrrp.Heard{advert(one, 100, 0)}, one, netip.Addr{}},
		{"a worse one", []*vrrp.Heard{advert(one, 100, 0), advert(two, 50, 1)}, one, two},
		{"a better one", []*vrrp.Heard{advert(one, 100, 0), advert(two, 150, 1)}, two, netip.Addr{}},
		{"a greater address", []*vrrp.Heard{advert(one, 100, 0), advert(two, 100, 1)}, two, netip.Addr{}},
		{"a smaller address", []*vrrp.Heard{advert(two, 100, 0), advert(one, 100, 1)}, two, one},
		{"the best again", []*vrrp.Heard{advert(two, 100, 0), advert(one, 50, 1), advert(two, 100, 2)}, two, netip.Addr{}},
		{"the best fell silent", []*vrrp.Heard{advert(two, 100, 0), advert(one, 50, 4*time.Second)}, one, netip.Addr{}},
		{"the best has become worse", []*vrrp.Heard{advert(two, 100, 0), advert(two, 10, 1), advert(one, 50, 2)}, one, netip.Addr{}},
	} {
		var o Others
		for _, h := range c.adverts {
			o.Hear(h, timing)
		}
		var second netip.Addr
		if o.Second != nil {
			second = o.Second.Source
		}
		if o.Best.Source != c.best || second != c.second {
			t.Errorf("%s: best %v, second %v; want %v, %v", c.name, o.Best.Source, second, c.best, c.second)
		}
	}
}

// TestKnown checks that an Active is known for the Active_Down_Interval at its own interval, and
// that the adverts without a gap are counted.
func TestKnown(t *testing.T) {
	var o Others
	if o.Best.Known(zero, timing) {
		t.Error("an Active is known before any advert")
	}
	o.Hear(advert(one, 120, 0), timing)
	o.Hear(advert(one, 90, time.Second), timing)
	down := time.Second + timing.ActiveDownInterval(time.Second)
	if !o.Best.Known(zero.Add(down-1), timing) || o.Best.Known(zero.Add(down), timing) || !o.Until(timing).Equal(zero.Add(down)) {
		t.Errorf("known until %v, want %v", o.Until(timing).Sub(zero), down)
	}
	if b := &o.Best; b.Priority != 90 || b.Highest != 120 || !b.Since.Equal(zero) || b.count != 2 {
		t.Errorf("%+v", b)
	}
	o.Hear(advert(two, 50, 2*time.Second), timing)
	if want := 2*time.Second + timing.ActiveDownInterval(time.Second); !o.Until(timing).Equal(zero.Add(want)) {
		t.Errorf("an Active is heard until %v, want %v", o.Until(timing).Sub(zero), want)
	}
	if o.Forget(); o.Best.Known(zero, timing) || o.Second != nil {
		t.Errorf("not forgotten: %+v", o)
	}
}

// TestResigned checks that while the best Active is known only its own resignation counts.
func TestResigned(t *testing.T) {
	var o Others
	o.Hear(advert(two, 100, 0), timing)
	o.Hear(advert(one, 50, 1), timing)
	if _, ok := o.Resigned(one, zero, timing); ok || o.Second != nil || o.Best.Source != two {
		t.Errorf("the second resigned: believed %v, %+v", ok, o)
	}
	if gone, ok := o.Resigned(two, zero, timing); !ok || gone.Source != two || gone.Priority != 100 || o.Best.Source.IsValid() {
		t.Errorf("the best resigned: believed %v, gone %+v", ok, gone)
	}
	o.Hear(advert(two, 100, 0), timing)
	if _, ok := o.Resigned(three, zero.Add(time.Minute), timing); !ok {
		t.Error("a resignation is ignored although no Active is known")
	}
}

// TestLogRival checks that a rival is logged once, and once more when it goes on.
func TestLogRival(t *testing.T) {
	var o Others
	var logged []bool
	for range 6 {
		o.Hear(advert(one, 50, 0), timing)
		if log, unheard := o.Best.LogRival(3); log {
			logged = append(logged, unheard)
		}
	}
	if len(logged) != 2 || logged[0] || !logged[1] {
		t.Errorf("logged %v, want false and true", logged)
	}
}

// TestSendBoth checks that adverts of the other version are ignored if the same router also sends
// our version, until one and a half intervals after the last such advert.
func TestSendBoth(t *testing.T) {
	var o Others
	o.Hear(advert(one, 100, 0), timing)
	late := 1500 * time.Millisecond
	if !o.SendBoth(advert(one, 100, late-1), timing) || o.SendBoth(advert(one, 100, late), timing) || o.SendBoth(advert(two, 100, 0), timing) {
		t.Error("an Active that sends both versions is recognized wrongly")
	}
}

// TestIncompatible checks that a router that does not understand our adverts counts as Active for
// its Active_Down_Interval, and is logged once a minute and after each silence.
func TestIncompatible(t *testing.T) {
	var i Incompatible
	var logged []time.Duration
	at := time.Duration(0)
	hear := func() {
		if i.Hear(advert(one, 100, at), zero.Add(at), timing) {
			i.Logged(zero.Add(at))
			logged = append(logged, at)
		}
	}
	for ; at <= 61*time.Second; at += time.Second {
		hear()
	}
	at += 10 * time.Second
	hear()
	want := []time.Duration{0, time.Minute, at}
	if len(logged) != 3 || logged[0] != want[0] || logged[1] != want[1] || logged[2] != want[2] {
		t.Errorf("logged at %v, want %v", logged, want)
	}
	if until := zero.Add(at + timing.ActiveDownInterval(time.Second)); !i.Until.Equal(until) || !i.Holds.IsZero() {
		t.Errorf("%+v, want until %v", i, until)
	}
	if i.Hold(); !i.Holds.Equal(i.Until) {
		t.Errorf("holds until %v", i.Holds)
	}
	if i.Believe(two); i.Until.IsZero() {
		t.Error("forgotten because of an advert of another router")
	}
	if i.Believe(one); !i.Until.IsZero() {
		t.Error("not forgotten although its own advert was compatible")
	}
}

// TestPeers checks that a third router counts as present for an hour after two were heard in
// turn.
func TestPeers(t *testing.T) {
	var p Peers
	for _, s := range []netip.Addr{one, one} {
		if _, third := p.Observe(s, zero); third || p.ThirdPresent() {
			t.Fatal("one router counts as a third")
		}
	}
	if before, third := p.Observe(two, zero); !third || before != one || !p.ThirdPresent() {
		t.Fatalf("the third router is not reported; before it %v", before)
	}
	if _, third := p.Observe(one, zero.Add(time.Minute)); third {
		t.Error("it is reported again")
	}
	end := zero.Add(time.Minute + thirdFor)
	if !p.Deadline().Equal(end) || p.Expire(end.Add(-1), true) || !p.Expire(end, true) || p.Expire(end, true) || p.ThirdPresent() {
		t.Errorf("third router present: %v, until %v", p.ThirdPresent(), p.Deadline())
	}
	p.Observe(two, zero)
	if !p.Expire(zero, false) {
		t.Error("a third router counts as present although more than two are allowed")
	}
}
