package mmsg

import (
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"
)

// A process has not ended before its sockets are closed, and closing a packet socket takes the
// kernel some 10 ms (synchronize_net). After a crash of an Active other routers would take over
// before the next daemon could start. So each packet socket is kept open by another reference: it
// is in flight, in the queue of a unix socket that is itself in flight in its own queue. It can
// never be received. When the process ends, that queue is garbage, and the kernel, since Linux
// 6.9, collects it in a thread of its own; with older kernels the process takes as long to end as
// without.

// limbo is the unix socket whose peer has the queue.
var limbo = sync.OnceValue(func() int {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1
	}
	if err := unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(pair[1]), nil, 0); err != nil {
		return -1
	}
	return pair[0] // both stay open as long as the process lives
})

// Linger makes a packet socket close after the process has ended, and not before. It stays open
// until then even if its descriptor is closed: a socket that receives must be unbound first
// (Unbind). If that is not possible, as after some hundred sockets, it closes like any other.
func Linger(fd int) {
	if to := limbo(); to >= 0 {
		_ = unix.Sendmsg(to, []byte{0}, unix.UnixRights(fd), nil, 0)
	}
}

// unusedProtocol is an EtherType for local experiments (IEEE 802), which ripcord does not use.
const unusedProtocol = 0x88b5

// Unbind makes a packet socket that lingers receive nothing any more, so that it costs nothing.
func Unbind(fd int) {
	protocol := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unusedProtocol))
	_ = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol})
}
