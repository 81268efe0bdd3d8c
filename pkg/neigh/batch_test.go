package neigh

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// TestBatch requires that a batch has the frames of both families and the questions, in order,
// however often its memory had to grow; a second batch reuses that memory.
func TestBatch(t *testing.T) {
	link := event.Link{Index: 7, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1}}
	var b Batch
	fill := func() (want [][]byte) {
		b.Reset()
		four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
		for range MaxFrames {
			four, six = four.Next(), six.Next()
			b.Announce(link, four)
			b.Announce(link, six)
			b.Ask(link, four)
			want = append(want, wire.AppendGARP(nil, link.HardwareAddr, four), wire.AppendNA(nil, link.HardwareAddr, six),
				wire.AppendARPRequest(nil, link.HardwareAddr, netip.IPv4Unspecified(), four))
		}
		return want
	}
	for range 2 {
		want := fill()
		if len(b.frames) != len(want) {
			t.Fatalf("%d frames, want %d", len(b.frames), len(want))
		}
		for i, f := range b.frames {
			if f.Index != 7 || f.Err != nil || !bytes.Equal(f.Data, want[i]) {
				t.Errorf("frame %d: %+v, want %x", i, f, want[i])
			}
		}
	}
	if n := testing.AllocsPerRun(10, func() {
		b.Reset()
		b.Announce(link, vip4)
		b.Announce(link, vip6)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestProbeNamesNoSender requires that a probe has no IPv4 sender, and is not sent where no station
// could answer it.
func TestProbeNamesNoSender(t *testing.T) {
	mac := [6]byte{2, 0, 0, 0, 0, 0x99}
	var b Batch
	b.Probe(event.Link{Index: eth0, HardwareAddr: mac, Primary4: own4}, vip4)
	b.Probe(event.Link{Index: eth0, HardwareAddr: mac}, vip6)
	if len(b.frames) != 1 || fmt.Sprintf("%x", b.frames[0].Data[28:32]) != "00000000" {
		t.Errorf("the probe is %x", b.frames)
	}
}

func TestAppendQuestion(t *testing.T) {
	link := event.Link{Name: "eth0", Index: eth0, Usable: true, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 7}, Primary4: own4, LinkLocal6: own6}
	expect(t, "ARP", appendQuestion(nil, link, host4), wire.AppendARPRequest(nil, link.HardwareAddr, own4, host4))
	expect(t, "ND", appendQuestion(nil, link, host6), wire.AppendNS(nil, link.HardwareAddr, own6, host6))
	link.Primary4 = netip.Addr{}
	expect(t, "an ARP probe", appendQuestion(nil, link, host4), wire.AppendARPRequest(nil, link.HardwareAddr, netip.IPv4Unspecified(), host4))
}
