package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/event"
)

// hmacKey returns the key of the vectors: 00 01 … 1f.
func hmacKey() Secret {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	return NewSecret(key)
}

// signedVectors are those of keepalived 2.4.3, as the facts page has them: no peer
// here speaks it.
var signedVectors = []struct {
	name, hex string
	path      Path
	advert    Advert
}{
	{"IPv4", "3133c80100644402c0000264" + "010100006800000080000000" + "1b84bc4e8e43892dc6d98448f8ee2265",
		Path{Source: netip.MustParseAddr("198.51.100.10"), Dest: Group4, HopLimit: HopLimit, Trailer: true},
		Advert{VRID: 51, Priority: 200, Interval: time.Second, Addresses: addrs("192.0.2.100"), Checksum: MessageOnly}},
	{"IPv6", "3133c8010064a2e9fe800000000000000000000000000100" + "010100006800000080000000" + "c8c56146ebfd66ee10ec4d8186461b78",
		Path{Source: netip.MustParseAddr("fe80::10"), Dest: netip.MustParseAddr("fe80::20"), HopLimit: HopLimit, Trailer: true},
		Advert{VRID: 51, Priority: 200, Interval: time.Second, Addresses: addrs("fe80::100")}},
}

const vectorSequence Sequence = 0x6800000080000000

// signed returns an advert with its trailer, as the engine sends it.
func signed(k *Key, a *Advert, p Path, s Sequence) []byte {
	b := append(a.Append(nil, p.Source, p.Dest), make([]byte, TrailerLen)...)
	k.Sign(b, p.Source, s)
	Cover(b, p.Source, p.Dest)
	return b
}

// judge returns the result of checking the trailer of a message, in the order of the facts page.
func judge(k *Key, b []byte, source netip.Addr) error {
	t, err := ReadTrailer(b)
	switch {
	case err != nil:
		return err
	case t.KeyID != k.id:
		return AuthUnknownKey
	case !k.Verifies(b, source):
		return AuthInvalidHMAC
	}
	return nil
}

func TestTrailerVectorsOfKeepalived243AsTheFactsPageHasThem(t *testing.T) {
	for _, v := range signedVectors {
		t.Run(v.name, func(t *testing.T) {
			k, want := NewKey(1, hmacKey()), unhex(t, v.hex)
			if got := signed(k, &v.advert, v.path, vectorSequence); !bytes.Equal(got, want) {
				t.Errorf("signed:\n%x, want\n%x", got, want)
			}
			var got Advert
			if err := got.Decode(want, v.path); err != nil {
				t.Fatalf("Decode: %v", err)
			}
			expected := v.advert
			expected.Signed = true
			if diff := cmp.Diff(expected, got, cmpAddr); diff != "" {
				t.Errorf("Decode (-want +got):\n%s", diff)
			}
			if tr, err := ReadTrailer(want); err != nil || tr != (Trailer{1, vectorSequence}) {
				t.Errorf("ReadTrailer: %+v, %v", tr, err)
			}
			if err := judge(k, want, v.path.Source); err != nil {
				t.Errorf("it is rejected: %v", err)
			}
			if other := NewKey(1, NewSecret(make([]byte, 32))); judge(other, want, v.path.Source) != AuthInvalidHMAC {
				t.Error("another key verifies it")
			}
			plain := v.path
			plain.Trailer = false
			if err := got.Decode(want, plain); err != PacketLengthError {
				t.Errorf("where no trailer is expected: %v", err)
			}
		})
	}
}

// TestTrailerMutations has the table of the facts page, for both families.
func TestTrailerMutations(t *testing.T) {
	for _, v := range signedVectors {
		length := len(unhex(t, v.hex)) - TrailerLen
		for _, m := range []struct {
			what string
			at   int
			want error
		}{
			{"VRID", 1, AuthInvalidHMAC},
			{"priority", 2, AuthInvalidHMAC},
			{"interval", 5, AuthInvalidHMAC},
			{"checksum", 6, nil},
			{"checksum", 7, nil},
			{"virtual address", length - 1, AuthInvalidHMAC},
			{"ext_type", length, AuthMalformed},
			{"key id", length + 1, AuthUnknownKey},
			{"reserved", length + 2, AuthMalformed},
			{"reserved", length + 3, AuthMalformed},
			{"seconds", length + 4, AuthInvalidHMAC},
			{"sub-second", length + 9, AuthInvalidHMAC},
			{"counter", length + 11, AuthInvalidHMAC},
			{"hmac, first", length + 12, AuthInvalidHMAC},
			{"hmac, last", length + 27, AuthInvalidHMAC},
		} {
			b := unhex(t, v.hex)
			b[m.at] ^= 1
			if got := judge(NewKey(1, hmacKey()), b, v.path.Source); got != m.want {
				t.Errorf("%s: %s mutated: %v, want %v", v.name, m.what, got, m.want)
			}
		}
		if got := judge(NewKey(1, hmacKey()), unhex(t, v.hex), v.path.Source.Next()); got != AuthInvalidHMAC {
			t.Errorf("%s: from another source: %v", v.name, got)
		}
	}
}

// TestChecksumAndTrailer checks that the IPv4 checksum excludes the trailer and the IPv6 one
// covers it.
func TestChecksumAndTrailer(t *testing.T) {
	for _, c := range []struct {
		v    int
		want error
	}{{0, nil}, {1, ChecksumError}} {
		b := unhex(t, signedVectors[c.v].hex)
		b[len(b)-1] ^= 1
		var a Advert
		if err := a.Decode(b, signedVectors[c.v].path); err != c.want {
			t.Errorf("%s: a byte of the trailer mutated: %v, want %v", signedVectors[c.v].name, err, c.want)
		}
	}
	for _, cut := range []int{1, TrailerLen - 1, TrailerLen + 1} {
		for _, v := range signedVectors {
			b := unhex(t, v.hex)
			var a Advert
			if err := a.Decode(b[:len(b)-cut], v.path); err != PacketLengthError {
				t.Errorf("%s: %d bytes too few: %v", v.name, cut, err)
			}
			if err := a.Decode(append(b, 0), v.path); err != PacketLengthError {
				t.Errorf("%s: a byte too many: %v", v.name, err)
			}
		}
	}
}

// TestOneTrailerServesAllPeers checks that the destination is not covered.
func TestOneTrailerServesAllPeers(t *testing.T) {
	for _, v := range signedVectors {
		k := NewKey(7, hmacKey())
		first := signed(k, &v.advert, v.path, 42)
		other := v.path
		other.Dest = v.path.Dest.Next()
		b := append(v.advert.Append(nil, other.Source, other.Dest), first[len(first)-TrailerLen:]...)
		Cover(b, other.Source, other.Dest)
		var a Advert
		if err := a.Decode(b, other); err != nil || judge(k, b, other.Source) != nil {
			t.Errorf("%s: %v, %v", v.name, err, judge(k, b, other.Source))
		}
	}
}

// TestTrailerOfV2 checks that the trailer follows the Authentication Data, which it covers.
func TestTrailerOfV2(t *testing.T) {
	p := path4
	p.Trailer = true
	k := NewKey(255, hmacKey())
	b := signed(k, &Advert{Version: V2, VRID: 10, Priority: 200, Interval: time.Second, Addresses: addrs("192.0.2.1")}, p, 42)
	var a Advert
	if err := a.Decode(b, p); err != nil || !a.Signed || judge(k, b, p.Source) != nil {
		t.Errorf("%+v: %v, %v", a, err, judge(k, b, p.Source))
	}
	if want := "210ac801000" + "1"; fmt.Sprintf("%x", b[:6]) != want || len(b) != 8+4+8+TrailerLen {
		t.Errorf("%x", b)
	}
	b[13] ^= 1 // of the Authentication Data
	binary.BigEndian.PutUint16(b[6:], 0)
	if judge(k, b, p.Source) != AuthInvalidHMAC {
		t.Error("the Authentication Data is not covered")
	}
}

// TestFamilyIsCovered checks that the family is covered, since the 16 bytes of two sources may be
// equal.
func TestFamilyIsCovered(t *testing.T) {
	k, b := NewKey(1, hmacKey()), unhex(t, signedVectors[0].hex)
	if k.Verifies(b, netip.MustParseAddr("c633:640a::")) {
		t.Error("an IPv4 trailer is accepted from the IPv6 source with the same bytes")
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	s := NewSecret([]byte("0123456789abcdefghijklmnopqrstuv"))
	type hidden struct{ secret Secret }
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		for _, v := range []any{s, &s, hidden{s}, map[uint8]Secret{1: s}, []Secret{s}} {
			if got := fmt.Sprintf(format, v); strings.Contains(got, "234") || strings.Contains(got, "323334") || strings.Contains(got, "50 51") {
				t.Errorf("%s of %T: %s", format, v, got)
			}
		}
	}
}

func TestSequence(t *testing.T) {
	at := time.Unix(0x68000000, 500_000_000)
	if got := SequenceAt(at); got != vectorSequence {
		t.Errorf("SequenceAt: %x", uint64(got))
	}
	ms := func(n int) Sequence { return SequenceAt(at.Add(time.Duration(n) * time.Millisecond)) }
	for _, c := range []struct {
		name   string
		last   Sequence
		window time.Duration
		want   Sequence
	}{
		{"the first is the clock's", 0, 0, ms(0)},
		{"the clock is ahead", ms(-1000), 5 * time.Second, ms(0)},
		{"the clock stands still", ms(0), 5 * time.Second, ms(0) + 1},
		{"and goes on doing so", ms(0) + 1, 5 * time.Second, ms(0) + 2},
		{"it was set back a little", ms(5000), 5 * time.Second, ms(5000) + 1},
		{"it was set back by more than the window", ms(5001), 5 * time.Second, ms(0)},
		{"and so it was in monotonic mode", ms(3_600_000), 0, ms(3_600_000) + 1},
		{"the last was sent before 2106, the next is after it", Sequence(0x6800000080000000 + 1<<62), 0, Sequence(0x6800000080000000+1<<62) + 1},
	} {
		if got := c.last.Next(at, c.window); got != c.want {
			t.Errorf("%s: %x, want %x", c.name, uint64(got), uint64(c.want))
		}
	}
}

// TestSequenceOrder checks RFC 1982 §3.2 at the wrap of the seconds.
func TestSequenceOrder(t *testing.T) {
	for _, c := range []struct {
		a, b   Sequence
		before bool
		sub    time.Duration // b - a
	}{
		{5, 5, false, 0},
		{0xffffffff_00000000, 0x00000001_80000000, true, 2500 * time.Millisecond},
		{0x00000001_80000000, 0xffffffff_00000000, false, -2500 * time.Millisecond},
		{vectorSequence, vectorSequence + 1<<32, true, time.Second},
		{vectorSequence, vectorSequence + 1<<63 - 1, true, 1<<31*time.Second - 1},
	} {
		if got := c.a.Before(c.b); got != c.before {
			t.Errorf("%x before %x: %v", uint64(c.a), uint64(c.b), got)
		}
		if got := c.b.Sub(c.a); got != c.sub {
			t.Errorf("%x - %x = %v, want %v", uint64(c.b), uint64(c.a), got, c.sub)
		}
	}
	if a := SequenceAt(time.Unix(1<<32+7, 0)); a != 7<<32 {
		t.Errorf("in 2106: %x", uint64(a))
	}
}

func TestSignAllocatesNothing(t *testing.T) {
	v := signedVectors[1]
	k, b := NewKey(1, hmacKey()), unhex(t, v.hex)
	k.Verifies(b, v.path.Source) // the first time the hash saves its state
	if n := testing.AllocsPerRun(100, func() {
		k.Sign(b, v.path.Source, 42)
		Cover(b, v.path.Source, v.path.Dest)
		if judge(k, b, v.path.Source) != nil {
			t.Fatal("not good")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSign(b *testing.B) {
	for _, v := range signedVectors {
		b.Run(v.name, func(b *testing.B) {
			b.ReportAllocs()
			k, message := NewKey(1, hmacKey()), unhex(b, v.hex)
			for b.Loop() {
				k.Sign(message, v.path.Source, 42)
				Cover(message, v.path.Source, v.path.Dest)
			}
		})
	}
}

// FuzzTrailer checks that every message that verifies was signed with the same content.
func FuzzTrailer(f *testing.F) {
	for _, v := range signedVectors {
		f.Add(unhex(f, v.hex), v.path.Source.AsSlice())
	}
	k := NewKey(1, hmacKey())
	f.Fuzz(func(t *testing.T, b, source []byte) {
		from, ok := netip.AddrFromSlice(source)
		if !ok {
			return
		}
		p := Path{Source: from, Dest: GroupOf(event.FamilyOf(from)), HopLimit: HopLimit, Trailer: true}
		var a Advert
		if a.Decode(b, p) != nil || !a.Signed {
			return
		}
		tr, err := ReadTrailer(b)
		if err != nil {
			return
		}
		again := bytes.Clone(b)
		k.Sign(again, from, tr.Sequence)
		if judge(k, b, from) == nil != bytes.Equal(again, b) {
			t.Fatalf("%x verifies %v, and is signed as %x", b, judge(k, b, from), again)
		}
	})
}
