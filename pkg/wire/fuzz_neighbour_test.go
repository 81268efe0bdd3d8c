package wire

import (
	"net/netip"
	"testing"
)

var fuzzMAC = [6]byte{2, 0, 0, 0, 0, 7}

// FuzzARP passes to ParseARP anything that a station may send. An accepted packet is complete and
// of one station, means the same without the padding, and the same when it is encoded again.
func FuzzARP(f *testing.F) {
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	reply := AppendARPRequest(nil, fuzzMAC, one, other)
	reply[21] = arpReply
	for _, frame := range [][]byte{
		AppendGARP(nil, fuzzMAC, one), AppendARPRequest(nil, fuzzMAC, one, other), reply, append(reply[:len(reply):len(reply)], make([]byte, 18)...),
	} {
		if _, ip, _, ok := ParseARP(frame); !ok || ip != one {
			f.Fatalf("the seed %x is no ARP", frame)
		}
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		mac, ip, reply, ok := ParseARP(frame)
		if !ok {
			return
		}
		const whole = ethernetLen + arpLen
		if len(frame) < whole || !ip.Is4() || mac[0]&1 != 0 || mac == [6]byte{} {
			t.Fatalf("%x is taken for ARP of %v at %x", frame, ip, mac)
		}
		if m, i, r, ok := ParseARP(frame[:whole]); !ok || m != mac || i != ip || r != reply {
			t.Errorf("%x without its padding is read as %v at %x, reply %t", frame, i, m, r)
		}
		if _, _, _, ok := ParseARP(frame[:whole-1]); ok {
			t.Errorf("%x is taken though cut", frame)
		}
		if m, i, r, ok := ParseARP(AppendARPRequest(nil, mac, ip, other)); !ok || m != mac || i != ip || r {
			t.Errorf("asked by %v at %x it is read as %v at %x, reply %t", ip, mac, i, m, r)
		}
	})
}

// FuzzND passes to ParseNDMessage, and as a frame to ParseNA, anything that a station may send.
// An accepted message is complete and from this segment (RFC 4861 §7.1.1, §7.1.2), and an
// advertisement means the same when it is encoded again.
func FuzzND(f *testing.F) {
	one, other := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("2001:db8::2")
	for _, frame := range [][]byte{AppendNA(nil, fuzzMAC, one), AppendNS(nil, fuzzMAC, one, other)} {
		message := frame[ethernetLen+ipv6Len:]
		if ip, _, ok := ParseNDMessage(message, one, HopLimit); !ok || ip != one {
			f.Fatalf("the seed %x announces no address", message)
		}
		f.Add(frame, one.AsSlice(), HopLimit)
	}
	f.Fuzz(func(t *testing.T, frame, from []byte, hopLimit int) {
		source, ok := netip.AddrFromSlice(from)
		if !ok || !source.Is6() {
			return
		}
		if mac, ip, _, ok := ParseNA(frame); ok {
			if m, i, solicited, ok := ParseNA(AppendNA(nil, mac, ip)); !ok || m != mac || i != ip || solicited {
				t.Errorf("%v at %x, encoded again, is read as %v at %x, solicited %t", ip, mac, i, m, solicited)
			}
		}
		message := frame[min(len(frame), ethernetLen+ipv6Len):]
		ip, advert, ok := ParseNDMessage(message, source, hopLimit)
		switch {
		case !ok:
		case len(message) < ndLen || hopLimit != HopLimit || message[1] != 0:
			t.Errorf("%x with the hop limit %d is taken for a message of this segment", message, hopLimit)
		case advert && (message[0] != neighborAdvert || ip.IsMulticast()):
			t.Errorf("%x is taken for an advertisement of %v", message, ip)
		case !advert && (message[0] != neighborSolicitation || ip != source):
			t.Errorf("%x of %v is taken for a solicitation of %v", message, source, ip)
		}
	})
}
