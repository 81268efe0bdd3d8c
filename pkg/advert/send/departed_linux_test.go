package send

import (
	"net/netip"
	"testing"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/wire"
)

// TestResignationWhoseSourceIsGone checks that a resignation leaves from an address that was
// removed, to the multicast group and to a peer, and that an advert does not.
func TestResignationWhoseSourceIsGone(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	index, four, six := l.RemoteEnd(1)
	next, s := l.Capture(link.Index), l.Sender(openSender)
	send := func(what string, source, to netip.Addr, occasion advert.Occasion) (err error) {
		m := adverttest.Message(adverttest.Frames(index, source))
		m.To, m.Occasion = to, occasion
		batch := []advert.Message{m}
		if s.Send(batch); batch[0].Err != nil {
			return batch[0].Err
		}
		b := next()
		from, dest, hops, payload := b[12:16], b[16:20], b[8], b[20:]
		if source.Is6() {
			from, dest, hops, payload = b[8:24], b[24:40], b[7], b[40:]
		}
		if string(from) != string(source.AsSlice()) || string(dest) != string(to.AsSlice()) || hops != 255 {
			t.Errorf("%s: IP header % x", what, b[:40])
		}
		if string(payload[:len(m.Payload)]) != string(m.Payload) {
			t.Errorf("%s: sent % x, got % x", what, m.Payload, payload)
		}
		return nil
	}
	here4, here6 := netip.MustParseAddr("198.51.1.1"), netip.MustParseAddr("fe80::1:1")
	ways := []struct {
		what       string
		source, to netip.Addr
	}{
		{"IPv4 to the group", four, wire.Group4}, {"IPv4 to a peer", four, here4},
		{"IPv6 to the group", six, wire.Group6}, {"IPv6 to a peer", six, here6},
	}
	for _, way := range ways { // and the MAC of the peer becomes known
		if err := send(way.what, way.source, way.to, advert.Repeat); err != nil {
			t.Fatalf("%s, with its source: %v", way.what, err)
		}
	}
	l.InRemote(func() {
		l.IP("addr del 198.51.1.2/24 dev there1")
		l.IP("addr del fe80::1:2/64 dev there1")
	})
	for _, way := range ways {
		if err := send(way.what, way.source, way.to, advert.Resignation); err != nil {
			t.Errorf("%s: %v", way.what, err)
		}
		if err := send(way.what, way.source, way.to, advert.Repeat); err == nil {
			t.Errorf("%s: an advert left from an address that is gone", way.what)
		}
	}
}
