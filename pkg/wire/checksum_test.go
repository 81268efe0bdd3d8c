package wire

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
)

// reseal corrects the checksum of a message that was changed.
func reseal(b []byte, p Path, form Checksum) []byte {
	b[checksumAt], b[checksumAt+1] = 0, 0
	total := sum(b)
	if event.FamilyOf(p.Source) == event.IPv6 || form == PseudoHeader && b[0]>>4 != 2 {
		total += pseudoHeader(p.Source, p.Dest, len(b), Protocol)
	}
	binary.BigEndian.PutUint16(b[checksumAt:], ^fold(total))
	return b
}

func reseal6MessageOnly(b []byte) []byte {
	b[checksumAt], b[checksumAt+1] = 0, 0
	binary.BigEndian.PutUint16(b[checksumAt:], ^fold(sum(b)))
	return b
}

// TestFormsThatCoincide checks a source for which the sum of the pseudo-header is zero.
func TestFormsThatCoincide(t *testing.T) {
	p := Path{Source: netip.MustParseAddr("10.0.21.113"), Dest: Group4, HopLimit: HopLimit}
	a := Advert{VRID: 10, Priority: 200, Interval: time.Second, Addresses: addrs("192.0.2.1"), Checksum: MessageOnly}
	only := a.Append(nil, p.Source, p.Dest)
	a.Checksum = PseudoHeader
	if both := a.Append(nil, p.Source, p.Dest); !bytes.Equal(only, both) {
		t.Fatalf("the forms differ: %x, %x", only, both)
	}
	if err := a.Decode(only, p); err != nil || a.Checksum != PseudoHeader {
		t.Errorf("Decode: %v, %v", err, a.Checksum)
	}
}

// TestOneFormOverIPv6 checks that only IPv4 has two forms.
func TestOneFormOverIPv6(t *testing.T) {
	g := golden[4]
	g.advert.Checksum = MessageOnly
	if got := g.advert.Append(nil, g.path.Source, g.path.Dest); !bytes.Equal(got, unhex(t, g.hex)) {
		t.Errorf("%x, want %s", got, g.hex)
	}
}

// TestFold has sums whose carries produce another carry (RFC 1071 §2).
func TestFold(t *testing.T) {
	for total, want := range map[uint32]uint16{0: 0, 0xffff: 0xffff, 0x10000: 1, 0x1ffff: 1, 0xffffffff: 0xffff} {
		if got := fold(total); got != want {
			t.Errorf("fold(%#x) = %#x, want %#x", total, got, want)
		}
	}
	if got, want := sum([]byte{1, 2, 3}), uint32(0x0102+0x0300); got != want {
		t.Errorf("an odd byte counts as the high one of a word: %#x, want %#x", got, want)
	}
}
