package link

import (
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
	// receiveBuffer is that of the kernel, for each socket that listens: some
	// thousand messages, for a cable under many VLANs yields two for each.
	receiveBuffer = 4 << 20
	// datagram holds the longest datagram that rtnetlink sends: 32 KiB in a dump.
	datagram = 64 << 10
)

// socket is a route netlink socket that is read datagram by datagram: only so
// the sender, the overrun and the flags of a dump's last message are seen.
type socket struct {
	conn *netlink.Conn
	raw  syscall.RawConn
	buf  []byte
}

func dial() (*socket, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	return &socket{conn: conn, raw: raw, buf: make([]byte, datagram)}, nil
}

// listen opens a socket that has joined the groups.
func listen(size int, groups ...uint32) (*socket, error) {
	s, err := dial()
	if err != nil {
		return nil, err
	}
	if err := s.conn.SetReadBuffer(size); err != nil {
		s.close()
		return nil, err
	}
	for _, group := range groups {
		if err := s.conn.JoinGroup(group); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// receive implements stream.
func (s *socket) receive(dst []Observation, until time.Time) ([]Observation, time.Time, error) {
	b, err := s.read(until)
	at := time.Now()
	if err != nil {
		return dst, at, err
	}
	err = eachMessage(b, func(m netlink.Message) error {
		// What cannot be decoded is not from this kernel's rtnetlink as it is
		// known; the audit tells whether it mattered.
		if o, err := decode(m.Header.Type, m.Data); err == nil && o != nil {
			dst = append(dst, o)
		}
		return nil
	})
	return dst, at, err
}

func (s *socket) close() error { return s.conn.Close() }

// read returns the next datagram of the kernel, valid until the next call. A
// zero until does not wait.
func (s *socket) read(until time.Time) ([]byte, error) {
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
			return nil, errOverrun
		case failed != nil:
			return nil, os.NewSyscallError("recvfrom", failed)
		case sender != nil && sender.Pid == 0: // the kernel
			return s.buf[:n], nil
		}
	}
}

// eachMessage splits a datagram.
func eachMessage(b []byte, do func(netlink.Message) error) error {
	for len(b) >= unix.SizeofNlMsghdr {
		length := int(binary.NativeEndian.Uint32(b))
		padded := min((length+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(b))
		if length < unix.SizeofNlMsghdr || length > len(b) {
			return errors.New("a netlink message is longer than its datagram")
		}
		err := do(netlink.Message{
			Header: netlink.Header{
				Length: uint32(length), Type: netlink.HeaderType(binary.NativeEndian.Uint16(b[4:])),
				Flags:    netlink.HeaderFlags(binary.NativeEndian.Uint16(b[6:])),
				Sequence: binary.NativeEndian.Uint32(b[8:]), PID: binary.NativeEndian.Uint32(b[12:]),
			},
			Data: b[unix.SizeofNlMsghdr:length],
		})
		if err != nil {
			return err
		}
		b = b[padded:]
	}
	return nil
}

// errDone ends a list.
var errDone = errors.New("done")

// request sends m and hands every answer to it to do, until the list is done
// or, for a request of one thing, after the first.
func (s *socket) request(m netlink.Message, until time.Time, do func(netlink.Message)) error {
	sent, err := s.conn.Send(m)
	if err != nil {
		return err
	}
	answers := answers{sequence: sent.Header.Sequence, do: do}
	for {
		b, err := s.read(until)
		if err == nil {
			err = eachMessage(b, answers.take)
		}
		switch {
		case err == errDone && answers.interrupted:
			return errInterrupted
		case err == errDone:
			return nil
		case err != nil:
			return err
		}
	}
}

// answers takes the messages that answer one request.
type answers struct {
	sequence    uint32
	do          func(netlink.Message)
	interrupted bool // NLM_F_DUMP_INTR, which the last message of all may bear
}

// take gives errDone after the last.
func (a *answers) take(m netlink.Message) error {
	if m.Header.Sequence != a.sequence {
		return nil // an answer that came too late for another request
	}
	a.interrupted = a.interrupted || m.Header.Flags&netlink.DumpInterrupted != 0
	if m.Header.Type == netlink.Error || m.Header.Type == netlink.Done {
		return errnoOf(m)
	}
	a.do(m)
	if m.Header.Flags&netlink.Multi == 0 {
		return errDone
	}
	return nil
}

// errnoOf is what an NLMSG_ERROR or NLMSG_DONE says: errDone, or what failed.
func errnoOf(m netlink.Message) error {
	if len(m.Data) >= 4 {
		if errno := -int32(binary.NativeEndian.Uint32(m.Data)); errno != 0 {
			return unix.Errno(errno)
		}
	}
	return errDone
}

var _ stream = (*socket)(nil)
