package receive

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
)

// memberLists reads which links are members of multicast groups, from the kernel's lists for the
// network namespace of the thread that reads first. The lists stay open: to open one takes more
// time than to read it, and they are read every second.
type memberLists struct {
	files map[event.Family]*os.File
	text  []byte // reused
}

func newMemberLists() *memberLists { return &memberLists{files: make(map[event.Family]*os.File)} }

// members returns which links are members of some multicast groups. A membership belongs to the
// link, whichever socket joined, and is lost with the link's settings for the family: then a socket
// that has joined receives nothing any more, and joining again on the same socket fails because it
// is already joined.
func (l *memberLists) members(f event.Family, groups []netip.Addr) (map[membership]bool, error) {
	if err := l.read(f); err != nil {
		return nil, fmt.Errorf("read the multicast memberships: %w", err)
	}
	if f == event.IPv6 {
		return parseIGMP6(l.text, groups), nil
	}
	return parseIGMP(l.text, groups), nil
}

// read reads the list of a family into the text.
func (l *memberLists) read(f event.Family) (err error) {
	file := l.files[f]
	if file == nil {
		if file, err = openBlocking("/proc/thread-self/net/" + listNames[f]); err != nil { // /proc/net is that of the first thread
			return err
		}
		l.files[f] = file
	}
	l.text = l.text[:0]
	for {
		l.text = slices.Grow(l.text, minRead)
		n, err := file.ReadAt(l.text[len(l.text):cap(l.text)], int64(len(l.text)))
		l.text = l.text[:len(l.text)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// minRead is the least room for one read: more than the longest line.
const minRead = 512

// listNames are the names of the kernel's lists.
var listNames = map[event.Family]string{event.IPv4: "igmp", event.IPv6: "igmp6"}

// close closes the lists.
func (l *memberLists) close() {
	for _, file := range l.files {
		_ = file.Close()
	}
	clear(l.files)
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

// parseIGMP parses /proc/net/igmp: a line for each link, which begins with its index, followed by
// one for each of its groups, which is indented and begins with the address as an integer in host
// byte order.
func parseIGMP(text []byte, groups []netip.Addr) map[membership]bool {
	members, index := make(map[membership]bool), 0
	for line := range bytes.Lines(text) {
		first := nthField(line, 0)
		if !bytes.HasPrefix(line, []byte{'\t'}) {
			index, _ = strconv.Atoi(string(first)) // 0 for the heading
			continue
		}
		var address [4]byte
		number, err := strconv.ParseUint(string(first), 16, 32)
		binary.NativeEndian.PutUint32(address[:], uint32(number))
		if group := netip.AddrFrom4(address); err == nil && index != 0 && slices.Contains(groups, group) {
			members[membership{index, group}] = true
		}
	}
	return members
}

// parseIGMP6 parses /proc/net/igmp6: index, name and group, one line for each membership.
func parseIGMP6(text []byte, groups []netip.Addr) map[membership]bool {
	members := make(map[membership]bool)
	for line := range bytes.Lines(text) {
		index, err := strconv.Atoi(string(nthField(line, 0)))
		var address [16]byte
		digits := nthField(line, 2)
		if err != nil || len(digits) != hex.EncodedLen(len(address)) {
			continue
		}
		if _, err := hex.Decode(address[:], digits); err != nil {
			continue
		}
		if group := netip.AddrFrom16(address); slices.Contains(groups, group) {
			members[membership{index, group}] = true
		}
	}
	return members
}

// nthField returns the field of a line with that index; nil if it has fewer.
func nthField(line []byte, n int) []byte {
	for field := range bytes.FieldsSeq(line) {
		if n == 0 {
			return field
		}
		n--
	}
	return nil
}
