package neigh

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/mmsg"
)

// sendBuffer has room for the announcements of a thousand addresses, 0.75 KiB each, on a link that
// is slower than this machine.
const sendBuffer = 1 << 20

// maxSockets is the number of links with their own socket; the others share one.
const maxSockets = 256

// LinuxSender sends frames on the links of a network namespace, up to MaxFrames by one system call.
// They pass the queueing discipline of the link: frames that do not fit into the ring of a NIC wait
// there, where PACKET_QDISC_BYPASS would lose them. A waiting frame counts against the send buffer
// of its socket, so each link has its own AF_PACKET socket: a link that does not drain delays no
// other. For the same reason adverts are sent through other sockets (pkg/advert/send): a thousand
// announcements must not fill the buffer of an advert.
type LinuxSender struct {
	shared  *packetSocket
	sockets map[int]*packetSocket // by ifindex
	touched []*packetSocket       // those with frames to send

	msgs   [MaxFrames]mmsg.Message
	iovs   [MaxFrames]unix.Iovec
	names  [MaxFrames]unix.RawSockaddrLinklayer
	loaded [MaxFrames]*Frame // the frame in each slot
	used   int
}

var _ Sender = (*LinuxSender)(nil)

// packetSocket is a socket with the frames to send through it, in order.
type packetSocket struct {
	fd     int
	queued []*Frame
	gone   bool // its link does not exist any more
}

func openPacketSocket() (*packetSocket, error) {
	fd, err := mmsg.PacketSocket()
	if err != nil {
		return nil, err
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer) != nil {
		// The greatest buffer that the host allows is better than the default.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
	}
	return &packetSocket{fd: fd}, nil
}

// OpenSender opens the socket that is shared by the links without a socket of their own.
func OpenSender() (*LinuxSender, error) {
	shared, err := openPacketSocket()
	if err != nil {
		return nil, err
	}
	s := &LinuxSender{shared: shared, sockets: make(map[int]*packetSocket)}
	for i := range s.msgs {
		h := &s.msgs[i].Header
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&s.names[i])), unix.SizeofSockaddrLinklayer
		h.Iov = &s.iovs[i]
		h.SetIovlen(1)
	}
	return s, nil
}

// Close closes the sockets.
func (s *LinuxSender) Close() error {
	fds := []int{s.shared.fd}
	for _, o := range s.sockets {
		fds = append(fds, o.fd)
	}
	return mmsg.Close(fds...)
}

// Send implements Sender. It keeps the order within a link.
func (s *LinuxSender) Send(frames []Frame) {
	for i := range frames {
		f := &frames[i]
		if f.Err = nil; len(f.Data) < 14 {
			f.Err = errors.New("a frame shorter than an Ethernet header")
			continue
		}
		o := s.socket(f.Index)
		if len(o.queued) == 0 {
			s.touched = append(s.touched, o)
		}
		o.queued = append(o.queued, f)
	}
	for _, o := range s.touched {
		s.drain(o)
	}
	clear(s.touched)
	s.touched = s.touched[:0]
}

// socket returns the socket of a link, or otherwise the shared one.
func (s *LinuxSender) socket(index int) *packetSocket {
	if o := s.sockets[index]; o != nil {
		return o
	}
	if len(s.sockets) >= maxSockets {
		return s.shared
	}
	o, err := openPacketSocket()
	if err != nil { // for example when descriptors run out
		return s.shared
	}
	s.sockets[index] = o
	return o
}

// drain sends the frames queued for a socket, and closes the socket if its link is gone.
func (s *LinuxSender) drain(o *packetSocket) {
	index := o.queued[0].Index
	for _, f := range o.queued {
		if s.load(f); s.used == MaxFrames {
			s.flush(o)
		}
	}
	s.flush(o)
	clear(o.queued) // keep no frame alive
	o.queued = o.queued[:0]
	if o.gone && o != s.shared {
		delete(s.sockets, index)
		_ = unix.Close(o.fd) // the kernel closes it whatever it returns
	}
	o.gone = false
}

// load puts a frame into the next slot.
func (s *LinuxSender) load(f *Frame) {
	i := s.used
	s.used++
	s.loaded[i] = f
	s.names[i] = mmsg.ToLink(f.Index, f.Data)
	s.iovs[i].Base = &f.Data[0]
	s.iovs[i].SetLen(len(f.Data))
}

// flush sends the frames in the slots.
func (s *LinuxSender) flush(o *packetSocket) {
	mmsg.SendEach(o.fd, s.msgs[:s.used], func(i int, errno unix.Errno) {
		o.gone = o.gone || errno == unix.ENXIO || errno == unix.ENODEV
		s.loaded[i].Err = fmt.Errorf("sending a frame on link %d: %w", s.loaded[i].Index, errno)
	})
	for i := range s.used { // keep no frame alive
		s.loaded[i], s.iovs[i].Base = nil, nil
	}
	s.used = 0
}
