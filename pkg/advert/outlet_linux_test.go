package advert

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ripcord/pkg/wire"
)

// run runs a program in the other namespace, or skips the test without it.
func (l *lan) run(program, args string) {
	l.t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		l.t.Skip("skipped: ", err)
	}
	l.there(func() {
		if out, err := exec.Command(path, strings.Fields(args)...).CombinedOutput(); err != nil {
			l.t.Errorf("%s %s: %v: %s", program, args, err, out)
		}
	})
	if l.t.Failed() {
		l.t.FailNow()
	}
}

// ways are the ways by which adverts leave from the other end of a cable.
func (l *lan) ways(n int) map[string]Message {
	index, four, six := l.far(n)
	ways := map[string]Message{
		"IPv4": message(frames(index, four)), "IPv6": message(frames(index, six)),
	}
	for name, source := range map[string]netip.Addr{"virtual MAC, IPv4": four, "virtual MAC, IPv6": six} {
		f := frames(index, source)
		f.Header = wire.AppendHeaders(nil, [6]byte{0, 0, 0x5e, 0, 1, 51}, source, len(f.Copies[0].Advert))
		ways[name] = message(f)
	}
	return ways
}

// TestStuckLinkHarmsNoOther: a link that sends next to nothing keeps what it was given,
// and refuses more; the adverts of another link leave all the same. It is that of
// a report: one link limited by tbf silenced every other.
func TestStuckLinkHarmsNoOther(t *testing.T) {
	l := newLAN(t)
	l.cable(1, 0)
	link := l.cable(2, 0)
	l.run("tc", "qdisc add dev there1 root tbf rate 8bit burst 1600 limit 100000000")
	stuck, free := l.ways(1), l.ways(2)
	s := l.sender()
	next := l.capture(link.Index)
	for name := range stuck {
		refused := 0
		for range 100 {
			var batch []Message
			for range 20 {
				batch = append(batch, stuck[name])
			}
			batch = append(batch, free[name])
			s.Send(batch)
			if err := batch[20].Err; err != nil {
				t.Fatalf("%s: the other link: %v", name, err)
			}
			next()
			if batch[19].Err != nil {
				refused++
			}
		}
		if refused < 50 {
			t.Errorf("%s: of 100 batches of 20 the stuck link refused only %d", name, refused)
		}
	}
}

// TestFullQueueIsRefused: what the queueing discipline drops is not sent.
func TestFullQueueIsRefused(t *testing.T) {
	l := newLAN(t)
	link := l.cable(1, 0)
	l.run("tc", "qdisc add dev there1 root tbf rate 8bit burst 1600 limit 100")
	s := l.sender()
	for name, m := range l.ways(1) {
		refused := 0
		for range 200 {
			batch := []Message{m}
			if s.Send(batch); errors.Is(batch[0].Err, unix.ENOBUFS) {
				refused++
			}
		}
		if refused < 100 {
			t.Errorf("%s: of 200 adverts into a full queue %d were refused", name, refused)
		}
	}
	l.run("tc", "qdisc del dev there1 root")
	next := l.capture(link.Index)
	for name, m := range l.ways(1) {
		batch := []Message{m}
		if s.Send(batch); batch[0].Err != nil {
			t.Errorf("%s: after it is over: %v", name, batch[0].Err)
		}
		next()
	}
}

// TestFirewallRefuses: adverts that a firewall of our own drops are refused, by whatever
// hook and way they leave.
func TestFirewallRefuses(t *testing.T) {
	l := newLAN(t)
	l.cable(1, 0)
	s := l.sender()
	for _, c := range []struct {
		table, chain string
		frames       bool // drops what bears its own headers too
	}{
		{"inet", "type filter hook output priority 0 ;", false},
		{"inet", "type filter hook postrouting priority 0 ;", false},
		{"netdev", "type filter hook egress device there1 priority 0 ;", true},
	} {
		l.run("nft", "add table "+c.table+" lab")
		l.run("nft", fmt.Sprintf("add chain %s lab vrrp { %s }", c.table, c.chain))
		l.run("nft", "add rule "+c.table+" lab vrrp meta l4proto 112 drop")
		for name, m := range l.ways(1) {
			batch := []Message{m}
			s.Send(batch)
			if want := c.frames || !strings.HasPrefix(name, "virtual"); (batch[0].Err != nil) != want {
				t.Errorf("%s, %s: refused %v, want %v", c.chain, name, batch[0].Err, want)
			}
		}
		l.run("nft", "delete table "+c.table+" lab")
	}
}

// TestAnswersOfTheNetworkAreNoRefusals: a peer where nobody speaks VRRP says so (ICMP,
// protocol unreachable), and the kernel keeps that for the socket: no advert is refused
// for it.
func TestAnswersOfTheNetworkAreNoRefusals(t *testing.T) {
	l := newLAN(t)
	link := l.cable(1, 0)
	_ = os.WriteFile("/proc/sys/net/ipv4/icmp_ratelimit", []byte("0"), 0o600)
	index, four, six := l.far(1)
	s := l.sender()
	next := l.capture(link.Index)
	for _, c := range []struct{ from, to netip.Addr }{
		{four, netip.MustParseAddr("198.51.1.1")}, {six, netip.MustParseAddr("fe80::1:1")},
	} {
		for i := range 20 {
			m := message(frames(index, c.from))
			m.To = c.to
			batch := []Message{m, message(frames(index, c.from))}
			s.Send(batch)
			for _, m := range batch {
				if m.Err != nil {
					t.Fatalf("round %d, to %v: %v", i, m.To, m.Err)
				}
				next()
			}
		}
	}
}

// TestOutletsComeAndGo: an instance whose link comes again and again by another index
// keeps one socket; two that share a link share it.
func TestOutletsComeAndGo(t *testing.T) {
	l := newLAN(t)
	s := l.sender()
	four := netip.MustParseAddr("198.51.1.2")
	for index := range 50 {
		for _, name := range []string{"one", "two"} {
			f := frames(1000+index, four)
			s.Open(name, &f)
			s.Open(name, &f)
		}
		if len(s.outlets) != 1 {
			t.Fatalf("%d sockets for one link", len(s.outlets))
		}
	}
	f := frames(5, four)
	if s.Open("one", &f); len(s.outlets) != 2 {
		t.Errorf("%d sockets for two links", len(s.outlets))
	}
}

// TestNoDescriptorLeft: where no socket can be opened for a link, its adverts leave
// by the one that was opened at the start.
func TestNoDescriptorLeft(t *testing.T) {
	l := newLAN(t)
	link := l.cable(1, 0)
	ways, s := l.ways(1), l.sender()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	next := l.capture(link.Index)
	none := limit
	none.Cur = 0
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	for name, m := range ways {
		batch := []Message{m}
		if s.Send(batch); batch[0].Err != nil || len(s.outlets) != 0 {
			t.Errorf("%s: %v, with %d sockets", name, batch[0].Err, len(s.outlets))
		}
		next()
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}

// TestMTU: the kernel fragments what a raw socket sends, and refuses what bears its own
// headers from the first byte beyond the MTU on.
func TestMTU(t *testing.T) {
	l := newLAN(t)
	link := l.cable(1, 0)
	l.run("ip", "link set there1 mtu 1280")
	l.ip("link set " + link.Name + " mtu 1280")
	s := l.sender()
	index, four, six := l.far(1)
	for _, c := range []struct {
		source netip.Addr
		header int
	}{{four, 20}, {six, 40}} {
		for _, over := range []int{0, 1} {
			f := frames(index, c.source)
			f.Copies[0].Advert = make([]byte, 1280-c.header+over)
			raw := message(f)
			f.Header = wire.AppendHeaders(nil, [6]byte{0, 0, 0x5e, 0, 1, 51}, c.source, len(f.Copies[0].Advert))
			batch := []Message{raw, message(f)}
			s.Send(batch)
			if batch[0].Err != nil || errors.Is(batch[1].Err, unix.EMSGSIZE) != (over > 0) {
				t.Errorf("%v, %d more than the MTU: %v, with a virtual MAC %v", c.source, over, batch[0].Err, batch[1].Err)
			}
		}
	}
}
