package bench

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// ping sends a datagram each ms from client to server, and keeps when each came
// back.
type ping struct {
	mu   sync.Mutex
	back []time.Time
}

// ping begins, until the test ends.
func (s *site) ping() *ping {
	s.t.Helper()
	server := s.socket("server", netip.AddrPortFrom(stationOn(1), 7))
	client := s.socket("client", netip.AddrPortFrom(stationOn(0), 0))
	p, quit := &ping{}, make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { echo(server) })
	running.Go(func() { p.ask(client, netip.AddrPortFrom(stationOn(1), 7), quit) })
	running.Go(func() { p.listen(client) })
	s.t.Cleanup(func() {
		close(quit)
		client.Close()
		server.Close()
		running.Wait()
	})
	return p
}

func (s *site) socket(host string, address netip.AddrPort) *net.UDPConn {
	s.t.Helper()
	var conn *net.UDPConn
	err := s.Host(host).Do(func() (err error) {
		conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address))
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return conn
}

func echo(conn *net.UDPConn) {
	data := make([]byte, 64)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(data)
		if err == nil {
			_, err = conn.WriteToUDPAddrPort(data[:n], from)
		}
		if closed(err) {
			return
		}
	}
}

// closed is false for what a lost route or a full queue makes of a socket.
func closed(err error) bool {
	return err != nil && strings.Contains(err.Error(), net.ErrClosed.Error())
}

func (p *ping) ask(conn *net.UDPConn, server netip.AddrPort, quit <-chan struct{}) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		_, _ = conn.WriteToUDPAddrPort([]byte("ping"), server) // what does not get out is not answered
		select {
		case <-tick.C:
		case <-quit:
			return
		}
	}
}

func (p *ping) listen(conn *net.UDPConn) {
	data := make([]byte, 64)
	for {
		_, _, err := conn.ReadFromUDPAddrPort(data)
		if closed(err) {
			return
		}
		if err == nil {
			p.mu.Lock()
			p.back = append(p.back, time.Now())
			p.mu.Unlock()
		}
	}
}

// flows waits until answers have come for 100 ms from now on.
func (p *ping) flows(t *testing.T) {
	t.Helper()
	began := time.Now()
	for deadline := began.Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		back := p.back
		p.mu.Unlock()
		n := len(back)
		if n > 20 && back[n-20].After(began) && time.Since(back[n-1]) < 50*time.Millisecond && time.Since(began) > 100*time.Millisecond {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the client's datagrams do not come back")
		}
	}
}

// gap is the longest time between two answers, the later of them since an
// instant.
func (p *ping) gap(since time.Time) (from, to time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := 1; i < len(p.back); i++ {
		if p.back[i].After(since) && p.back[i].Sub(p.back[i-1]) > to.Sub(from) {
			from, to = p.back[i-1], p.back[i]
		}
	}
	return from, to
}
