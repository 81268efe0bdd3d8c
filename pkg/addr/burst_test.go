package addr

import (
	"bytes"
	"net/netip"
	"testing"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// A burst has the frames of both families and the questions, in order, however
// often its memory had to grow; a second one uses that memory again.
func TestBurst(t *testing.T) {
	link := event.Link{Index: 7, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1}}
	var b burst
	fill := func() (want [][]byte) {
		b.reset()
		four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
		for range slice {
			four, six = four.Next(), six.Next()
			b.announce("a", Address{Prefix: netip.PrefixFrom(four, 24)}, link)
			b.announce("b", Address{Prefix: netip.PrefixFrom(six, 64)}, link)
			b.ask(link, four)
			want = append(want, wire.AppendGARP(nil, link.HardwareAddr, four), wire.AppendNA(nil, link.HardwareAddr, six),
				wire.AppendARPRequest(nil, link.HardwareAddr, netip.IPv4Unspecified(), four))
		}
		return want
	}
	for range 2 {
		want := fill()
		if len(b.frames) != len(want) || len(b.of) != len(want) {
			t.Fatalf("%d frames of %d, want %d", len(b.frames), len(b.of), len(want))
		}
		for i, f := range b.frames {
			if f.Index != 7 || f.Err != nil || !bytes.Equal(f.Data, want[i]) {
				t.Errorf("frame %d: %+v, want %x", i, f, want[i])
			}
			if got, want := b.of[i].instance, []string{"a", "b", ""}[i%3]; got != want {
				t.Errorf("frame %d is of %q, want %q", i, got, want)
			}
		}
	}
	if n := testing.AllocsPerRun(10, func() {
		b.reset()
		b.announce("a", Address{Prefix: vip4}, link)
		b.announce("b", Address{Prefix: vip6}, link)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
