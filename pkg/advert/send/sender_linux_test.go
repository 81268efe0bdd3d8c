package send

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/event"
	"ripcord/pkg/rawsock"
	"ripcord/pkg/wire"
	"ripcord/test/netns"
)

func TestSenderOnTheWire(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	index, four, six := l.RemoteEnd(1)
	next := l.Capture(link.Index)
	s := l.Sender(openSender)
	batch := []advert.Message{adverttest.Message(adverttest.Frames(index, six)), adverttest.Message(adverttest.Frames(index, four))}
	s.Send(batch)
	for _, m := range batch {
		if m.Err != nil {
			t.Fatal(m.Err)
		}
	}
	b := next() // IPv4 goes first
	header, payload, err := wire.SplitIPv4(b)
	if err != nil {
		t.Fatalf("%v: % x", err, b)
	}
	if b[0] != 0x45 || b[1] != trafficClass || header.TTL != 255 || header.Source != four || header.Dest != wire.Group4 || adverttest.HeaderSum(b) != 0 {
		t.Errorf("IPv4 header % x", b[:20])
	}
	if string(payload) != string(batch[1].Payload) {
		t.Errorf("sent % x, got % x", batch[1].Payload, payload)
	}
	b = next()
	class := b[0]<<4 | b[1]>>4
	source, dest := netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	if class != trafficClass || b[7] != 255 || source != six || dest != wire.Group6 {
		t.Errorf("IPv6 header % x", b[:40])
	}
	if string(b[40:]) != string(batch[0].Payload) {
		t.Errorf("sent % x, got % x: the kernel must not change the checksum", batch[0].Payload, b[40:])
	}
}

// TestSenderToPeers sends to single stations, with the socket's hop limit and with another one,
// and then to the multicast group again, through the same slots.
func TestSenderToPeers(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	index, four, six := l.RemoteEnd(1)
	next := l.Capture(link.Index)
	s := l.Sender(openSender)
	here4, here6 := netip.MustParseAddr("198.51.1.1"), netip.MustParseAddr("fe80::1:1")
	for _, want := range []struct {
		source, to netip.Addr
		hops       uint8
	}{
		{four, here4, 255}, {four, here4, 7}, {four, wire.Group4, 255},
		{six, here6, 255}, {six, here6, 7}, {six, wire.Group6, 255},
	} {
		m := adverttest.Message(adverttest.Frames(index, want.source))
		m.To, m.HopLimit = want.to, want.hops
		batch := []advert.Message{m}
		if s.Send(batch); batch[0].Err != nil {
			t.Fatal(batch[0].Err)
		}
		b := next()
		hops, to := b[8], b[16:20]
		if want.to.Is6() {
			hops, to = b[7], b[24:40]
		}
		if hops != want.hops || string(to) != string(want.to.AsSlice()) {
			t.Errorf("to %v with %d hops: sent % x", want.to, want.hops, b[:40])
		}
	}
}

// TestSocketsThatOnlySendHearNothing checks that the kernel does not deliver packets to sockets
// that only send, even without running their filter for each packet. They also have a filter,
// against packets to the address that they are bound to.
func TestSocketsThatOnlySendHearNothing(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	s, err := OpenSender()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, source := range []string{"198.51.1.1", "fe80::1:1"} {
		f := adverttest.Frames(link.Index, netip.MustParseAddr(source))
		s.Open(source, &f)
	}
	fds := []int{s.channels[rawIPv4].shared.fd, s.channels[rawIPv6].shared.fd, s.departed.four, s.departed.six}
	for _, o := range s.outlets {
		fds = append(fds, o.fd)
	}
	if len(fds) != 6 {
		t.Errorf("%d sockets, want 6", len(fds))
	}
	for _, fd := range fds {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0); err != nil {
			t.Errorf("a transmit socket has no filter: %v", err)
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<16); err != nil {
			t.Error(err)
		}
	}
	heard4, heard6 := member(t, link.Index, event.IPv4), member(t, link.Index, event.IPv6)
	index, four, six := l.RemoteEnd(1)
	l.Sender(openSender).Send([]advert.Message{adverttest.Message(adverttest.Frames(index, four)), adverttest.Message(adverttest.Frames(index, six))})
	heard4()
	heard6()
	for _, fd := range fds {
		if _, _, err := unix.Recvfrom(fd, make([]byte, 100), unix.MSG_DONTWAIT); err != unix.EAGAIN {
			t.Errorf("a transmit socket has received a packet: %v", err)
		}
	}
}

// member opens a socket that has joined the multicast group of adverts, and returns a function
// that waits until it has received one.
func member(t *testing.T, index int, f event.Family) (heard func()) {
	t.Helper()
	fd, err := rawsock.Open(f, nil)
	if err == nil {
		t.Cleanup(func() { _ = unix.Close(fd) })
		err = rawsock.Join(fd, index, wire.GroupOf(f))
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 5000); n != 1 {
			t.Fatalf("no %v advert has arrived: %v", f, err)
		}
	}
}

// openSender opens the sender that a LAN uses in the other namespace.
func openSender() (adverttest.Sender, error) { return OpenSender() }

func TestMain(m *testing.M) { netns.Main(m) }

// hundred returns a sender in this namespace, and a hundred adverts for it.
func hundred(t testing.TB) (*RawSender, []advert.Message) {
	link := adverttest.NewLAN(t).Cable(1, 0)
	s, err := OpenSender()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var batch []advert.Message
	for range 50 {
		batch = append(batch,
			adverttest.Message(adverttest.Frames(link.Index, netip.MustParseAddr("198.51.1.1"))),
			adverttest.Message(adverttest.Frames(link.Index, netip.MustParseAddr("fe80::1:1"))))
	}
	return s, batch
}

func TestSendAllocatesNothing(t *testing.T) {
	s, batch := hundred(t)
	if allocs := testing.AllocsPerRun(10, func() { s.Send(batch) }); allocs != 0 {
		t.Errorf("%v allocations for %d adverts", allocs, len(batch))
	}
	if batch[0].Err != nil || batch[99].Err != nil {
		t.Error(batch[0].Err, batch[99].Err)
	}
}

func BenchmarkSend100(b *testing.B) {
	s, batch := hundred(b)
	b.ReportAllocs()
	for b.Loop() {
		s.Send(batch)
	}
}
