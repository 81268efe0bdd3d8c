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

// linksMost is for how many links a socket is kept; the others share one.
const linksMost = 256

// LinuxPackets sends frames on the links of a network namespace, up to a slice of them
// by one system call. They pass the queueing discipline of the link: what does not fit
// into the ring of a NIC waits there, where PACKET_QDISC_BYPASS would lose it. What
// waits there stays on the account of the socket that it came from, so each link has
// an AF_PACKET socket of its own: one that does not drain holds up no other.
type LinuxPackets struct {
	shared  *outlet
	outlets map[int]*outlet // by ifindex
	touched []*outlet       // those with something to send

	msgs  [slice]mmsg.Message
	iovs  [slice]unix.Iovec
	names [slice]unix.RawSockaddrLinklayer
	of    [slice]*Frame // what each slot carries
	used  int
}

var _ Packets = (*LinuxPackets)(nil)

// outlet is a socket, and what is to be sent through it, in order.
type outlet struct {
	fd     int
	queued []*Frame
	gone   bool // the link is not there any more
}

// openOutlet opens a socket. It has protocol 0, so that it receives nothing.
func openOutlet() (*outlet, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the packet socket (needs CAP_NET_RAW): %w", err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer) != nil {
		// What the limit of the host allows is better than nothing.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
	}
	return &outlet{fd: fd}, nil
}

// OpenPackets opens the socket that serves where none can be opened for a link.
func OpenPackets() (*LinuxPackets, error) {
	shared, err := openOutlet()
	if err != nil {
		return nil, err
	}
	p := &LinuxPackets{shared: shared, outlets: make(map[int]*outlet)}
	for i := range p.msgs {
		h := &p.msgs[i].Header
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&p.names[i])), unix.SizeofSockaddrLinklayer
		h.Iov = &p.iovs[i]
		h.SetIovlen(1)
	}
	return p, nil
}

// Close closes the sockets.
func (p *LinuxPackets) Close() error {
	fds := []int{p.shared.fd}
	for _, o := range p.outlets {
		fds = append(fds, o.fd)
	}
	return mmsg.Close(fds...)
}

// Send is part of Packets. Order is kept within a link.
func (p *LinuxPackets) Send(frames []Frame) {
	for i := range frames {
		f := &frames[i]
		if f.Err = nil; len(f.Data) < 14 {
			f.Err = errors.New("a frame shorter than an Ethernet header")
			continue
		}
		o := p.outlet(f.Index)
		if len(o.queued) == 0 {
			p.touched = append(p.touched, o)
		}
		o.queued = append(o.queued, f)
	}
	for _, o := range p.touched {
		p.drain(o)
	}
	clear(p.touched)
	p.touched = p.touched[:0]
}

// outlet returns the socket for a link, or else the one that links share.
func (p *LinuxPackets) outlet(index int) *outlet {
	if o := p.outlets[index]; o != nil {
		return o
	}
	if len(p.outlets) >= linksMost {
		return p.shared
	}
	o, err := openOutlet()
	if err != nil {
		return p.shared // as when descriptors run out: better than nothing
	}
	p.outlets[index] = o
	return o
}

// drain sends what is queued for a socket, and closes it if its link is gone.
func (p *LinuxPackets) drain(o *outlet) {
	index := o.queued[0].Index
	for _, f := range o.queued {
		if p.load(f); p.used == slice {
			p.flush(o)
		}
	}
	p.flush(o)
	clear(o.queued) // keep no frame alive
	o.queued = o.queued[:0]
	if o.gone && o != p.shared {
		delete(p.outlets, index)
		_ = unix.Close(o.fd) // the kernel closes it whatever it says
	}
	o.gone = false
}

// load puts a frame into the next slot.
func (p *LinuxPackets) load(f *Frame) {
	i := p.used
	p.used++
	p.of[i] = f
	p.names[i] = mmsg.ToLink(f.Index, f.Data)
	p.iovs[i].Base = &f.Data[0]
	p.iovs[i].SetLen(len(f.Data))
}

// flush sends what is in the slots.
func (p *LinuxPackets) flush(o *outlet) {
	mmsg.SendEach(o.fd, p.msgs[:p.used], func(i int, errno unix.Errno) {
		o.gone = o.gone || errno == unix.ENXIO || errno == unix.ENODEV
		p.of[i].Err = fmt.Errorf("sending a frame on link %d: %w", p.of[i].Index, errno)
	})
	for i := range p.used { // keep no frame alive
		p.of[i], p.iovs[i].Base = nil, nil
	}
	p.used = 0
}
