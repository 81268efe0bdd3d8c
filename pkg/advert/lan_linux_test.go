package advert

import (
	"encoding/binary"
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

	"ripcord/pkg/event"
	"ripcord/test/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

// lan is this process's namespace and another, joined by veth cables.
type lan struct {
	t    testing.TB
	jobs chan func()
	tid  int // of the thread that lives in the other namespace
}

func newLAN(t testing.TB) *lan {
	netns.Need(t)
	l := &lan{t: t, jobs: make(chan func())}
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
		t.Skip("skipped: no second network namespace: ", err)
	}
	t.Cleanup(func() { close(l.jobs) })
	return l
}

// there runs f in the other namespace.
func (l *lan) there(f func()) {
	done := make(chan struct{})
	l.jobs <- func() {
		defer close(done)
		f()
	}
	<-done
}

func (l *lan) ip(args string) {
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		l.t.Errorf("ip %s: %v: %s", args, err, out)
	}
}

// cable joins two interfaces, here and there, whose addresses end in 1 and 2;
// index 0 lets the kernel choose. The cable goes with the test.
func (l *lan) cable(n int, index int) event.Link {
	here, there := fmt.Sprintf("here%d", n), fmt.Sprintf("there%d", n)
	with := ""
	if index != 0 {
		with = fmt.Sprintf("index %d ", index)
	}
	l.ip(fmt.Sprintf("link add %s %stype veth peer name %s netns %d", here, with, there, l.tid))
	up := func(name string, n, host int) {
		l.ip(fmt.Sprintf("link set %s addrgenmode none", name))
		l.ip(fmt.Sprintf("addr add 198.51.%d.%d/24 dev %s", n, host, name))
		l.ip(fmt.Sprintf("addr add fe80::%d:%d/64 dev %s nodad", n, host, name))
		l.ip(fmt.Sprintf("link set %s up", name))
	}
	l.there(func() { up(there, n, 2) })
	up(here, n, 1)
	settle(here)
	l.there(func() { settle(there) })
	l.hears(here, n, 1)
	l.there(func() { l.hears(there, n, 2) })
	l.t.Cleanup(func() { _ = exec.Command("ip", "link", "del", here).Run() })
	dev, err := net.InterfaceByName(here)
	if err != nil || l.t.Failed() {
		l.t.Fatalf("no cable: %v", err)
	}
	return event.Link{Name: here, Index: dev.Index, Usable: true, AdminUp: true, Carrier: true, OperState: event.OperUp}
}

// hears waits until an interface has joined the group in which is asked where its
// IPv6 address is: the kernel does it in its own time, and who asks before is
// answered a second later.
func (l *lan) hears(name string, n, host int) {
	group := fmt.Sprintf("ff0200000000000000000001ff%02x%04x", n, host)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		table, err := os.ReadFile("/proc/thread-self/net/igmp6") // index, name, group, …
		for line := range strings.Lines(string(table)) {
			if f := strings.Fields(line); len(f) > 2 && f[1] == name && f[2] == group {
				return
			}
		}
		if err != nil || time.Now().After(end) {
			l.t.Errorf("%s is not in the group %s: %v", name, group, err)
			return
		}
	}
}

// settle asks for the carrier (ETHTOOL_GLINK): the kernel then takes in what it
// would else do up to a second later, and until then the interface sends nothing.
func settle(name string) {
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

// far is the ifindex and the addresses of a cable's other end.
func (l *lan) far(n int) (index int, four, six netip.Addr) {
	l.there(func() {
		dev, err := net.InterfaceByName(fmt.Sprintf("there%d", n))
		if err != nil {
			l.t.Error(err)
			return
		}
		index = dev.Index
	})
	return index, netip.MustParseAddr(fmt.Sprintf("198.51.%d.2", n)), netip.MustParseAddr(fmt.Sprintf("fe80::%d:2", n))
}

// farSender is a sender in the other namespace, where it opens its sockets.
type farSender struct {
	*RawSender
	l *lan
}

// sender opens a sender there.
func (l *lan) sender() farSender {
	var s *RawSender
	var err error
	l.there(func() { s, err = OpenSender() })
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = s.Close() })
	return farSender{s, l}
}

// Send is part of Sender.
func (s farSender) Send(batch []Message) { s.l.there(func() { s.RawSender.Send(batch) }) }

// Open is part of Sender.
func (s farSender) Open(instance string, f *Frames) {
	s.l.there(func() { s.RawSender.Open(instance, f) })
}

// capture returns a function that gives the next VRRP packet that comes in on
// the interface, from its IP header on, or fails.
func (l *lan) capture(index int) (next func() []byte) { return l.tap(index, unix.SOCK_DGRAM, 0) }

// captureFrames is capture from the Ethernet header on.
func (l *lan) captureFrames(index int) (next func() []byte) { return l.tap(index, unix.SOCK_RAW, 14) }

// tap captures by a packet socket of a type that puts so many bytes in front of
// the IP header.
func (l *lan) tap(index, typ, front int) (next func() []byte) {
	all := uint16(unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8)
	fd, err := unix.Socket(unix.AF_PACKET, typ|unix.SOCK_CLOEXEC, int(all))
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index})
	}
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5})
	}
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = unix.Close(fd) })
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
		l.t.Fatal("no VRRP packet came in")
		return nil
	}
}

// headerSum is 0 where the checksum of an IPv4 header holds.
func headerSum(b []byte) uint16 {
	total := uint32(0)
	for i := 0; i < 20; i += 2 {
		total += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	return ^uint16(total>>16 + total&0xffff)
}

// away runs the ip program with these commands; AWAY and BACK stand for the other
// namespace and for this one.
func (l *lan) away(commands []string) {
	name := fmt.Sprintf("away%d", os.Getpid())
	l.ip(fmt.Sprintf("netns attach %s %d", name, l.tid))
	defer l.ip("netns delete " + name)
	for _, c := range commands {
		l.ip(strings.NewReplacer("AWAY", name, "BACK", fmt.Sprint(unix.Gettid())).Replace(c))
	}
}
