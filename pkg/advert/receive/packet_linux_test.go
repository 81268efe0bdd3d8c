package receive

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/event"
	"ripcord/pkg/rawsock"
	"ripcord/pkg/wire"
)

// TestReceiverHearsOurOwnAddress checks another router with our address: the kernel silently
// drops its adverts over IPv4, but they are reported for both families. Adverts from the far
// end's own address are still received, also after our addresses have changed.
func TestReceiverHearsOurOwnAddress(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	index, four, six := l.RemoteEnd(1)
	here4, here6 := netip.MustParseAddr("198.51.1.1"), netip.MustParseAddr("fe80::1:1")
	l.InRemote(func() {
		l.IP("addr add 198.51.1.1/24 dev there1")
		l.IP("addr add fe80::1:1/64 dev there1 nodad")
	})
	bench, s := listen(t, on(link.Name)...), l.Sender(openSender)
	bench.publish(link) // its addresses are not known yet
	link.Primary4, link.LinkLocal6, link.Seq = here4, here6, 2
	link.Owned = &[]netip.Addr{here4, here6}
	bench.publish(link)
	s.Send([]advert.Message{adverttest.Message(adverttest.Frames(index, here4)), adverttest.Message(adverttest.Frames(index, here6)), adverttest.Message(adverttest.Frames(index, four)), adverttest.Message(adverttest.Frames(index, six))})
	if got := len(bench.takes(2)); got != 2 {
		t.Errorf("%d adverts were accepted, want 2", got)
	}
	var told []string
	for end := time.Now().Add(5 * time.Second); len(told) < 2 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		bench.take()
		events, _ := bench.events.Take()
		for _, e := range events {
			if e, ok := e.(event.AdvertRejected); ok {
				told = append(told, e.Source.String()+" "+e.Reason)
			}
		}
	}
	slices.Sort(told)
	if want := []string{"198.51.1.1 own-address", "fe80::1:1 own-address"}; !slices.Equal(told, want) {
		t.Errorf("events %q, want %q", told, want)
	}
}

// TestReceiverHearsOurOwnAddressBesideAnother checks that another router with our IPv6 address is
// reported while the raw socket delivers the adverts of a third one.
func TestReceiverHearsOurOwnAddressBesideAnother(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	index, _, six := l.RemoteEnd(1)
	ours := netip.MustParseAddr("fe80::1:1")
	link.Owned, link.LinkLocal6 = &[]netip.Addr{ours}, ours
	l.InRemote(func() { l.IP("addr add fe80::1:1/64 dev there1 nodad") })
	bench, s := listen(t, on(link.Name)[1:]...), l.Sender(openSender)
	third, clone := adverttest.Message(adverttest.Frames(index, six)), adverttest.Message(adverttest.Frames(index, ours))
	s.Send([]advert.Message{third})
	bench.publish(link)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		s.Send([]advert.Message{third})
		bench.takes(1) // now the VRID is not watched
		s.Send([]advert.Message{clone})
		bench.take()
		events, _ := bench.events.Take()
		for _, e := range events {
			if e, ok := e.(event.AdvertRejected); ok && e.Source == ours && e.Reason == "own-address" {
				return
			}
		}
	}
	t.Error("the other router with our address was not reported")
}

// TestPacketSocketWatchesVRIDs checks that the packet socket receives the watched VRIDs from any
// source, and over IPv4 no others from a source whose adverts the raw socket receives.
func TestPacketSocketWatchesVRIDs(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	in := newInject(l, 1)
	_, four, _ := l.RemoteEnd(1)
	for _, f := range []event.Family{event.IPv4, event.IPv6} {
		for _, c := range []struct {
			watched []uint8
			want    string
		}{
			{nil, "99"},
			{[]uint8{1}, "1 99"},
			{[]uint8{0, 31, 32, 63, 254, 255}, "0 31 32 63 254 255 99"},
			{[]uint8{33, 64, 95, 255}, "33 64 95 255 99"},
		} {
			a := &adverts{filterSpec: filterSpec{family: f, groups: []netip.Addr{wire.GroupOf(f)}}}
			a.reach.deliver(four)
			for _, vrid := range append(c.watched, 99) {
				a.watched.add(vrid)
			}
			p := opened(t, link, socketKey{link: link.Name}, a)
			for vrid := range 256 {
				if vrid != 99 {
					in.send(wire.GroupOf(f), 255, uint8(vrid))
				}
			}
			in.send(wire.GroupOf(f), 255, 99)
			if got := vridsOf(t, p); got != c.want {
				t.Errorf("%v, watched %v: passed %s, want %s", f, c.watched, got, c.want)
			}
			_ = p.close()
		}
	}
}

// TestPacketSocketsIgnoreOtherVLANs checks that a packet socket keeps an advert without a VLAN tag
// or with that of VLAN 0, and drops it with the tag of another VLAN: it is asked before the kernel
// passes that to the link of the VLAN. It is bound to all protocols, since a socket that
// is bound to IP makes the kernel copy each packet that the router forwards.
func TestPacketSocketsIgnoreOtherVLANs(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	index, _, _ := l.RemoteEnd(1)
	all := vridSet{^uint32(0), 0, 0, 1 << 3}
	for f, source := range map[event.Family]netip.Addr{event.IPv4: netip.MustParseAddr("198.51.1.1"), event.IPv6: netip.MustParseAddr("fe80::1:1")} {
		p := opened(t, link, socketKey{link: link.Name}, &adverts{filterSpec: filterSpec{family: f, groups: []netip.Addr{wire.GroupOf(f)}}, watched: all})
		address, err := unix.Getsockname(p.fd)
		if to, ok := address.(*unix.SockaddrLinklayer); err != nil || !ok || to.Protocol != rawsock.HTONS(unix.ETH_P_ALL) {
			t.Errorf("bound to %+v, %v; want all protocols", address, err)
		}
		frame := func(vrid uint8, tag ...byte) []byte {
			message := []byte{0x31, vrid, 100, 1, 0, 100, 0, 0}
			packet := append(wire.AppendIP(nil, source, wire.GroupOf(f), 255, len(message)), message...)
			b := append([]byte{0x01, 0x00, 0x5e, 0x00, 0x00, 0x12, 2, 0, 0, 0, 0, 9}, tag...)
			return append(binary.BigEndian.AppendUint16(b, etherTypes[f]), packet...)
		}
		l.InRemote(func() {
			fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = unix.Close(fd) }()
			for _, b := range [][]byte{frame(1), frame(2, 0x81, 0, 0, 5), frame(3, 0x81, 0, 0xe0, 0), frame(99)} {
				if err := unix.Sendto(fd, b, 0, &unix.SockaddrLinklayer{Ifindex: index}); err != nil {
					t.Error(err)
				}
			}
		})
		if got, want := vridsOf(t, p), "1 3 99"; got != want {
			t.Errorf("%v: passed %s, want %s", f, got, want)
		}
		_ = p.close()
	}
}
