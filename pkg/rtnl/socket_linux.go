package rtnl

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	// maxDatagram is the length of the longest datagram that the kernel sends, in a dump.
	maxDatagram = 32 << 10
	// requestBuffer is the size of both buffers of a socket for requests: they hold a transaction
	// of thousands of addresses, and the errors of a whole batch.
	requestBuffer = 1 << 20
)

// ErrOverrun is the error of a socket whose receive buffer was full, so that the kernel dropped
// messages.
var ErrOverrun = errors.New("netlink messages were lost: the socket's receive buffer was full")

// Socket is a netlink socket that is read datagram by datagram, which shows the sender, an overrun,
// and the flags of a dump's last message.
type Socket struct {
	conn     *netlink.Conn
	raw      syscall.RawConn
	buf      []byte
	messages []netlink.Message
	out      []byte // the last datagram that was sent
}

var _ Transport = (*Socket)(nil)

// OpenSocket opens a socket of a netlink protocol, such as NETLINK_ROUTE.
func OpenSocket(protocol int) (*Socket, error) {
	conn, err := netlink.Dial(protocol, nil)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	return &Socket{conn: conn, raw: raw, buf: make([]byte, maxDatagram)}, nil
}

// Listen opens a socket of a netlink protocol with a receive buffer of that size, and joins
// multicast groups.
func Listen(protocol, size int, groups ...uint32) (*Socket, error) {
	s, err := OpenSocket(protocol)
	if err != nil {
		return nil, err
	}
	err = s.conn.SetReadBuffer(size)
	for _, group := range groups {
		err = errors.Join(err, s.conn.JoinGroup(group))
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("join netlink's multicast groups: %w", err)
	}
	return s, nil
}

// openForRequests opens a socket with the options that answers need.
func openForRequests(protocol int, strict bool) (Transport, error) {
	s, err := OpenSocket(protocol)
	if err != nil {
		return nil, err
	}
	if strict {
		if err := s.conn.SetOption(netlink.GetStrictCheck, true); err != nil {
			s.Close()
			return nil, fmt.Errorf("ask the kernel to filter its lists (needs Linux 4.20): %w", err)
		}
	}
	// A kernel without these options sends errors that are longer and say less.
	_ = s.conn.SetOption(netlink.ExtendedAcknowledge, true)
	_ = s.conn.SetOption(netlink.CapAcknowledge, true)
	_ = s.conn.SetReadBuffer(requestBuffer)
	_ = s.conn.SetWriteBuffer(requestBuffer)
	return s, nil
}

// Send implements Transport. It does not use the methods of netlink.Conn: these start a goroutine
// for each request and wait for its end. A sender with a thread of its own, like the address worker,
// then waits until another thread of Go's has run, after each batch.
func (s *Socket) Send(messages []netlink.Message) error {
	s.out = s.out[:0]
	for _, m := range messages {
		s.out = join(s.out, m)
	}
	for {
		var failed error
		err := s.raw.Write(func(fd uintptr) bool {
			failed = unix.Sendto(int(fd), s.out, unix.MSG_DONTWAIT, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
			return failed != unix.EAGAIN
		})
		if failed != unix.EINTR {
			return cmp.Or(err, os.NewSyscallError("sendto", failed))
		}
	}
}

// Port implements Transport.
func (s *Socket) Port() uint32 { return s.conn.PID() }

// Close closes the socket; a Receive that waits returns.
func (s *Socket) Close() error { return s.conn.Close() }

// Receive implements Transport. With a zero until it does not wait.
func (s *Socket) Receive(until time.Time) ([]netlink.Message, error) {
	b, err := s.datagram(until)
	if err != nil {
		return nil, err
	}
	s.messages, err = split(s.messages[:0], b)
	return s.messages, err
}

// datagram returns the next datagram from the kernel, valid until the next call.
func (s *Socket) datagram(until time.Time) ([]byte, error) {
	if err := s.conn.SetReadDeadline(until); err != nil {
		return nil, err
	}
	for {
		var n int
		var from unix.Sockaddr
		var failed error
		err := s.raw.Read(func(fd uintptr) bool {
			n, from, failed = unix.Recvfrom(int(fd), s.buf, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
			return failed != unix.EAGAIN || until.IsZero()
		})
		switch sender, _ := from.(*unix.SockaddrNetlink); {
		case err != nil:
			return nil, err
		case failed == unix.EAGAIN:
			return nil, os.ErrDeadlineExceeded
		case failed == unix.EINTR:
			continue
		case failed == unix.ENOBUFS || failed == nil && n > len(s.buf):
			return nil, ErrOverrun
		case failed != nil:
			return nil, os.NewSyscallError("recvfrom", failed)
		case sender != nil && sender.Pid == 0: // the kernel
			return s.buf[:n], nil
		}
	}
}

// split appends the messages of a datagram. Their data remain part of the datagram.
func split(messages []netlink.Message, b []byte) ([]netlink.Message, error) {
	for len(b) >= unix.SizeofNlMsghdr {
		length := int(binary.NativeEndian.Uint32(b))
		if length < unix.SizeofNlMsghdr || length > len(b) {
			return messages, errors.New("a netlink message is longer than its datagram")
		}
		messages = append(messages, netlink.Message{
			Header: netlink.Header{
				Length: uint32(length), Type: netlink.HeaderType(binary.NativeEndian.Uint16(b[4:])),
				Flags:    netlink.HeaderFlags(binary.NativeEndian.Uint16(b[6:])),
				Sequence: binary.NativeEndian.Uint32(b[8:]), PID: binary.NativeEndian.Uint32(b[12:]),
			},
			Data: b[unix.SizeofNlMsghdr:length],
		})
		b = b[min(align(length), len(b)):]
	}
	return messages, nil
}

// join appends a message to a datagram.
func join(b []byte, m netlink.Message) []byte {
	length := unix.SizeofNlMsghdr + len(m.Data)
	b = binary.NativeEndian.AppendUint32(b, uint32(length))
	b = binary.NativeEndian.AppendUint16(b, uint16(m.Header.Type))
	b = binary.NativeEndian.AppendUint16(b, uint16(m.Header.Flags))
	b = binary.NativeEndian.AppendUint32(b, m.Header.Sequence)
	b = binary.NativeEndian.AppendUint32(b, m.Header.PID)
	return pad(append(b, m.Data...), length)
}

// align rounds a length up to a multiple of four, as netlink does.
func align(n int) int { return (n + unix.NLMSG_ALIGNTO - 1) &^ (unix.NLMSG_ALIGNTO - 1) }
