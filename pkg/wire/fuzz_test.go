package wire

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
)

// FuzzAdvert fuzzes the round trip of Advert: an accepted message is encoded to the same bytes
// and decoded to the same advert again. Since random inputs have no right checksum, each input is
// tried a second time with a corrected one.
func FuzzAdvert(f *testing.F) {
	seed := func(a Advert, p Path) {
		b := a.Append(nil, p.Source, p.Dest)
		// The seeds must be adverts, or the target would fuzz nothing of theirs.
		var got Advert
		if err := got.Decode(b, p); err != nil || got.VRID != a.VRID {
			f.Fatalf("the seed %x is no advert: %v", b, err)
		}
		f.Add(b, p.Source.AsSlice(), a.Checksum == MessageOnly)
	}
	for _, g := range golden {
		seed(g.advert, g.path)
	}
	for _, family := range []event.Family{event.IPv4, event.IPv6} {
		least, most, _ := V3.Intervals()
		seed(Advert{VRID: 255, Priority: 255, Interval: most, Addresses: many(family, 16)}, pathOf(family))
		seed(Advert{VRID: 1, Priority: 1, Interval: least, Addresses: many(family, 3)}, pathOf(family))
	}
	_, most, _ := V2.Intervals()
	seed(Advert{Version: V2, VRID: 255, Priority: 255, Interval: most, Addresses: many(event.IPv4, 16), Auth: Password("12345678")}, path4)
	seed(Advert{Version: V2, VRID: 1, Interval: most, Addresses: many(event.IPv4, 3), Auth: Password("")}, path4)
	f.Fuzz(func(t *testing.T, b, source []byte, messageOnly bool) {
		from, ok := netip.AddrFromSlice(source)
		if !ok {
			return
		}
		p := Path{Source: from, Dest: GroupOf(event.FamilyOf(from)), HopLimit: HopLimit}
		roundTrip(t, b, p)
		if len(b) < fixedLen {
			return
		}
		form := PseudoHeader
		if messageOnly {
			form = MessageOnly
		}
		b = reseal(bytes.Clone(b), p, form)
		var a Advert
		if err := a.Decode(b, p); err == ChecksumError {
			t.Fatalf("%x has a right checksum", b)
		}
		roundTrip(t, b, p)
	})
}

func BenchmarkAppend(b *testing.B) {
	for _, g := range golden {
		b.Run(g.name, func(b *testing.B) {
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				out = g.advert.Append(out[:0], g.path.Source, g.path.Dest)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, g := range golden {
		b.Run(g.name, func(b *testing.B) {
			b.ReportAllocs()
			in := unhex(b, g.hex)
			var a Advert
			for b.Loop() {
				if err := a.Decode(in, g.path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("v6 255 addresses", func(b *testing.B) {
		b.ReportAllocs()
		a := Advert{VRID: 1, Interval: time.Second, Addresses: many(event.IPv6, 255)}
		in := a.Append(nil, path6.Source, path6.Dest)
		for b.Loop() {
			if err := a.Decode(in, path6); err != nil {
				b.Fatal(err)
			}
		}
	})
}
