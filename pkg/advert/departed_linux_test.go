package advert

import (
	"net/netip"
	"testing"

	"ripcord/pkg/wire"
)

// A resignation leaves from an address that is gone, to the group and to a peer; an
// advert does not.
func TestResignationWhoseSourceIsGone(t *testing.T) {
	l := newLAN(t)
	link := l.cable(1, 0)
	index, four, six := l.far(1)
	next, s := l.capture(link.Index), l.sender()
	send := func(what string, source, to netip.Addr, occasion Occasion) (err error) {
		m := message(frames(index, source))
		m.To, m.Occasion = to, occasion
		batch := []Message{m}
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
		if err := send(way.what, way.source, way.to, Repeat); err != nil {
			t.Fatalf("%s, with its source: %v", way.what, err)
		}
	}
	l.there(func() {
		l.ip("addr del 198.51.1.2/24 dev there1")
		l.ip("addr del fe80::1:2/64 dev there1")
	})
	for _, way := range ways {
		if err := send(way.what, way.source, way.to, Resignation); err != nil {
			t.Errorf("%s: %v", way.what, err)
		}
		if err := send(way.what, way.source, way.to, Repeat); err == nil {
			t.Errorf("%s: an advert left from an address that is gone", way.what)
		}
	}
}
