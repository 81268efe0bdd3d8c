package mmsg

import (
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"
)

// A process has not ended before its sockets are closed, and each packet socket takes the kernel
// some 10 ms to close (synchronize_net). Other routers would lose patience with an Active that
// crashed before the next daemon could start. So each is kept open by another reference: it is in
// flight, in the queue of a unix socket that is in flight in its own queue. Nobody can receive it.
// When the process ends, that queue is garbage, and the kernel, since Linux 6.9, collects it in a
// thread of its own; before, the process takes as long to end as without.

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

// Linger has a packet socket be closed after the process has ended, and not before. It stays open
// until then, though its descriptor is closed: one that hears is to be Unbound first. Where that
// cannot be had, as after some hundred sockets, it is closed as any.
func Linger(fd int) {
	if to := limbo(); to >= 0 {
		_ = unix.Sendmsg(to, []byte{0}, unix.UnixRights(fd), nil, 0)
	}
}

// nobody is an EtherType that is for local experiments (IEEE 802), and that nothing here uses.
const nobody = 0x88b5

// Unbind has a packet socket that lingers hear nothing any more, and cost nothing.
func Unbind(fd int) {
	protocol := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, nobody))
	_ = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol})
}
