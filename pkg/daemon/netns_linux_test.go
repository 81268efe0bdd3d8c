package daemon_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
	"ripcord/test/netns"
)

func TestMain(m *testing.M) {
	if os.Getenv(stranger) != "" {
		beStranger()
	}
	netns.Main(m)
}

var ip = netns.IP

// cables makes two veth pairs, eth0 to far0 and eth1 to far1, with an address on the near ends;
// they are removed when the test ends.
func cables(t *testing.T) {
	t.Helper()
	netns.Need(t)
	for i := range 2 {
		near, far := fmt.Sprintf("eth%d", i), fmt.Sprintf("far%d", i)
		ip(t, "link add "+near+" type veth peer name "+far)
		t.Cleanup(func() { ip(t, "link del "+near) })
		ip(t, fmt.Sprintf("addr add 192.0.%d.11/24 dev %s", i, near))
		ip(t, "link set "+near+" up")
		ip(t, "link set "+far+" up")
	}
	netns.Running(t, "eth0", "eth1") // a daemon that has begun would take it for a return
}

// holds reports whether a link has an address.
func holds(t *testing.T, link, address string) bool {
	t.Helper()
	i, err := net.InterfaceByName(link)
	if err != nil {
		t.Fatal(err)
	}
	addrs, err := i.Addrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if a.String() == address {
			return true
		}
	}
	return false
}

// tap receives the frames that arrive at the far end of a cable.
type tap struct {
	t  *testing.T
	fd int
}

func listen(t *testing.T, link string) *tap {
	t.Helper()
	i, err := net.InterfaceByName(link)
	if err != nil {
		t.Fatal(err)
	}
	const ethPIP = unix.ETH_P_IP>>8 | unix.ETH_P_IP<<8&0xff00 // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, ethPIP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: ethPIP, Ifindex: i.Index}); err != nil {
		t.Fatal(err)
	}
	return &tap{t, fd}
}

// adverts returns the priorities of all adverts that have arrived since the last call.
func (a *tap) adverts() (priorities []uint8) {
	a.t.Helper()
	b := make([]byte, 2048)
	for {
		n, _, err := unix.Recvfrom(a.fd, b, 0)
		if err != nil {
			return priorities
		}
		h, payload, err := wire.SplitIPv4(b[:n])
		if err != nil || h.Dest != wire.GroupOf(event.IPv4) {
			continue
		}
		var advert wire.Advert
		if err := advert.Decode(payload, h.Path()); err != nil {
			a.t.Errorf("on the wire: %v", err)
		} else if advert.Addresses[0] == netip.MustParseAddr("192.0.0.1") || advert.Addresses[0] == netip.MustParseAddr("192.0.1.1") {
			priorities = append(priorities, advert.Priority)
		}
	}
}

// await waits for an advert and returns its priority; it discards those that came with it.
func (a *tap) await() uint8 {
	a.t.Helper()
	for range 1000 {
		if got := a.adverts(); len(got) > 0 {
			return got[0]
		}
		<-time.After(5 * time.Millisecond)
	}
	a.t.Fatal("no advert on the wire within 5 s")
	return 0
}

// output is the writer of a daemon's log.
type output struct {
	mu    sync.Mutex
	rest  []byte
	lines []map[string]any
	more  chan struct{}
}

func newOutput() *output { return &output{more: make(chan struct{}, 1)} }

// Write accepts whole lines and parts of lines.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, b...)
	for {
		line, rest, ok := bytes.Cut(o.rest, []byte("\n"))
		if !ok {
			break
		}
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			return 0, err
		}
		o.lines, o.rest = append(o.lines, fields), rest
	}
	select {
	case o.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

// count returns the number of lines of an event with these fields.
func (o *output) count(event string, fields ...string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, line := range o.lines {
		ok := line["event"] == event
		for i := 0; i < len(fields); i += 2 {
			ok = ok && line[fields[i]] == fields[i+1]
		}
		if ok {
			n++
		}
	}
	return n
}

// await waits for n lines of an event with these fields.
func (o *output) await(t *testing.T, n int, event string, fields ...string) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for o.count(event, fields...) < n {
		select {
		case <-o.more:
		case <-limit:
			o.mu.Lock()
			defer o.mu.Unlock()
			t.Fatalf("no %s %q within 10 s; the log is %v", event, fields, o.lines)
		}
	}
}

// events returns the names of all lines, in order.
func (o *output) events() (names []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, line := range o.lines {
		names = append(names, fmt.Sprint(line["event"]))
	}
	return names
}
