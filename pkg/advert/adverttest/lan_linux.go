package adverttest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/test/netns"
)

// LAN is the network namespace of this process and a remote one, connected by veth cables.
type LAN struct {
	T    testing.TB
	jobs chan func() // the calls for the thread in the remote namespace
	tid  int         // of that thread
}

// NewLAN creates the remote namespace, which lasts until the end of the test.
func NewLAN(t testing.TB) *LAN {
	netns.Need(t)
	l := &LAN{T: t, jobs: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends, and with it the namespace
		l.tid = unix.Gettid()
		err := unix.Unshare(unix.CLONE_NEWNET)
		ready <- err
		if err == nil {
			for job := range l.jobs {
				job()
			}
		}
	}()
	if err := <-ready; err != nil {
		t.Skip("skipped: no remote network namespace: ", err)
	}
	t.Cleanup(func() { close(l.jobs) })
	return l
}

// InRemote calls f in the remote namespace.
func (l *LAN) InRemote(f func()) {
	done := make(chan struct{})
	l.jobs <- func() {
		defer close(done)
		f()
	}
	<-done
}

// IP runs the ip program in the namespace of the caller.
func (l *LAN) IP(args string) {
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		l.T.Errorf("ip %s: %v: %s", args, err, out)
	}
}

// Cable connects here<n> in this namespace with there<n> in the remote one; their addresses end
// in 1 and 2. The kernel chooses the ifindex if index is 0. The end of the test removes the
// cable.
func (l *LAN) Cable(n int, index int) event.Link {
	here, there := fmt.Sprintf("here%d", n), fmt.Sprintf("there%d", n)
	with := ""
	if index != 0 {
		with = fmt.Sprintf("index %d ", index)
	}
	l.IP(fmt.Sprintf("link add %s %stype veth peer name %s netns %d", here, with, there, l.tid))
	up := func(name string, n, host int) {
		l.IP(fmt.Sprintf("link set %s addrgenmode none", name))
		l.IP(fmt.Sprintf("addr add 198.51.%d.%d/24 dev %s", n, host, name))
		l.IP(fmt.Sprintf("addr add fe80::%d:%d/64 dev %s nodad", n, host, name))
		l.IP(fmt.Sprintf("link set %s up", name))
	}
	l.InRemote(func() { up(there, n, 2) })
	up(here, n, 1)
	Settle(here)
	l.InRemote(func() { Settle(there) })
	l.awaitNeighborGroup(here, n, 1)
	l.InRemote(func() { l.awaitNeighborGroup(there, n, 2) })
	l.T.Cleanup(func() { _ = exec.Command("ip", "link", "del", here).Run() })
	dev, err := net.InterfaceByName(here)
	if err != nil || l.T.Failed() {
		l.T.Fatalf("cannot create the cable: %v", err)
	}
	return event.Link{Name: here, Index: dev.Index, Usable: true, AdminUp: true, Carrier: true, OperState: event.OperUp}
}

// awaitNeighborGroup waits until an interface has joined the solicited-node group of its IPv6
// address. The kernel joins it with a delay, and a neighbor solicitation that is sent before is
// only answered at the next try, a second later.
func (l *LAN) awaitNeighborGroup(name string, n, host int) {
	group := fmt.Sprintf("ff0200000000000000000001ff%02x%04x", n, host)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		table, err := os.ReadFile("/proc/thread-self/net/igmp6") // index, name, group, …
		for line := range strings.Lines(string(table)) {
			if f := strings.Fields(line); len(f) > 2 && f[1] == name && f[2] == group {
				return
			}
		}
		if err != nil || time.Now().After(end) {
			l.T.Errorf("%s is not in the group %s: %v", name, group, err)
			return
		}
	}
}

// Settle reads the carrier of an interface (ETHTOOL_GLINK). This makes the kernel process a
// change of the carrier, which it may otherwise delay by up to a second, and the interface sends
// nothing until then.
func Settle(name string) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer func() { _ = unix.Close(fd) }()
	value := struct{ cmd, data uint32 }{cmd: unix.ETHTOOL_GLINK}
	var request struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(request.name[:], name)
	request.data = unsafe.Pointer(&value)
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	runtime.KeepAlive(&value)
}

// RemoteEnd returns the ifindex and the addresses of the remote end of a cable.
func (l *LAN) RemoteEnd(n int) (index int, four, six netip.Addr) {
	l.InRemote(func() {
		dev, err := net.InterfaceByName(fmt.Sprintf("there%d", n))
		if err != nil {
			l.T.Error(err)
			return
		}
		index = dev.Index
	})
	return index, netip.MustParseAddr(fmt.Sprintf("198.51.%d.2", n)), netip.MustParseAddr(fmt.Sprintf("fe80::%d:2", n))
}

// Sender sends adverts.
type Sender interface {
	Send(batch []advert.Message)
	Open(instance string, f *advert.Frames)
	Close() error
}

// RemoteSender is a Sender whose methods run in the remote namespace, where it opens its sockets.
type RemoteSender struct {
	Sender
	lan *LAN
}

// Sender calls open in the remote namespace. The end of the test closes the sender.
func (l *LAN) Sender(open func() (Sender, error)) RemoteSender {
	var s Sender
	var err error
	l.InRemote(func() { s, err = open() })
	if err != nil {
		l.T.Fatal(err)
	}
	l.T.Cleanup(func() { _ = s.Close() })
	return RemoteSender{s, l}
}

// Send is part of Sender.
func (s RemoteSender) Send(batch []advert.Message) { s.lan.InRemote(func() { s.Sender.Send(batch) }) }

// Open is part of Sender.
func (s RemoteSender) Open(instance string, f *advert.Frames) {
	s.lan.InRemote(func() { s.Sender.Open(instance, f) })
}

// Capture returns a function that waits for the next VRRP packet on the interface and returns it
// from its IP header on. The function fails the test if none arrives within five seconds.
func (l *LAN) Capture(index int) (next func() []byte) { return l.tap(index, unix.SOCK_DGRAM, 0) }

// CaptureFrames is like Capture, but returns packets from the Ethernet header on.
func (l *LAN) CaptureFrames(index int) (next func() []byte) { return l.tap(index, unix.SOCK_RAW, 14) }

// tap captures with a packet socket of a type that returns the given number of bytes before the
// IP header.
func (l *LAN) tap(index, typ, front int) (next func() []byte) {
	all := uint16(unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8)
	fd, err := unix.Socket(unix.AF_PACKET, typ|unix.SOCK_CLOEXEC, int(all))
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index})
	}
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5})
	}
	if err != nil {
		l.T.Fatal(err)
	}
	l.T.Cleanup(func() { _ = unix.Close(fd) })
	return func() []byte {
		b := make([]byte, 2000)
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
			n, from, err := unix.Recvfrom(fd, b, 0)
			if err != nil {
				break
			}
			if from.(*unix.SockaddrLinklayer).Pkttype == unix.PACKET_OUTGOING || n < front+20 {
				continue
			}
			if ip := b[front:]; ip[0]>>4 == 4 && ip[9] == 112 || ip[0]>>4 == 6 && ip[6] == 112 {
				return b[:n]
			}
		}
		l.T.Fatal("no VRRP packet arrived within 5 s")
		return nil
	}
}

// MoveLinks runs the ip program with each of the commands. In the commands, REMOTE stands for the
// remote namespace and LOCAL for this one.
func (l *LAN) MoveLinks(commands []string) {
	name := fmt.Sprintf("remote%d", os.Getpid())
	l.IP(fmt.Sprintf("netns attach %s %d", name, l.tid))
	defer l.IP("netns delete " + name)
	for _, c := range commands {
		l.IP(strings.NewReplacer("REMOTE", name, "LOCAL", fmt.Sprint(unix.Gettid())).Replace(c))
	}
}
