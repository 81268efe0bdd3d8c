package wire

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ripcord/pkg/event"
)

// many gives n different addresses of a family, the first of IPv6 link-local.
func many(f event.Family, n int) []netip.Addr {
	out := make([]netip.Addr, n)
	for i := range out {
		switch {
		case f == event.IPv4:
			out[i] = netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})
		case i == 0:
			out[i] = netip.MustParseAddr("fe80::1")
		default:
			out[i] = netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 2: 0x0d, 3: 0xb8, 15: byte(i)})
		}
	}
	return out
}

func pathOf(f event.Family) Path {
	if f == event.IPv4 {
		return path4
	}
	return path6
}

func TestRoundTrip(t *testing.T) {
	for _, f := range []event.Family{event.IPv4, event.IPv6} {
		for _, count := range []int{1, 3, 16, 255} {
			for _, priority := range []uint8{0, 1, 100, 254, 255} {
				for _, interval := range []time.Duration{MinInterval, time.Second, 3 * time.Second, MaxInterval} {
					t.Run(fmt.Sprint(f, count, priority, interval), func(t *testing.T) {
						p := pathOf(f)
						want := Advert{VRID: 255, Priority: priority, Interval: interval, Addresses: many(f, count)}
						var got Advert
						if err := got.Decode(want.Append(nil, p.Source, p.Dest), p); err != nil || got.Check() != nil {
							t.Fatal(err, got.Check())
						}
						if diff := cmp.Diff(want, got, cmpAddr); diff != "" {
							t.Errorf("(-want +got):\n%s", diff)
						}
					})
				}
			}
		}
	}
}

// TestIntervalDoesNotDrift goes through every value of the field [N10].
func TestIntervalDoesNotDrift(t *testing.T) {
	var b []byte
	var got Advert
	for cs := 1; cs <= 4095; cs++ {
		want := time.Duration(cs) * 10 * time.Millisecond
		a := Advert{VRID: 1, Priority: 100, Interval: want, Addresses: golden[0].advert.Addresses}
		b = a.Append(b[:0], path4.Source, path4.Dest)
		if err := got.Decode(b, path4); err != nil || got.Interval != want {
			t.Fatalf("%v became %v (%v)", want, got.Interval, err)
		}
	}
	if got.Interval != 40950*time.Millisecond {
		t.Errorf("the longest is %v", got.Interval)
	}
}

func TestEncodable(t *testing.T) {
	good := Advert{VRID: 1, Priority: 0, Interval: time.Second, Addresses: many(event.IPv4, 2)}
	mapped := netip.MustParseAddr("::ffff:192.0.2.1")
	for _, tt := range []struct {
		name   string
		change func(a *Advert)
		family event.Family
		ok     bool
	}{
		{"good", func(*Advert) {}, event.IPv4, true},
		{"VRID 0", func(a *Advert) { a.VRID = 0 }, event.IPv4, false},
		{"VRID 255", func(a *Advert) { a.VRID = 255 }, event.IPv4, true},
		{"interval 0", func(a *Advert) { a.Interval = 0 }, event.IPv4, false},
		{"interval -1s", func(a *Advert) { a.Interval = -time.Second }, event.IPv4, false},
		{"interval 5ms", func(a *Advert) { a.Interval = 5 * time.Millisecond }, event.IPv4, false},
		{"interval 10ms", func(a *Advert) { a.Interval = 10 * time.Millisecond }, event.IPv4, true},
		{"interval 15ms", func(a *Advert) { a.Interval = 15 * time.Millisecond }, event.IPv4, false},
		{"interval 40.95s", func(a *Advert) { a.Interval = 40950 * time.Millisecond }, event.IPv4, true},
		{"interval 40.96s", func(a *Advert) { a.Interval = 40960 * time.Millisecond }, event.IPv4, false},
		{"no address", func(a *Advert) { a.Addresses = nil }, event.IPv4, false},
		{"255 addresses", func(a *Advert) { a.Addresses = many(event.IPv4, 255) }, event.IPv4, true},
		{"256 addresses", func(a *Advert) { a.Addresses = many(event.IPv4, 256) }, event.IPv4, false},
		{"wrong family", func(*Advert) {}, event.IPv6, false},
		{"mapped", func(a *Advert) { a.Addresses[1] = mapped }, event.IPv4, false},
		{"invalid", func(a *Advert) { a.Addresses[1] = netip.Addr{} }, event.IPv6, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := good
			a.Addresses = append([]netip.Addr(nil), good.Addresses...)
			tt.change(&a)
			err := a.Encodable(tt.family)
			if (err == nil) != tt.ok {
				t.Fatalf("Encodable: %v", err)
			}
			defer func() {
				if panicked := recover() != nil; panicked == tt.ok {
					t.Errorf("Append panicked: %v", panicked)
				}
			}()
			a.Append(nil, pathOf(tt.family).Source, pathOf(tt.family).Dest)
		})
	}
}

// TestDecodeReuses: the caller's array is filled, and the bytes are not kept.
func TestDecodeReuses(t *testing.T) {
	var a Advert
	b := golden[0].advert.Append(nil, path4.Source, path4.Dest)
	if err := a.Decode(b, path4); err != nil {
		t.Fatal(err)
	}
	first := &a.Addresses[0]
	clear(b)
	if diff := cmp.Diff(golden[0].advert, a, cmpAddr); diff != "" {
		t.Errorf("the bytes are shared (-want +got):\n%s", diff)
	}
	if err := a.Decode(unhex(t, golden[2].hex), path4); err != nil || len(a.Addresses) != 1 || &a.Addresses[0] != first {
		t.Errorf("the array was not used again: %v, %v", err, a.Addresses)
	}
}

// TestAllocatesNothing has the golden vectors, 255 addresses of IPv6 [N7], rejects.
func TestAllocatesNothing(t *testing.T) {
	type in struct {
		name string
		b    []byte
		path Path
		want error
	}
	var ins []in
	for _, g := range golden {
		ins = append(ins, in{g.name, unhex(t, g.hex), g.path, nil})
	}
	big := Advert{VRID: 1, Interval: time.Second, Addresses: many(event.IPv6, 255)}
	ins = append(ins,
		in{"255 addresses", big.Append(nil, path6.Source, path6.Dest), path6, nil},
		in{"rejected", unhex(t, golden[0].hex)[:9], path4, PacketLengthError})
	var a Advert
	var out []byte
	for _, in := range ins {
		if err := a.Decode(in.b, in.path); err != in.want {
			t.Fatal(in.name, err)
		}
		if n := testing.AllocsPerRun(100, func() { _ = a.Decode(in.b, in.path) }); n != 0 {
			t.Errorf("%s: Decode allocates %v times", in.name, n)
		}
		if in.want != nil {
			continue
		}
		out = a.Append(out[:0], in.path.Source, in.path.Dest)
		if n := testing.AllocsPerRun(100, func() { out = a.Append(out[:0], in.path.Source, in.path.Dest) }); n != 0 {
			t.Errorf("%s: Append allocates %v times", in.name, n)
		}
	}
	if err := a.Decode(big.Append(nil, path6.Source, path6.Dest), path6); err != nil ||
		len(a.Addresses) != 255 || a.Addresses[254] != big.Addresses[254] {
		t.Errorf("255 addresses: %v, %d", err, len(a.Addresses))
	}
}

func drawAddr(t *rapid.T, f event.Family, label string) netip.Addr {
	n := addrLen(f)
	b := rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, label)
	if f == event.IPv4 {
		return netip.AddrFrom4([4]byte(b))
	}
	return netip.AddrFrom16([16]byte(b))
}

func drawAdvert(t *rapid.T) (Advert, Path) {
	f := rapid.SampledFrom([]event.Family{event.IPv4, event.IPv6}).Draw(t, "family")
	p := Path{drawAddr(t, f, "source"), drawAddr(t, f, "dest"), HopLimit}
	a := Advert{
		VRID:     rapid.Uint8Min(1).Draw(t, "vrid"),
		Priority: rapid.Uint8().Draw(t, "priority"),
		Interval: time.Duration(rapid.IntRange(1, 4095).Draw(t, "cs")) * 10 * time.Millisecond,
	}
	if f == event.IPv4 {
		a.Checksum = Checksum(rapid.IntRange(0, 1).Draw(t, "form"))
	}
	for range rapid.IntRange(1, 20).Draw(t, "count") {
		a.Addresses = append(a.Addresses, drawAddr(t, f, "address"))
	}
	return a, p
}

// TestRoundTripProperty: any advert that can be written is read as it was, from
// and to any addresses.
func TestRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, p := drawAdvert(t)
		b := want.Append(nil, p.Source, p.Dest)
		var got Advert
		if err := got.Decode(b, p); err != nil {
			t.Fatalf("Decode of %x: %v", b, err)
		}
		if fold(pseudoHeader(p.Source, p.Dest, len(b), Protocol)) == 0xffff {
			got.Checksum = want.Checksum // the forms coincide
		}
		if diff := cmp.Diff(want, got, cmpAddr); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// TestBitFlipProperty: no single bit can be wrong unnoticed. Where the forms of
// the checksum differ by one bit, the flip of that bit tells the other form.
func TestBitFlipProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, p := drawAdvert(t)
		b := a.Append(nil, p.Source, p.Dest)
		bit := rapid.IntRange(0, len(b)*8-1).Draw(t, "bit")
		b[bit/8] ^= 1 << (bit % 8)
		var got Advert
		if err := got.Decode(b, p); err == nil && got.Checksum == a.Checksum {
			t.Fatalf("bit %d of %x is wrong, and nobody noticed", bit, b)
		}
	})
}

// TestAnyBytesProperty: whatever comes, what is accepted can be sent on as the
// same bytes, but for the reserved bits and the two zeros of the checksum.
func TestAnyBytesProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, p := drawAdvert(t)
		b := a.Append(nil, p.Source, p.Dest)
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		b = b[:rapid.IntRange(0, len(b)).Draw(t, "length")]
		roundTrip(t, b, p)
	})
}

type fataler interface {
	Fatalf(format string, args ...any)
}

// roundTrip decodes b; what is accepted must encode to the same, and decode to
// the same again.
func roundTrip(t fataler, b []byte, p Path) {
	var a, again Advert
	if a.Decode(b, p) != nil || a.Check() != nil || a.VRID == 0 {
		return
	}
	if err := a.Encodable(event.FamilyOf(p.Source)); err != nil {
		t.Fatalf("accepted %x, but: %v", b, err)
	}
	out := a.Append(nil, p.Source, p.Dest)
	if err := again.Decode(out, p); err != nil {
		t.Fatalf("accepted %x, not what it was encoded to, %x: %v", b, out, err)
	}
	if diff := cmp.Diff(a, again, cmpAddr); diff != "" {
		t.Fatalf("%x became %x (-first +second):\n%s", b, out, diff)
	}
	if b[4]&0xf0 == 0 && [2]byte(b[6:8]) != [2]byte{0xff, 0xff} && !bytes.Equal(b, out) {
		t.Fatalf("%x became %x", b, out)
	}
}
