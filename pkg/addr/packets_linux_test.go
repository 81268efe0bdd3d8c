package addr

import (
	"bytes"
	"errors"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
)

// gratuitous are the frames that announce n addresses at a link, IPv4 and IPv6 in
// turn.
func gratuitous(index, n int) *burst {
	b := new(burst)
	four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for i := range n {
		if i%2 == 0 {
			b.announce("a", Address{Prefix: netip.PrefixFrom(four, 32)}, event.Link{Index: index, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 9}})
			four = four.Next()
			continue
		}
		b.announce("a", Address{Prefix: netip.PrefixFrom(six, 128)}, event.Link{Index: index, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 9}})
		six = six.Next()
	}
	return b
}

// One frame that cannot be sent keeps no other back, in more than one call's
// worth of them, and their order stays.
func TestPacketsThatFail(t *testing.T) {
	near, far := cable(t)
	dead, _ := cable(t)
	fd := capture(t, far)
	ip(t, "link", "set", dead, "down")
	packets, err := OpenPackets()
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	frames := gratuitous(indexOf(t, near), 3*slice).frames
	const gone = 1 << 20 // no such link
	want := map[int]error{0: unix.ENXIO, 5: unix.ENETDOWN, 6: unix.ENETDOWN, slice: unix.ENXIO, 3*slice - 1: unix.ENETDOWN}
	for i, err := range want {
		frames[i].Index = gone
		if errors.Is(err, unix.ENETDOWN) {
			frames[i].Index = indexOf(t, dead)
		}
	}
	frames[7].Data = frames[7].Data[:13]
	for range 2 { // the errors of the first time are forgotten
		packets.Send(frames)
	}
	for i, f := range frames {
		switch {
		case i == 7:
			if f.Err == nil {
				t.Error("a frame without a header was sent")
			}
		case !errors.Is(f.Err, want[i]) || (f.Err == nil) != (want[i] == nil):
			t.Errorf("frame %d: %v, want %v", i, f.Err, want[i])
		}
	}
	for range 2 {
		for i, f := range frames {
			if f.Err != nil {
				continue
			}
			if got := nextAnnouncement(t, fd); !bytes.Equal(got, f.Data) {
				t.Fatalf("frame %d:\n%x, want\n%x", i, got, f.Data)
			}
		}
	}
	frames[0].Index = indexOf(t, near)
	if packets.Send(frames[:1]); frames[0].Err != nil {
		t.Errorf("sent at last, and still: %v", frames[0].Err)
	}
}

// TestStuckLinkHoldsUpNoOther: a link that sends next to nothing keeps what it was given,
// up to the room of its socket, and refuses more; what is announced on another link leaves
// all the same. The sockets of links that are gone are closed.
func TestStuckLinkHoldsUpNoOther(t *testing.T) {
	stuck, _ := cable(t)
	free, far := cable(t)
	fd := capture(t, far)
	if out, err := exec.Command("tc", strings.Fields("qdisc add dev "+stuck+" root tbf rate 8bit burst 1600 limit 100000000")...).CombinedOutput(); err != nil {
		t.Skipf("skipped: tc: %v: %s", err, out)
	}
	packets, err := OpenPackets()
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	refused := 0
	for range 50 {
		frames := append(gratuitous(indexOf(t, stuck), 200).frames, gratuitous(indexOf(t, free), 1).frames...)
		packets.Send(frames)
		if err := frames[200].Err; err != nil {
			t.Fatalf("the other link: %v", err)
		}
		if got := nextAnnouncement(t, fd); !bytes.Equal(got, frames[200].Data) {
			t.Fatalf("%x, want %x", got, frames[200].Data)
		}
		if frames[199].Err != nil {
			refused++
		}
	}
	if refused < 10 {
		t.Errorf("of 50 batches of 200 the stuck link refused only %d", refused)
	}
	for index := range 300 {
		packets.Send(gratuitous(1<<20+index, 1).frames)
	}
	if n := len(packets.outlets); n != 2 {
		t.Errorf("%d sockets for two links", n)
	}
}

func TestAnnouncingAllocatesNothing(t *testing.T) {
	near, _ := cable(t)
	packets, err := OpenPackets()
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	frames := gratuitous(indexOf(t, near), slice).frames
	if n := testing.AllocsPerRun(10, func() { packets.Send(frames) }); n != 0 {
		t.Errorf("%v allocations for %d frames", n, slice)
	}
}

func BenchmarkAnnounce250(b *testing.B) {
	near, _ := cable(b)
	packets, err := OpenPackets()
	if err != nil {
		b.Fatal(err)
	}
	defer packets.Close()
	frames := gratuitous(indexOf(b, near), 250).frames
	b.ReportAllocs()
	for b.Loop() {
		packets.Send(frames)
	}
}
