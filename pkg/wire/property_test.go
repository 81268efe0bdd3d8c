package wire

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ripcord/pkg/event"
)

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
	p := Path{Source: drawAddr(t, f, "source"), Dest: drawAddr(t, f, "dest"), HopLimit: HopLimit}
	least, most, step := V3.Intervals()
	a := Advert{
		VRID:     rapid.Uint8Min(1).Draw(t, "vrid"),
		Priority: rapid.Uint8().Draw(t, "priority"),
	}
	switch {
	case f == event.IPv4 && rapid.Bool().Draw(t, "v2"):
		a.Version = V2
		least, most, step = V2.Intervals()
		if rapid.Bool().Draw(t, "password") {
			a.Auth = Password(rapid.String().Draw(t, "word"))
		}
	case f == event.IPv4:
		a.Checksum = Checksum(rapid.IntRange(0, 1).Draw(t, "form"))
	}
	a.Interval = step * time.Duration(rapid.Int64Range(int64(least/step), int64(most/step)).Draw(t, "interval"))
	for range rapid.IntRange(1, 20).Draw(t, "count") {
		a.Addresses = append(a.Addresses, drawAddr(t, f, "address"))
	}
	return a, p
}

// TestRoundTripProperty checks that any encoded advert is decoded to the same, from and to any
// addresses.
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

// TestBitFlipProperty checks that no single wrong bit is accepted. If the two forms of the
// checksum differ by one bit, the flip of that bit selects the other form.
func TestBitFlipProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, p := drawAdvert(t)
		b := a.Append(nil, p.Source, p.Dest)
		bit := rapid.IntRange(0, len(b)*8-1).Draw(t, "bit")
		b[bit/8] ^= 1 << (bit % 8)
		var got Advert
		if err := got.Decode(b, p); err == nil && got.Checksum == a.Checksum {
			t.Fatalf("bit %d of %x is wrong, but the message is accepted", bit, b)
		}
	})
}

// TestAnyBytesProperty checks that an accepted message can be encoded to the same bytes, except
// for the parts that are ignored on receipt (the reserved bits of v3, the data of no
// authentication in v2) and the two zeros of the checksum.
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

// roundTrip decodes b; an accepted message must encode to the same bytes, and decode to the same
// advert again.
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
	lossy := a.Version == V3 && b[4]&0xf0 != 0 || a.Version == V2 && a.Auth == Auth{} ||
		[2]byte(b[6:8]) == [2]byte{0xff, 0xff}
	if !lossy && !bytes.Equal(b, out) {
		t.Fatalf("%x became %x", b, out)
	}
}
