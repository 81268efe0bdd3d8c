package receive

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
)

// groupMembers returns which links are members of some multicast groups in the network namespace
// of the calling thread. A membership belongs to the link, whichever socket joined, and is lost
// with the link's settings for the family: then a socket that has joined receives nothing any
// more, and joining again on the same socket fails because it is already joined.
func groupMembers(f event.Family, groups []netip.Addr) (map[membership]bool, error) {
	name, read := "igmp", readIGMP
	if f == event.IPv6 {
		name, read = "igmp6", readIGMP6
	}
	// Not /proc/net, which shows the namespace of the process's first thread.
	file, err := openBlocking("/proc/thread-self/net/" + name)
	if err != nil {
		return nil, fmt.Errorf("read the multicast memberships: %w", err)
	}
	defer func() { _ = file.Close() }()
	return read(file, groups)
}

// openBlocking opens a file of /proc for reading. With os.Open, Go's poller would watch the file,
// which takes four more system calls and wakes another thread.
func openBlocking(name string) (*os.File, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// scanShort returns a scanner of lines, which are short here. The file is read each second, and a
// scanner's usual buffer of 4 KiB would be half of the daemon's garbage at rest.
func scanShort(from io.Reader) *bufio.Scanner {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 512), bufio.MaxScanTokenSize)
	return lines
}

// readIGMP reads /proc/net/igmp: a line for each link, which begins with its index, followed by
// one for each of its groups, which is indented and begins with the address as an integer in host
// byte order.
func readIGMP(from io.Reader, groups []netip.Addr) (map[membership]bool, error) {
	wanted := make(map[string]netip.Addr, len(groups))
	for _, group := range groups {
		wanted[fmt.Sprintf("%08X", binary.NativeEndian.Uint32(group.AsSlice()))] = group
	}
	members, index := make(map[membership]bool), 0
	lines := scanShort(from)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch indented := strings.HasPrefix(lines.Text(), "\t"); {
		case len(fields) == 0:
		case !indented:
			index, _ = strconv.Atoi(fields[0]) // 0 for the heading
		case wanted[fields[0]].IsValid() && index != 0:
			members[membership{index, wanted[fields[0]]}] = true
		}
	}
	return members, lines.Err()
}

// readIGMP6 reads /proc/net/igmp6: index, name and group, one line for each membership.
func readIGMP6(from io.Reader, groups []netip.Addr) (map[membership]bool, error) {
	wanted := make(map[string]netip.Addr, len(groups))
	for _, group := range groups {
		wanted[hex.EncodeToString(group.AsSlice())] = group
	}
	members := make(map[membership]bool)
	lines := scanShort(from)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 || !wanted[fields[2]].IsValid() {
			continue
		}
		if index, err := strconv.Atoi(fields[0]); err == nil {
			members[membership{index, wanted[fields[2]]}] = true
		}
	}
	return members, lines.Err()
}

// bound reports whether a packet socket is still bound to its link: it is unbound for good when
// the link leaves the namespace, even if the link returns with the same index.
func (p *port) bound() bool {
	name, err := unix.Getsockname(p.fd)
	if err != nil {
		return true // the answer is not known
	}
	at, ok := name.(*unix.SockaddrLinklayer)
	return !ok || at.Ifindex == p.index
}
