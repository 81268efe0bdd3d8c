package mmsg

import (
	"encoding/binary"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ripcord/test/netns"
)

// TestLinger checks that a packet socket stays open although its descriptor is closed: the
// process need not wait for the kernel to close it when it ends.
func TestLinger(t *testing.T) {
	netns.NeedRoot(t)
	open := func(lingers bool) (inode string, fd int) {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if lingers {
			Linger(fd)
		}
		link, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Trim(link, "socket:[]"), fd
	}
	listed := func(inode string) bool {
		text, err := os.ReadFile("/proc/thread-self/net/packet")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(text), " "+inode+"\n")
	}
	for _, lingers := range []bool{false, true} {
		inode, fd := open(lingers)
		if !listed(inode) {
			t.Fatal("the socket is not listed")
		}
		if err := unix.Close(fd); err != nil {
			t.Fatal(err)
		}
		if listed(inode) != lingers {
			t.Errorf("closed, lingers %v: listed %v", lingers, !lingers)
		}
	}
}

// TestUnbind checks that an unbound socket receives nothing of its old protocol, although it
// lingers.
func TestUnbind(t *testing.T) {
	netns.NeedRoot(t)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(htons(unix.ETH_P_IP)))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	heard := func() (n int) {
		if conn, err := net.Dial("udp4", "127.0.0.1:9"); err == nil {
			_, _ = conn.Write([]byte("x"))
			_ = conn.Close()
		}
		for {
			if _, _, err := unix.Recvfrom(fd, make([]byte, 256), 0); err != nil {
				return n
			}
			n++
		}
	}
	if heard() == 0 {
		t.Fatal("it hears nothing at first, and the test shows nothing")
	}
	Unbind(fd)
	heard() // what was in its queue
	if n := heard(); n > 0 {
		t.Errorf("unbound, it hears %d packets", n)
	}
}

func htons(v uint16) uint16 { return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v)) }
