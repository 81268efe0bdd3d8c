package keepalived

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/lan"
	"ripcord/test/stage"
)

// rival is the host from which a second router of the same virtual routers speaks: it sends
// the first router's own adverts, at another priority.
type rival struct {
	*stage.Stage
	fd int
}

const rivalHost = "rival"

func newRival(t *testing.T, s *stage.Stage) *rival {
	t.Helper()
	r := &rival{Stage: s}
	err := s.Host(rivalHost).Do(func() (err error) {
		r.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(r.fd) })
	return r
}

// speak sends adverts at the priorities that change makes of the first router's, until quit is
// closed.
func (r *rival) speak(t *testing.T, adverts []lan.Advert, change func(own uint8) uint8, quit <-chan struct{}) {
	tick := time.NewTicker(shortest(adverts))
	defer tick.Stop()
	for {
		for _, a := range adverts {
			to := &unix.SockaddrLinklayer{Ifindex: r.Cable(rivalHost, a.Segment).Index()}
			if err := unix.Sendto(r.fd, r.frame(t, a, change(a.Priority)), 0, to); err != nil {
				t.Error(err)
			}
		}
		select {
		case <-tick.C:
		case <-quit:
			return
		}
	}
}

// shortest is the shortest interval of some adverts; a second if there are none.
func shortest(adverts []lan.Advert) time.Duration {
	d := time.Second
	for _, a := range adverts {
		d = min(d, interval(a))
	}
	return d
}

// interval is that of an advert (RFC 9568 §5.2.7, RFC 3768 §5.3.7).
func interval(a lan.Advert) time.Duration {
	if a.Version == 2 {
		return time.Duration(a.Message[5]) * time.Second
	}
	return time.Duration(binary.BigEndian.Uint16(a.Message[4:])&0x0fff) * 10 * time.Millisecond
}

// frame is an advert as the rival sends it.
func (r *rival) frame(t *testing.T, a lan.Advert, priority uint8) []byte {
	t.Helper()
	cable := r.Cable(rivalHost, a.Segment)
	source, dest, mac := r.source(t, a), a.Destination, multicastMAC(a.Destination)
	if !dest.IsMulticast() {
		dest, mac = a.Source, a.MAC
	}
	message := slices.Clone(a.Message)
	message[2] = priority
	binary.BigEndian.PutUint16(message[6:], 0)
	binary.BigEndian.PutUint16(message[6:], checksum(a, source, dest, message))
	own := cable.MAC()
	frame := slices.Concat(mac[:], own[:])
	if a.Family == event.IPv6 {
		header := []byte{0x60, 0, 0, 0, 0, byte(len(message)), 112, 255}
		return slices.Concat(frame, []byte{0x86, 0xdd}, header, source.AsSlice(), dest.AsSlice(), message)
	}
	header := slices.Concat([]byte{0x45, 0xc0, 0, byte(20 + len(message)), 0, 1, 0, 0, 255, 112, 0, 0}, source.AsSlice(), dest.AsSlice())
	binary.BigEndian.PutUint16(header[10:], folded(header))
	return slices.Concat(frame, []byte{0x08, 0x00}, header, message)
}

// source is the rival's address beside that of an advert: the one that ends in 12, or its
// link-local one.
func (r *rival) source(t *testing.T, a lan.Advert) netip.Addr {
	t.Helper()
	if a.Source.IsLinkLocalUnicast() {
		linkLocal, err := r.Cable(rivalHost, a.Segment).LinkLocal()
		if err != nil {
			t.Error(err)
		}
		return linkLocal
	}
	for _, s := range segments {
		if s.ifname == a.Segment && a.Family == event.IPv6 {
			return netip.MustParseAddr(s.ipv6 + "12")
		} else if s.ifname == a.Segment {
			return netip.MustParseAddr(s.ipv4 + "12")
		}
	}
	panic("there is no segment " + a.Segment)
}

// multicastMAC is the MAC of a group (RFC 1112 §6.4, RFC 2464 §7).
func multicastMAC(group netip.Addr) lan.MAC {
	b := group.AsSlice()
	if group.Is6() {
		return lan.MAC{0x33, 0x33, b[12], b[13], b[14], b[15]}
	}
	return lan.MAC{0x01, 0x00, 0x5e, b[1] & 0x7f, b[2], b[3]}
}

// checksum is that of a message: with the pseudo-header in version 3, as keepalived has it.
func checksum(a lan.Advert, source, dest netip.Addr, message []byte) uint16 {
	if a.Version == 2 {
		return folded(message)
	}
	length := binary.BigEndian.AppendUint32(nil, uint32(len(message)))
	return folded(slices.Concat(source.AsSlice(), dest.AsSlice(), length, []byte{0, 0, 0, 112}, message))
}

// folded is the internet checksum (RFC 1071).
func folded(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i]) << 8
		if i+1 < len(b) {
			sum += uint32(b[i+1])
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
