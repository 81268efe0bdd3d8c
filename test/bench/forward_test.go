package bench

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// 15. What a daemon costs each packet that its router forwards.
func TestForwarding(t *testing.T) {
	figures(t)
	report.define(15, fmt.Sprintf(`One router that is Active on two segments, with one address on each. A client sends %d small UDP datagrams
through it to a server, as fast as it can. CPU time of the client's thread per datagram: the kernel forwards the datagram
through veths, bridges and the router within the client's system call.`, now.packets),
		`ripcord has a packet socket on each link, for adverts that the kernel does not deliver to a raw socket. The kernel asks its
filter about each packet that arrives.`)
	ours, theirs := inTurn(t, func(t *testing.T, m maker) []time.Duration {
		s := newSite(t, m, 2, "a")
		s.listen()
		if err := s.Host("a").SetSysctl("net.ipv4.ip_forward", "1"); err != nil {
			t.Fatal(err)
		}
		s.start("a", router{priority: 150, interval: time.Second, instances: s.spread(2)}).ready()
		s.active("a", time.Now())
		s.deaf()
		s.behind("client", 0)
		s.behind("server", 1)
		server := netip.AddrPortFrom(stationOn(1), 7)
		sink := s.socket("server", server)
		t.Cleanup(func() { _ = sink.Close() })
		conn := s.socket("client", netip.AddrPortFrom(stationOn(0), 0))
		t.Cleanup(func() { _ = conn.Close() })
		s.arrives(conn, sink, server)
		var took []time.Duration
		for range now.few {
			var each time.Duration
			err := s.Host("client").Do(func() (err error) {
				each, err = flood(conn, server, now.packets)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			took = append(took, each)
		}
		return took
	})
	x, y := micro(ours), micro(theirs)
	report.add(figure{number: 15, what: "CPU time of a forwarded packet, median", unit: "µs", of: len(x), ours: median(x), theirs: median(y),
		targets: []target{times("1.05×", 1.05, median(y))}})
}

// arrives waits until a datagram has come through the router.
func (s *site) arrives(from, to *net.UDPConn, address netip.AddrPort) {
	s.t.Helper()
	var b [1]byte
	for range 100 {
		_, _ = from.WriteToUDPAddrPort(b[:], address)
		_ = to.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, _, err := to.ReadFromUDPAddrPort(b[:]); err == nil {
			return
		}
	}
	s.t.Fatal("no datagram comes through the router")
}

// flood sends datagrams as fast as it can, and returns the CPU time of this thread for each.
func flood(conn *net.UDPConn, to netip.AddrPort, packets int) (time.Duration, error) {
	batch := make([]ipv4.Message, 64)
	for i := range batch {
		batch[i] = ipv4.Message{Buffers: [][]byte{make([]byte, 10)}, Addr: net.UDPAddrFromAddrPort(to)}
	}
	sender, before := ipv4.NewPacketConn(conn), threadTime()
	for sent := 0; sent < packets; {
		n, err := sender.WriteBatch(batch, 0)
		if err != nil {
			return 0, err
		}
		sent += n
	}
	return (threadTime() - before) / time.Duration(packets), nil
}

// threadTime returns the CPU time, user and system, of the thread that calls it.
func threadTime() time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now)
	return time.Duration(now.Nano())
}

func micro(list []time.Duration) (out []float64) {
	for _, d := range list {
		out = append(out, float64(d)/1e3)
	}
	return out
}
