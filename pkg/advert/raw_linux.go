package advert

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// Marks of a VRRP packet.
const (
	trafficClass = wire.TrafficClass
	priority     = 6
)

// option is one socket option of an int, with the name to complain with.
type option struct {
	level, name, value int
	what               string
}

// openRaw opens a raw socket of protocol 112 with options.
func openRaw(f event.Family, options []option) (int, error) {
	domain := unix.AF_INET
	if f == event.IPv6 {
		domain = unix.AF_INET6
	}
	fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, wire.Protocol)
	if err != nil {
		return -1, fmt.Errorf("open a raw %v socket (needs CAP_NET_RAW): %w", f, err)
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			_ = unix.Close(fd)
			return -1, fmt.Errorf("set %s of a raw %v socket: %w", o.what, f, err)
		}
	}
	return fd, nil
}

// putCmsg writes one control message with its data to b, which is aligned and
// has room, and returns its length without padding, as msg_controllen wants it.
func putCmsg(b *byte, level, kind int, data []byte) int {
	h := (*unix.Cmsghdr)(unsafe.Pointer(b))
	h.Level, h.Type = int32(level), int32(kind)
	h.SetLen(unix.CmsgLen(len(data)))
	copy(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(b), unix.CmsgLen(0))), len(data)), data)
	return unix.CmsgLen(len(data))
}
