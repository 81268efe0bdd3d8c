package mmsg

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ripcord/test/netns"
)

// A packet socket stays open though its descriptor is closed: the process need not wait for the
// kernel to close it when it ends.
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
