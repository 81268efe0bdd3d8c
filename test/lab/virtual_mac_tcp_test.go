package lab

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// stream is a connection through the routers. It sends a byte every 5 ms and expects it back.
type stream struct {
	conn     net.Conn
	sent     atomic.Int64
	received atomic.Int64
	gap      atomic.Int64 // the longest time between two received bytes, since it was last reset
	err      atomic.Pointer[error]
}

// call connects a client with a server that echoes what it receives.
func (s *site) call(client, server, address string) *stream {
	s.t.Helper()
	var listener net.Listener
	st := &stream{}
	err := s.Host(server).Do(func() (err error) {
		listener, err = net.Listen("tcp", address)
		return err
	})
	if err == nil {
		s.t.Cleanup(func() { listener.Close() })
		go func() {
			conn, err := listener.Accept()
			if err == nil {
				_, _ = io.Copy(conn, conn)
				conn.Close()
			}
		}()
		err = s.Host(client).Do(func() (err error) {
			st.conn, err = net.DialTimeout("tcp", address, 5*time.Second)
			return err
		})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { st.conn.Close() })
	go st.receive()
	go st.send()
	return st
}

func (st *stream) send() {
	for {
		if _, err := st.conn.Write([]byte{byte(st.sent.Load())}); err != nil {
			st.err.Store(&err)
			return
		}
		st.sent.Add(1)
		time.Sleep(5 * time.Millisecond)
	}
}

func (st *stream) receive() {
	var b [1]byte
	for last := time.Now(); ; last = time.Now() {
		if _, err := io.ReadFull(st.conn, b[:]); err != nil {
			st.err.Store(&err)
			return
		}
		if n := st.received.Load(); b[0] != byte(n) {
			err := fmt.Errorf("byte %d came as %d", byte(n), b[0])
			st.err.Store(&err)
			return
		}
		st.received.Add(1)
		st.gap.Store(max(st.gap.Load(), int64(time.Since(last))))
	}
}

// goesOn waits until all bytes that were sent until now have come back, and 20 more.
func (st *stream) goesOn(within time.Duration) error {
	want := st.sent.Load() + 20
	for deadline := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		if err := st.err.Load(); err != nil {
			return *err
		}
		if st.received.Load() >= want {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("no more bytes come back")
		}
	}
}

// neighbor returns the MAC of an address in the neighbor table of a host.
func (s *site) neighbor(host, ifname, address string) string {
	fields := strings.Fields(s.ip(host, "neighbour", "show", address, "dev", ifname))
	for i, f := range fields {
		if f == "lladdr" {
			return fields[i+1]
		}
	}
	return "no MAC"
}

// TestVirtualMACConnection checks that a host's ARP entry is the same with either router as the
// Active, and that its connection through the routers survives a pulled cable, the return, and a
// killed daemon. One of the routers has a strict reverse path filter.
func TestVirtualMACConnection(t *testing.T) {
	t.Parallel()
	netns.NeedRoot(t)
	var ports []lan.Port
	for _, seg := range []segment{inside, outside} {
		far := map[string]string{"inside": "client", "outside": "server"}[seg.name]
		for i, h := range []string{"a", "b", far} {
			ports = append(ports, lan.Port{Host: h, Name: seg.ifname, Segment: seg.name, Options: lan.Options{
				Addresses: lan.Addresses(fmt.Sprintf("%s.%d/24", seg.network, 11+i)),
			}})
		}
	}
	s := newSiteOf(t, []segment{inside, outside}, ports...)
	for _, h := range []string{"a", "b"} {
		for key, value := range map[string]string{"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.send_redirects": "0"} {
			if err := s.Host(h).SetSysctl(key, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Host("b").SetSysctl("net.ipv4.conf.all.rp_filter", "1"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	a := s.start("a", router{150, often, "virtual_mac: true"})
	a.becomes("active", began, 5*time.Second)
	b := s.start("b", router{100, often, "virtual_mac: true"})
	b.becomes("backup", began, 5*time.Second)
	a.wait(began, 5*time.Second, "its addresses", is("address.added"))
	s.ip("client", "route", "add", "default", "via", "192.0.2.1")
	s.ip("server", "route", "add", "default", "via", "198.51.100.1")
	st := s.call("client", "server", "198.51.100.13:7")

	goesOn := func(what string) {
		t.Helper()
		if err := st.goesOn(15 * time.Second); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		t.Logf("%s: the longest silence was %v", what, time.Duration(st.gap.Swap(0)).Round(time.Millisecond))
		if mac := s.neighbor("client", "eth0", "192.0.2.1"); mac != "00:00:5e:00:01:33" {
			t.Errorf("%s: the client has its router at %s", what, mac)
		}
		if mac := s.neighbor("server", "eth1", "198.51.100.1"); mac != "00:00:5e:00:01:34" {
			t.Errorf("%s: the server has its router at %s", what, mac)
		}
	}
	goesOn("at first")
	at := s.pull("a", inside)
	b.becomes("active", at, 5*time.Second)
	goesOn("the cable is out")
	at = s.plug("a", inside)
	a.becomes("active", at, 40*time.Second)
	b.becomes("backup", at, 5*time.Second)
	goesOn("the cable is back")
	at = a.kill()
	b.becomes("active", at, 5*time.Second)
	goesOn("the daemon is killed")
	if err := s.Host("a").Close(); err != nil {
		t.Fatal(err)
	}
	goesOn("the power is off")
	b.signal(syscall.SIGTERM)
	<-b.Exited
}
