package send

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// run runs a program in the other namespace, or skips the test if it is not installed.
func run(l *adverttest.LAN, program, args string) {
	l.T.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		l.T.Skip("skipped: ", err)
	}
	l.InRemote(func() {
		if out, err := exec.Command(path, strings.Fields(args)...).CombinedOutput(); err != nil {
			l.T.Errorf("%s %s: %v: %s", program, args, err, out)
		}
	})
	if l.T.Failed() {
		l.T.FailNow()
	}
}

// ways returns a message for each way in which adverts leave from the other end of a cable.
func ways(l *adverttest.LAN, n int) map[string]advert.Message {
	index, four, six := l.RemoteEnd(n)
	ways := map[string]advert.Message{
		"IPv4": adverttest.Message(adverttest.Frames(index, four)), "IPv6": adverttest.Message(adverttest.Frames(index, six)),
	}
	for name, source := range map[string]netip.Addr{"virtual MAC, IPv4": four, "virtual MAC, IPv6": six} {
		f := adverttest.Frames(index, source)
		f.Header = wire.AppendHeaders(nil, [6]byte{0, 0, 0x5e, 0, 1, 51}, source, f.Copies[0].To, len(f.Copies[0].Advert))
		ways[name] = adverttest.Message(f)
	}
	return ways
}

// TestStuckLinkHarmsNoOther checks that a link that hardly sends keeps the messages that it was
// given and refuses more, and that adverts on another link still leave. A user reported that one
// link limited by tbf silenced every other.
func TestStuckLinkHarmsNoOther(t *testing.T) {
	l := adverttest.NewLAN(t)
	l.Cable(1, 0)
	link := l.Cable(2, 0)
	run(l, "tc", "qdisc add dev there1 root tbf rate 8bit burst 1600 limit 100000000")
	stuck, free := ways(l, 1), ways(l, 2)
	s := l.Sender(openSender)
	next := l.Capture(link.Index)
	for name := range stuck {
		refused := 0
		for range 100 {
			var batch []advert.Message
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
			t.Errorf("%s: the stuck link refused only %d of 100 batches of 20", name, refused)
		}
	}
}

// TestFullQueueIsRefused checks that messages that the queueing discipline drops do not count as
// sent.
func TestFullQueueIsRefused(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	run(l, "tc", "qdisc add dev there1 root tbf rate 8bit burst 1600 limit 100")
	s := l.Sender(openSender)
	for name, m := range ways(l, 1) {
		refused := 0
		for range 200 {
			batch := []advert.Message{m}
			if s.Send(batch); errors.Is(batch[0].Err, unix.ENOBUFS) {
				refused++
			}
		}
		if refused < 100 {
			t.Errorf("%s: of 200 adverts into a full queue %d were refused", name, refused)
		}
	}
	run(l, "tc", "qdisc del dev there1 root")
	next := l.Capture(link.Index)
	for name, m := range ways(l, 1) {
		batch := []advert.Message{m}
		if s.Send(batch); batch[0].Err != nil {
			t.Errorf("%s: after it is over: %v", name, batch[0].Err)
		}
		next()
	}
}

// TestFirewallRefuses checks that adverts that this machine's firewall drops count as refused,
// for each hook and each kind of socket.
func TestFirewallRefuses(t *testing.T) {
	l := adverttest.NewLAN(t)
	l.Cable(1, 0)
	s := l.Sender(openSender)
	for _, c := range []struct {
		table, chain string
		frames       bool // drops what bears its own headers too
	}{
		{"inet", "type filter hook output priority 0 ;", false},
		{"inet", "type filter hook postrouting priority 0 ;", false},
		{"netdev", "type filter hook egress device there1 priority 0 ;", true},
	} {
		run(l, "nft", "add table "+c.table+" lab")
		run(l, "nft", fmt.Sprintf("add chain %s lab vrrp { %s }", c.table, c.chain))
		run(l, "nft", "add rule "+c.table+" lab vrrp meta l4proto 112 drop")
		for name, m := range ways(l, 1) {
			batch := []advert.Message{m}
			s.Send(batch)
			if want := c.frames || !strings.HasPrefix(name, "virtual"); (batch[0].Err != nil) != want {
				t.Errorf("%s, %s: refused %v, want %v", c.chain, name, batch[0].Err, want)
			}
		}
		run(l, "nft", "delete table "+c.table+" lab")
	}
}

// TestAnswersOfTheNetworkAreNoRefusals checks that no advert counts as refused because a peer
// without VRRP answers with ICMP (protocol unreachable), which the kernel queues for the socket.
func TestAnswersOfTheNetworkAreNoRefusals(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	_ = os.WriteFile("/proc/sys/net/ipv4/icmp_ratelimit", []byte("0"), 0o600)
	index, four, six := l.RemoteEnd(1)
	s := l.Sender(openSender)
	next := l.Capture(link.Index)
	for _, c := range []struct{ from, to netip.Addr }{
		{four, netip.MustParseAddr("198.51.1.1")}, {six, netip.MustParseAddr("fe80::1:1")},
	} {
		for i := range 20 {
			m := adverttest.Message(adverttest.Frames(index, c.from))
			m.To = c.to
			batch := []advert.Message{m, adverttest.Message(adverttest.Frames(index, c.from))}
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

// TestOutletsComeAndGo checks that an instance whose link repeatedly returns with another index
// keeps one socket, and that two instances on a link share it.
func TestOutletsComeAndGo(t *testing.T) {
	l := adverttest.NewLAN(t)
	s := l.Sender(openSender)
	four := netip.MustParseAddr("198.51.1.2")
	for index := range 50 {
		for _, name := range []string{"one", "two"} {
			f := adverttest.Frames(1000+index, four)
			s.Open(name, &f)
			s.Open(name, &f)
		}
		if len(outletsOf(s)) != 1 {
			t.Fatalf("%d sockets for one link", len(outletsOf(s)))
		}
	}
	f := adverttest.Frames(5, four)
	if s.Open("one", &f); len(outletsOf(s)) != 2 {
		t.Errorf("%d sockets for two links", len(outletsOf(s)))
	}
}

// TestLeavesTheVirtualMAC checks a router that has the virtual MAC itself, on a private macvlan:
// its interface receives adverts from the MAC of another interface, but none from the virtual
// MAC, which the kernel takes for its own. An instance that changes to the interface's MAC has
// one socket for it.
func TestLeavesTheVirtualMAC(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	mac := wire.VirtualMAC(event.IPv4, 51)
	const bearer = "link add mac51 link %s address 00:00:5e:00:01:33 type macvlan mode private"
	l.IP(fmt.Sprintf(bearer, link.Name))
	l.IP("link set mac51 up")
	run(l, "ip", fmt.Sprintf(bearer, "there1"))
	run(l, "ip", "link set mac51 up")
	peer, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, wire.Protocol)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(peer) })
	join := &unix.IPMreqn{Multiaddr: wire.Group4.As4(), Ifindex: int32(link.Index)}
	if err := errors.Join(unix.BindToDevice(peer, link.Name), unix.SetsockoptIPMreqn(peer, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, join)); err != nil {
		t.Fatal(err)
	}

	index, four, _ := l.RemoteEnd(1)
	next, s := l.CaptureFrames(link.Index), l.Sender(openSender)
	f := adverttest.Frames(index, four)
	f.Header = wire.AppendHeaders(nil, mac, four, f.Copies[0].To, len(f.Copies[0].Advert))
	for _, virtual := range []bool{true, false} {
		if !virtual {
			f.Header = nil
		}
		s.Open("one", &f)
		s.Send([]advert.Message{adverttest.Message(f)})
		if from := [6]byte(next()[6:12]); (from == mac) != virtual {
			t.Errorf("virtual MAC %v: sent from % x", virtual, from)
		}
		_, _, err := unix.Recvfrom(peer, make([]byte, 100), unix.MSG_DONTWAIT)
		if heard := err == nil; heard == virtual {
			t.Errorf("virtual MAC %v: heard %v (%v)", virtual, heard, err)
		}
		if outlets := outletsOf(s); len(outlets) != 1 {
			t.Errorf("virtual MAC %v: %d sockets", virtual, len(outlets))
		}
	}
}

// TestNoDescriptorLeft checks that if no socket can be opened for a link, its adverts leave
// through the one that was opened at the start.
func TestNoDescriptorLeft(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	ways, s := ways(l, 1), l.Sender(openSender)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	next := l.Capture(link.Index)
	none := limit
	none.Cur = 0
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	for name, m := range ways {
		batch := []advert.Message{m}
		if s.Send(batch); batch[0].Err != nil || len(outletsOf(s)) != 0 {
			t.Errorf("%s: %v, with %d sockets", name, batch[0].Err, len(outletsOf(s)))
		}
		next()
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}

// TestMTU checks that the kernel fragments messages of a raw socket, and refuses messages with
// their own headers from the first byte beyond the MTU on.
func TestMTU(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	run(l, "ip", "link set there1 mtu 1280")
	l.IP("link set " + link.Name + " mtu 1280")
	s := l.Sender(openSender)
	index, four, six := l.RemoteEnd(1)
	for _, c := range []struct {
		source netip.Addr
		header int
	}{{four, 20}, {six, 40}} {
		for _, over := range []int{0, 1} {
			f := adverttest.Frames(index, c.source)
			f.Copies[0].Advert = make([]byte, 1280-c.header+over)
			raw := adverttest.Message(f)
			f.Header = wire.AppendHeaders(nil, [6]byte{0, 0, 0x5e, 0, 1, 51}, c.source, f.Copies[0].To, len(f.Copies[0].Advert))
			batch := []advert.Message{raw, adverttest.Message(f)}
			s.Send(batch)
			if batch[0].Err != nil || errors.Is(batch[1].Err, unix.EMSGSIZE) != (over > 0) {
				t.Errorf("%v, %d more than the MTU: %v, with a virtual MAC %v", c.source, over, batch[0].Err, batch[1].Err)
			}
		}
	}
}

// outletsOf returns the sockets of a sender in the other namespace.
func outletsOf(s adverttest.RemoteSender) map[outletKey]*outlet { return s.Sender.(*RawSender).outlets }
