package advert

import (
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

var (
	own4  = netip.MustParseAddr("192.0.2.1")
	peer4 = netip.MustParseAddr("192.0.2.2")
	peer6 = netip.MustParseAddr("fe80::2")
	vip4  = netip.MustParseAddr("192.0.2.100")
	vip6  = netip.MustParseAddr("fe80::100")
)

func secret(n byte) wire.Secret {
	key := make([]byte, 32)
	key[0] = n
	return wire.NewSecret(key)
}

func sender(n byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, n}) }

// clock returns the sequence for the instant t0+after.
func clock(after time.Duration) wire.Sequence { return wire.SequenceAt(t0.Add(after)) }

// signing returns an order to advertise a signed advert to the given destinations.
func signing(source netip.Addr, window time.Duration, to ...netip.Addr) Order {
	o := start("a", sec)
	a := wire.Advert{VRID: 51, Priority: 200, Interval: time.Second, Addresses: []netip.Addr{vip4}}
	if source.Is6() {
		a.Addresses = []netip.Addr{vip6}
	}
	o.Advert = Frames{Index: 7, Source: source, HopLimit: 255, Key: wire.NewKey(1, secret(1)), Window: window}
	for _, dest := range to {
		c := Copy{To: dest}
		for _, b := range []*[]byte{&c.Advert, &c.Resign} {
			*b = append(a.Append(nil, source, dest), make([]byte, wire.TrailerLen)...)
			a.Priority = 0
		}
		a.Priority = 200
		o.Advert.Copies = append(o.Advert.Copies, c)
	}
	return o
}

// sequences returns the sequences of the messages of a turn, each of which must verify.
func sequences(t *testing.T, batch []Message) []wire.Sequence {
	t.Helper()
	var out []wire.Sequence
	for _, m := range batch {
		var a wire.Advert
		path := wire.Path{Source: m.Source, Dest: m.To, HopLimit: 255, Trailer: true}
		if err := a.Decode(m.Payload, path); err != nil || !a.Signed {
			t.Fatalf("%x to %v: %v", m.Payload, m.To, err)
		}
		if (a.Priority == 0) != (m.Occasion == Resignation) {
			t.Errorf("priority %d on the occasion %s", a.Priority, m.Occasion)
		}
		trailer, err := wire.ReadTrailer(m.Payload)
		if err != nil || trailer.KeyID != 1 || !wire.NewKey(1, secret(1)).Verifies(m.Payload, m.Source) {
			t.Errorf("%x does not verify: %+v, %v", m.Payload, trailer, err)
		}
		out = append(out, trailer.Sequence)
	}
	return out
}

func given(at time.Duration, orders ...Order) []Given {
	var out []Given
	for _, o := range orders {
		out = append(out, Given{Order: o, At: t0.Add(at)})
	}
	return out
}

// TestPlanSigns checks that each advert has the time at which it leaves, and that a resignation
// in the same turn has a later one.
func TestPlanSigns(t *testing.T) {
	for _, source := range []netip.Addr{own4, netip.MustParseAddr("fe80::1")} {
		p := NewPlan(nil)
		turn := func(at time.Duration, orders ...Order) []wire.Sequence {
			t.Helper()
			return sequences(t, p.Turn(t0.Add(at), t0.Add(at), given(at, orders...)).Batch)
		}
		same := func(got []wire.Sequence, want ...wire.Sequence) {
			t.Helper()
			if len(got) != len(want) {
				t.Fatalf("%x, want %x", got, want)
			}
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("%x, want %x", got, want)
				}
			}
		}
		same(turn(0, signing(source, 5*sec, wire.GroupOf(event.FamilyOf(source)))), clock(0))
		same(turn(sec), clock(sec))
		same(turn(1500*ms, order(Now, "a"), order(Now, "a")), clock(1500*ms)) // once is enough
		same(turn(1500*ms, order(Now, "a"), order(Resign, "a")), clock(1500*ms)+1, clock(1500*ms)+2)
		// The sequence outlives the frames and the time as Active.
		same(turn(1500*ms, signing(source, 5*sec, wire.GroupOf(event.FamilyOf(source)))), clock(1500*ms)+3)
	}
}

// TestPlanSignsOncePerAdvert checks that the copies for unicast peers have the same sequence.
func TestPlanSignsOncePerAdvert(t *testing.T) {
	for _, to := range [][]netip.Addr{{sender(7), sender(8), sender(9)}, {peer6, netip.MustParseAddr("fe80::3")}} {
		source := own4
		if to[0].Is6() {
			source = netip.MustParseAddr("fe80::1")
		}
		p := NewPlan(nil)
		for at := range time.Duration(3) {
			var orders []Given
			if at == 0 {
				orders = given(0, signing(source, 5*sec, to...))
			}
			got := sequences(t, p.Turn(t0.Add(at*sec), t0.Add(at*sec), orders).Batch)
			if len(got) != len(to) || got[0] != clock(at*sec) || got[len(got)-1] != got[0] {
				t.Errorf("%x", got)
			}
		}
	}
}

// TestPlanSignsAfterTheClockWasSet checks that within the window the sequence continues, that
// beyond it the sequence follows the clock again, and that without a window it never goes back.
// The turns use the monotonic clock, which the times of a test do not have.
func TestPlanSignsAfterTheClockWasSet(t *testing.T) {
	for _, c := range []struct{ window, back, want time.Duration }{
		{5 * sec, 4 * sec, 0}, {5 * sec, 6 * sec, -6 * sec}, {0, 3600 * sec, 0},
	} {
		e := &entry{frames: signing(own4, c.window, wire.Group4).Advert}
		e.sign(t0, false)
		e.sign(t0.Add(-c.back), false)
		want := clock(c.want)
		if c.want == 0 {
			want++
		}
		if e.sequence != want {
			t.Errorf("%+v: %x, want %x", c, uint64(e.sequence), uint64(want))
		}
	}
}

func TestPlanSignsWithoutAllocation(t *testing.T) {
	p := NewPlan(nil)
	at := t0
	p.Turn(at, at, given(0, signing(own4, 5*sec, sender(7), sender(8))))
	if n := testing.AllocsPerRun(1000, func() {
		at = at.Add(sec)
		if len(p.Turn(at, at, nil).Batch) != 2 {
			t.Fatal("nothing was due")
		}
	}); n != 0 {
		t.Errorf("%v allocations for an advert", n)
	}
}

func BenchmarkPlanTurn(b *testing.B) {
	for _, c := range []struct {
		name string
		key  bool
	}{{"plain", false}, {"signed", true}} {
		b.Run(c.name, func(b *testing.B) {
			p := NewPlan(nil)
			at, o := t0, signing(own4, 5*sec, wire.Group4)
			if !c.key {
				o.Advert.Key = nil
			}
			p.Turn(at, at, given(0, o))
			b.ReportAllocs()
			for b.Loop() {
				at = at.Add(sec)
				p.Turn(at, at, nil)
			}
		})
	}
}
