package addr

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/mmsg"
)

// sendBuffer is room for what is announced of a thousand addresses at once, 0.75
// KiB each: a link may be slower than we are.
const sendBuffer = 1 << 20

// LinuxPackets sends frames on all links of a network namespace by one
// AF_PACKET socket, up to a slice of them by one system call. They pass the
// queueing discipline of the link: what does not fit into the ring of a NIC waits
// there, where PACKET_QDISC_BYPASS would lose it.
type LinuxPackets struct {
	fd int

	msgs  [slice]mmsg.Message
	iovs  [slice]unix.Iovec
	names [slice]unix.RawSockaddrLinklayer
	of    [slice]*Frame // what each slot carries
	used  int
}

var _ Packets = (*LinuxPackets)(nil)

// OpenPackets opens the socket. It has protocol 0, so that it receives nothing.
func OpenPackets() (*LinuxPackets, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the packet socket (needs CAP_NET_RAW): %w", err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer) != nil {
		// What the limit of the host allows is better than nothing.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
	}
	p := &LinuxPackets{fd: fd}
	for i := range p.msgs {
		h := &p.msgs[i].Header
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&p.names[i])), unix.SizeofSockaddrLinklayer
		h.Iov = &p.iovs[i]
		h.SetIovlen(1)
	}
	return p, nil
}

// Close closes the socket.
func (p *LinuxPackets) Close() error { return unix.Close(p.fd) }

// Send is part of Packets.
func (p *LinuxPackets) Send(frames []Frame) {
	for i := range frames {
		if p.load(&frames[i]); p.used == slice {
			p.flush()
		}
	}
	p.flush()
}

// load puts a frame into the next slot.
func (p *LinuxPackets) load(f *Frame) {
	if f.Err = nil; len(f.Data) < 14 {
		f.Err = errors.New("a frame shorter than an Ethernet header")
		return
	}
	i := p.used
	p.used++
	p.of[i] = f
	p.names[i] = mmsg.ToLink(f.Index, f.Data)
	p.iovs[i].Base = &f.Data[0]
	p.iovs[i].SetLen(len(f.Data))
}

// flush sends what is in the slots.
func (p *LinuxPackets) flush() {
	mmsg.SendEach(p.fd, p.msgs[:p.used], func(i int, errno unix.Errno) {
		p.of[i].Err = fmt.Errorf("sending a frame on link %d: %w", p.of[i].Index, errno)
	})
	for i := range p.used { // keep no frame alive
		p.of[i], p.iovs[i].Base = nil, nil
	}
	p.used = 0
}
