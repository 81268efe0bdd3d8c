package event

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var epoch = time.Date(2002, 1, 1, 0, 0, 0, 0, time.UTC)

// change returns the nth change of a link, as pkg/link publishes it: a loss counts
// as one.
func change(n uint64, usable, loss bool) Link {
	l := Link{
		Name: "eth0", Seq: n, Usable: usable,
		Cause: Cause{Trace: Trace(n), At: epoch.Add(time.Duration(n) * time.Millisecond)},
	}
	if loss {
		l.Downs = 1
	}
	return l
}

func up(n uint64) Link   { return change(n, true, false) }
func down(n uint64) Link { return change(n, false, true) }

// worse returns a change of a link that was already down.
func worse(n uint64) Link { return change(n, false, false) }

func TestLinkMerge(t *testing.T) {
	tests := []struct {
		name    string
		arrive  []Link
		seq     uint64 // the fact that remains
		usable  bool
		downs   int    // the losses of all facts
		because uint64 // the change whose cause remains
	}{
		{"one", []Link{up(1)}, 1, true, 0, 1},
		{"newer up", []Link{up(1), up(2)}, 2, true, 0, 2},
		{"a loss", []Link{up(1), down(2)}, 2, false, 1, 2},
		{"up after a loss that was taken", []Link{down(1).Rest(), up(2)}, 2, true, 0, 2},
		{"a flap is not hidden", []Link{up(1), down(2), up(3)}, 3, true, 1, 2},
		{"more is wrong", []Link{down(1), worse(2)}, 2, false, 1, 1},
		{"two losses count from the first", []Link{up(1), down(2), up(3), down(4)}, 4, false, 2, 2},
		{"three and back", []Link{down(1), up(2), down(3), up(4), down(5), up(6)}, 6, true, 3, 1},
		{"the loss arrives late", []Link{up(3), down(2)}, 3, true, 1, 2},
		{"the return arrives late", []Link{down(3), up(2)}, 3, false, 1, 3},
		{"the first of two losses arrives late", []Link{down(4), down(2)}, 4, false, 2, 2},
		{"the second of two losses arrives late", []Link{down(2), up(5), down(4)}, 5, true, 2, 2},
		{"all the wrong way", []Link{up(5), down(4), up(3), down(2)}, 5, true, 2, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.arrive[0]
			for _, l := range tt.arrive[1:] {
				got = got.Merge(l)
			}
			if got.Seq != tt.seq || got.Usable != tt.usable || got.Downs != tt.downs || got.Cause.Trace != Trace(tt.because) {
				t.Errorf("seq %d usable %v downs %d because of %d, want %d %v %d %d", got.Seq, got.Usable,
					got.Downs, got.Cause.Trace, tt.seq, tt.usable, tt.downs, tt.because)
			}
		})
	}
}

// TestLinkMergeAnyOrder checks that the result does not depend on the order in which the changes
// of a link arrive, or on which of them are merged first.
func TestLinkMergeAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var changes []Link
		for n, usable := uint64(1), true; n <= 8; n++ {
			next := r.IntN(2) == 0
			changes = append(changes, change(n, next, usable && !next))
			usable = next
		}
		want := fold(changes)
		r.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
		cut := r.IntN(len(changes)-1) + 1
		for _, got := range []Link{fold(changes), fold(changes[:cut]).Merge(fold(changes[cut:]))} {
			if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
				t.Fatalf("%v cut at %d (-in order +so):\n%s", changes, cut, d)
			}
		}
	}
}

func fold(changes []Link) Link {
	l := changes[0]
	for _, c := range changes[1:] {
		l = l.Merge(c)
	}
	return l
}

func TestLinkRest(t *testing.T) {
	l := down(1).Merge(down(2))
	rest := l.Rest()
	if l.Downs != 2 || rest.Downs != 0 {
		t.Errorf("downs %d, rest %d", l.Downs, rest.Downs)
	}
	if rest.Downs = l.Downs; rest != l {
		t.Errorf("Rest changes more than Downs: %+v", rest)
	}
	if l.Key() != "eth0" {
		t.Error(l.Key())
	}
}

func TestLinkAddress(t *testing.T) {
	l := Link{Primary4: netip.MustParseAddr("192.0.2.251"), LinkLocal6: netip.MustParseAddr("fe80::c8")}
	if l.Address(IPv4) != l.Primary4 || l.Address(IPv6) != l.LinkLocal6 {
		t.Error(l.Address(IPv4), l.Address(IPv6))
	}
}

func TestAddressMerge(t *testing.T) {
	prefix := netip.MustParsePrefix("192.0.2.1/24")
	there := Address{Index: 2, Prefix: prefix, Present: true, Marked: true}
	gone := Address{Index: 2, Prefix: prefix, Removals: 1}
	if got := there.Merge(gone).Merge(there).Merge(gone); got.Present || got.Removals != 2 {
		t.Errorf("%+v, want it gone, 2 removals", got)
	}
	got := gone.Merge(there)
	if !got.Present || !got.Marked || got.Removals != 1 {
		t.Errorf("%+v, want it there, 1 removal", got)
	}
	if rest := got.Rest(); rest != there || got.Removals != 1 {
		t.Errorf("Rest: %+v of %+v", rest, got)
	}
	other := there
	other.Index = 3
	if there.Key() != gone.Key() || there.Key() == other.Key() {
		t.Error("the key is not the link and the prefix")
	}
}

func TestFamilyOf(t *testing.T) {
	for s, want := range map[string]Family{"192.0.2.1": IPv4, "fe80::1": IPv6, "::ffff:192.0.2.1": IPv6} {
		if got := FamilyOf(netip.MustParseAddr(s)); got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
}

func TestElapsed(t *testing.T) {
	m := NewMinter(100)
	first, second := m.Cause(epoch), m.Cause(epoch)
	if first.Trace != 101 || second.Trace != 102 {
		t.Errorf("traces %v, %v", first.Trace, second.Trace)
	}
	if s := first.Trace.String(); s != "0000000000000065" {
		t.Error(s)
	}
	if d, ok := (Stamp{first, epoch.Add(time.Second)}).When().Elapsed(); !ok || d != time.Second {
		t.Error(d, ok)
	}
	if _, ok := (Stamp{At: epoch}).Elapsed(); ok {
		t.Error("an event without a cause has an elapsed time")
	}
}
