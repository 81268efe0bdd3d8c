package receive

import (
	"net/netip"
	"slices"
	"testing"
	"time"

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
	index, four, six := l.Far(1)
	here4, here6 := netip.MustParseAddr("198.51.1.1"), netip.MustParseAddr("fe80::1:1")
	l.There(func() {
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

// TestOwnFilter checks that the program of a filter finds each of the addresses, and no others.
func TestOwnFilter(t *testing.T) {
	for _, f := range []event.Family{event.IPv4, event.IPv6} {
		var owned []netip.Addr
		first := netip.MustParseAddr("10.0.0.1")
		if f == event.IPv6 {
			first = netip.MustParseAddr("fe80::1")
		}
		for range 50 {
			owned = append(owned, first)
			first = first.Next()
		}
		program := filterSpec{family: f, own: true, owned: owned, unicast: true}.program(false)
		if last := program[len(program)-1]; last != rawsock.Drop {
			t.Errorf("%v ends in %+v", f, last)
		}
		if len(program) > 4096 {
			t.Errorf("%v has %d instructions, more than the kernel accepts", f, len(program))
		}
	}
}

// TestOwnFilterWatchesVRIDs checks that the packet socket for packets from our own addresses
// receives the watched VRIDs from any source, and no others.
func TestOwnFilterWatchesVRIDs(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	in := newInject(l, 1)
	for _, f := range []event.Family{event.IPv4, event.IPv6} {
		owned := []netip.Addr{netip.MustParseAddr("198.51.1.1")}
		if f == event.IPv6 {
			owned[0] = netip.MustParseAddr("fe80::1:1")
		}
		for _, c := range []struct {
			watched []uint8
			want    string
		}{
			{nil, "99"},
			{[]uint8{1}, "1 99"},
			{[]uint8{0, 31, 32, 63, 254, 255}, "0 31 32 63 254 255 99"},
			{[]uint8{33, 64, 95, 255}, "33 64 95 255 99"},
		} {
			m := filterSpec{family: f, groups: []netip.Addr{wire.GroupOf(f)}, own: true, owned: owned}
			for _, vrid := range append(c.watched, 99) {
				m.watched.add(vrid)
			}
			p, err := openPort(link.Name, link.Index, m, nil)
			if err != nil {
				t.Fatal(err)
			}
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
