package neigh

import (
	"bytes"
	"errors"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/test/netns"
)

// gratuitous returns the frames that announce n addresses at a link, IPv4 and IPv6 in turn.
func gratuitous(index, n int) *Batch {
	b := new(Batch)
	four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for i := range n {
		if i%2 == 0 {
			b.Announce(event.Link{Index: index, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 9}}, four)
			four = four.Next()
			continue
		}
		b.Announce(event.Link{Index: index, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 9}}, six)
		six = six.Next()
	}
	return b
}

// TestFramesThatFail requires that a frame that cannot be sent delays no other, in more frames than
// one call sends, and that their order stays.
func TestFramesThatFail(t *testing.T) {
	near, far := cable(t)
	dead, _ := cable(t)
	fd := netns.Capture(t, far)
	ip(t, "link", "set", dead, "down")
	sender, err := OpenSender()
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	frames := gratuitous(indexOf(t, near), 3*MaxFrames).Frames()
	const gone = 1 << 20 // no such link
	want := map[int]error{0: unix.ENXIO, 5: unix.ENETDOWN, 6: unix.ENETDOWN, MaxFrames: unix.ENXIO, 3*MaxFrames - 1: unix.ENETDOWN}
	for i, err := range want {
		frames[i].Index = gone
		if errors.Is(err, unix.ENETDOWN) {
			frames[i].Index = indexOf(t, dead)
		}
	}
	frames[7].Data = frames[7].Data[:13]
	for range 2 { // the errors of the first time are dropped
		sender.Send(frames)
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
			if got := netns.NextAnnouncement(t, fd); !bytes.Equal(got, f.Data) {
				t.Fatalf("frame %d:\n%x, want\n%x", i, got, f.Data)
			}
		}
	}
	frames[0].Index = indexOf(t, near)
	if sender.Send(frames[:1]); frames[0].Err != nil {
		t.Errorf("the frame was sent at last, but its error is: %v", frames[0].Err)
	}
}

// TestStuckLinkHoldsUpNoOther requires that a link that sends almost nothing keeps frames up to the
// buffer of its socket, and refuses more; announcements on another link are sent all the same. The
// sockets of links that are gone are closed.
func TestStuckLinkHoldsUpNoOther(t *testing.T) {
	stuck, _ := cable(t)
	free, far := cable(t)
	fd := netns.Capture(t, far)
	if out, err := exec.Command("tc", strings.Fields("qdisc add dev "+stuck+" root tbf rate 8bit burst 1600 limit 100000000")...).CombinedOutput(); err != nil {
		t.Skipf("skipped: tc: %v: %s", err, out)
	}
	sender, err := OpenSender()
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	refused := 0
	for range 50 {
		frames := append(gratuitous(indexOf(t, stuck), 200).Frames(), gratuitous(indexOf(t, free), 1).Frames()...)
		sender.Send(frames)
		if err := frames[200].Err; err != nil {
			t.Fatalf("the other link: %v", err)
		}
		if got := netns.NextAnnouncement(t, fd); !bytes.Equal(got, frames[200].Data) {
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
		sender.Send(gratuitous(1<<20+index, 1).Frames())
	}
	if n := len(sender.sockets); n != 2 {
		t.Errorf("%d sockets for two links", n)
	}
}

func TestAnnouncingAllocatesNothing(t *testing.T) {
	near, _ := cable(t)
	sender, err := OpenSender()
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	frames := gratuitous(indexOf(t, near), MaxFrames).Frames()
	if n := testing.AllocsPerRun(10, func() { sender.Send(frames) }); n != 0 {
		t.Errorf("%v allocations for %d frames", n, MaxFrames)
	}
}

func BenchmarkAnnounce250(b *testing.B) {
	near, _ := cable(b)
	sender, err := OpenSender()
	if err != nil {
		b.Fatal(err)
	}
	defer sender.Close()
	frames := gratuitous(indexOf(b, near), 250).Frames()
	b.ReportAllocs()
	for b.Loop() {
		sender.Send(frames)
	}
}
