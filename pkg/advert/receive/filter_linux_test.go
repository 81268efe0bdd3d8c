package receive

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/event"
	"ripcord/pkg/rawsock"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// inject sends packets of protocol 112 from the other end, each with its own hop limit, to a
// destination of its own.
type inject struct {
	t     *testing.T
	index int
	fd    map[event.Family]int
}

func newInject(l *adverttest.LAN, n int) *inject {
	l.T.Helper()
	in := &inject{t: l.T.(*testing.T), fd: make(map[event.Family]int)}
	in.index, _, _ = l.RemoteEnd(n)
	for _, f := range []event.Family{event.IPv4, event.IPv6} {
		var err error
		l.InRemote(func() {
			in.fd[f], err = rawsock.Open(f, []rawsock.Option{rawsock.Int(unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, in.index, "SO_BINDTOIFINDEX")})
		})
		if err != nil {
			l.T.Fatal(err)
		}
		l.T.Cleanup(func() { _ = unix.Close(in.fd[f]) })
	}
	return in
}

// send sends a message with a VRID; options are IPv4 header options.
func (in *inject) send(to netip.Addr, hops int, vrid uint8, options ...byte) {
	in.t.Helper()
	f := event.FamilyOf(to)
	fd := in.fd[f]
	var dest unix.Sockaddr = &unix.SockaddrInet6{Addr: to.As16(), ZoneId: uint32(in.index)}
	set := []rawsock.Option{rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, hops, ""), rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, hops, "")}
	if f == event.IPv4 {
		dest = &unix.SockaddrInet4{Addr: to.As4()}
		set = []rawsock.Option{rawsock.Int(unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, hops, ""), rawsock.Int(unix.IPPROTO_IP, unix.IP_TTL, hops, "")}
		if err := unix.SetsockoptString(fd, unix.IPPROTO_IP, unix.IP_OPTIONS, string(options)); err != nil {
			in.t.Fatal(err)
		}
	}
	for _, o := range set {
		if err := unix.SetsockoptInt(fd, o.Level, o.Name, o.Value); err != nil {
			in.t.Fatal(err)
		}
	}
	if err := unix.Sendto(fd, []byte{0x31, vrid, 100, 1, 0, 100, 0, 0}, 0, dest); err != nil {
		in.t.Fatal(err)
	}
}

// opened opens a receive socket for adverts of some families.
func opened(t *testing.T, link event.Link, at socketKey, some ...*adverts) *port {
	t.Helper()
	all := make(families)
	for _, a := range some {
		all[a.family] = a
	}
	p, err := openPort(at, link.Index, all, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestFilter checks that packets for the group always pass, and during a flood only those that
// may be for our VRIDs, while the others are counted. A last packet that passes shows that the
// earlier ones have been filtered.
func TestFilter(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	in := newInject(l, 1)
	for _, f := range []event.Family{event.IPv4, event.IPv6} {
		t.Run(f.String(), func(t *testing.T) {
			group, ours := wire.GroupOf(f), netip.MustParseAddr("198.51.1.1")
			if f == event.IPv6 {
				ours = netip.MustParseAddr("fe80::1:1")
			}
			m := filterSpec{}
			for _, vrid := range []uint8{51, 3, 99, 51} {
				m.add(&vrrp.Instance{Virtual: event.Virtual{Family: f, VRID: vrid}})
			}
			p := opened(t, link, socketKey{link.Name, f}, &adverts{filterSpec: m})
			defer func() { _ = p.close() }()

			in.send(ours, 255, 1)
			in.send(group, 64, 2)
			in.send(group, 255, 3)
			in.send(group, 255, 99)
			if got, want := vridsOf(t, p), "2 3 99"; got != want {
				t.Errorf("passed %s, want %s", got, want)
			}

			p.shield()
			in.send(group, 255, 4)
			in.send(group, 254, 51)
			in.send(ours, 255, 51)
			in.send(group, 255, 51)
			in.send(group, 255, 0)
			want := "51 3 99"
			if f == event.IPv4 {
				in.send(group, 255, 51, 1, 1, 1, 0) // a longer IP header
				want = "51 51 3 99"
			}
			in.send(group, 255, 3)
			in.send(group, 255, 99)
			if got := vridsOf(t, p); got != want {
				t.Errorf("in a flood passed %s, want %s", got, want)
			}
			// The kernel may count the last packet after it was read.
			total := uint64(0)
			for end := time.Now().Add(5 * time.Second); total < 4 && time.Now().Before(end); {
				total += p.dropped(func() {})
			}
			if total += p.dropped(func() {}); total != 4 {
				t.Errorf("in a flood %d were counted as dropped, want 4", total)
			}

			p.unshield()
			in.send(group, 64, 2)
			in.send(group, 255, 99)
			if got, want := vridsOf(t, p), "2 99"; got != want {
				t.Errorf("after the flood passed %s, want %s", got, want)
			}
		})
	}
}

// TestFilterOfPeers checks that if an instance has peers, packets to the router alone pass as
// well, from as far away as one of the instances allows.
func TestFilterOfPeers(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	in := newInject(l, 1)
	ours := netip.MustParseAddr("198.51.1.1")
	var m filterSpec
	m.add(&vrrp.Instance{Virtual: event.Virtual{Family: event.IPv4, VRID: 99}})
	for i, least := range []uint8{200, 100, 150} {
		m.add(&vrrp.Instance{Virtual: event.Virtual{Family: event.IPv4, VRID: uint8(i)}, Unicast: vrrp.Unicast{Peers: []netip.Addr{ours}, MinTTL: least}})
	}
	p := opened(t, link, socketKey{link.Name, event.IPv4}, &adverts{filterSpec: m})
	defer func() { _ = p.close() }()
	p.shield()
	in.send(ours, 99, 1)
	in.send(ours, 100, 2)
	in.send(wire.Group4, 255, 0)
	in.send(ours, 255, 7)
	in.send(ours, 255, 99)
	if got, want := vridsOf(t, p), "2 0 99"; got != want {
		t.Errorf("passed %s, want %s", got, want)
	}
}

// vridsOf reads a port until VRID 99, and lists the VRIDs.
func vridsOf(t *testing.T, p *port) string {
	t.Helper()
	var out []string
	for {
		b := make([]byte, 100)
		poll := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(poll, 5000); n != 1 && err == nil {
			t.Fatalf("no packet with VRID 99 after %s", strings.Join(out, " "))
		}
		if _, _, err := unix.Recvfrom(p.fd, b, 0); err != nil {
			t.Fatal(err)
		}
		p.taken++
		switch b[0] >> 4 {
		case 4:
			b = b[b[0]&0x0f*4:]
		case 6: // only a packet socket delivers this header
			b = b[40:]
		}
		if out = append(out, fmt.Sprint(b[1])); b[1] == 99 {
			return strings.Join(out, " ")
		}
	}
}
