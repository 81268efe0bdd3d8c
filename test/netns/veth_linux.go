package netns

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

var cables atomic.Int32

// Cable makes a veth pair, up at both ends and without IPv6 addresses, and returns the names of its
// ends. The end of the test removes the pair.
func Cable(t testing.TB) (near, far string) {
	t.Helper()
	Need(t)
	n := cables.Add(1)
	near, far = fmt.Sprintf("near%d", n), fmt.Sprintf("far%d", n)
	IP(t, "link", "add", near, "type", "veth", "peer", "name", far)
	for _, name := range []string{near, far} {
		IP(t, "link", "set", name, "addrgenmode", "none")
		IP(t, "link", "set", name, "up")
	}
	t.Cleanup(func() { IP(t, "link", "del", near) })
	Running(t, near, far)
	return near, far
}

// Index returns the ifindex of a link.
func Index(t testing.TB, name string) int { return byName(t, name).Index }

// MAC returns the hardware address of a link.
func MAC(t testing.TB, name string) [6]byte { return [6]byte(byName(t, name).HardwareAddr) }

func byName(t testing.TB, name string) *net.Interface {
	t.Helper()
	link, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// Capture opens a packet socket that receives all frames of a link. A read waits for at most 5 s.
func Capture(t testing.TB, link string) (fd int) {
	t.Helper()
	all := uint16(unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: Index(t, link)}); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// NextAnnouncement reads frames from a Capture until one is an ARP packet or a neighbor
// advertisement.
func NextAnnouncement(t testing.TB, fd int) []byte {
	t.Helper()
	buf := make([]byte, 2048)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil {
			t.Fatalf("reading from the far end: %v", err)
		}
		frame := buf[:n]
		arp := n > 14 && frame[12] == 8 && frame[13] == 6
		if arp || n > 54 && frame[12] == 0x86 && frame[20] == 58 && frame[54] == 136 {
			return frame
		}
	}
}
