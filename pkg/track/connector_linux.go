package track

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The connector of the kernel (linux/connector.h, linux/cn_proc.h). A message is
//
//	nlmsghdr (16) | cn_msg: idx, val, seq, ack (4 each), len, flags (2 each) | proc_event
//
// and a proc_event
//
//	what, cpu (4 each), timestamp (8) | for a fork: parent pid, tgid, child pid, tgid
//	                                  | else: pid, tgid, …
//
// in the byte order of the machine.
const (
	cnProc          = 1 // CN_IDX_PROC, and CN_VAL_PROC
	listen          = 1 // PROC_CN_MCAST_LISTEN
	eventNone       = 0 // the answer to listen
	eventFork       = 0x00000001
	eventExec       = 0x00000002
	eventComm       = 0x00000200
	eventExit       = 0x80000000
	cnMsgLen        = 20
	eventOffset     = unix.SizeofNlMsghdr + cnMsgLen
	eventDataOffset = eventOffset + 16
	minEventLen     = eventDataOffset + 8
	minForkLen      = eventDataOffset + 16
	answerWithin    = time.Second
)

// connectorBuffer is the size of the receive buffer: enough for some thousand processes that begin
// and end while we do not run, since a message takes about 0.5 KiB of it.
const connectorBuffer = 4 << 20

// errLost is the error of a receive before which messages were lost.
var errLost = errors.New("messages of the proc connector were lost")

type processKind uint8

const (
	processForked  processKind = iota
	processChanged             // it executed a program, or has another name
	processEnded
)

// processEvent is a change of a process; changes of threads are ignored.
type processEvent struct {
	kind        processKind
	pid, parent int // parent: of a fork
}

// connector is a subscription to the processes of the machine.
type connector struct {
	file   *os.File
	raw    syscall.RawConn
	buffer [8 << 10]byte
}

// openConnector subscribes. It returns an error if the kernel sends no events: in another than the
// first PID, user or network namespace, without CAP_NET_ADMIN, and without CONFIG_PROC_EVENTS.
func openConnector() (*connector, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, connectorBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, connectorBuffer)
	}
	c := &connector{file: os.NewFile(uintptr(fd), "proc connector")}
	if err := c.subscribe(fd); err != nil {
		_ = c.file.Close()
		return nil, err
	}
	return c, nil
}

func (c *connector) subscribe(fd int) (err error) {
	if c.raw, err = c.file.SyscallConn(); err != nil {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: cnProc}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	const size = eventOffset + 4
	request := make([]byte, 0, size)
	request = binary.NativeEndian.AppendUint32(request, size)
	request = binary.NativeEndian.AppendUint16(request, unix.NLMSG_DONE)
	request = append(request, make([]byte, 10)...) // flags, sequence, port
	for _, word := range []uint32{cnProc, cnProc, 0, 0} {
		request = binary.NativeEndian.AppendUint32(request, word)
	}
	request = binary.NativeEndian.AppendUint16(request, 4)
	request = binary.NativeEndian.AppendUint16(request, 0)
	request = binary.NativeEndian.AppendUint32(request, listen)
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	// A kernel that does not permit it answers with an error, or not at all.
	_ = c.file.SetReadDeadline(time.Now().Add(answerWithin))
	for {
		n, err := c.read()
		if err != nil {
			return err
		}
		if code, ok := answer(c.buffer[:n]); ok {
			if code != 0 {
				return fmt.Errorf("the proc connector refuses: %w", unix.Errno(code))
			}
			return c.file.SetReadDeadline(time.Time{})
		}
	}
}

// read reads one datagram from the kernel.
func (c *connector) read() (n int, err error) {
	var from unix.Sockaddr
	failed := c.raw.Read(func(fd uintptr) bool {
		for {
			n, from, err = unix.Recvfrom(int(fd), c.buffer[:], 0)
			if err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	})
	if failed != nil {
		if !errors.Is(failed, os.ErrDeadlineExceeded) {
			failed = os.ErrClosed
		}
		return 0, failed
	}
	if err == unix.ENOBUFS {
		return 0, errLost
	}
	if err != nil {
		return 0, os.NewSyscallError("recvfrom", err)
	}
	if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != 0 {
		return 0, nil // not a message of the kernel
	}
	return n, nil
}

// receive waits for a message; ok is false if it is not about a process. The error is errLost if
// messages were lost, and os.ErrClosed once the connector is closed.
func (c *connector) receive() (e processEvent, ok bool, err error) {
	n, err := c.read()
	if err != nil {
		if !errors.Is(err, errLost) && !errors.Is(err, os.ErrClosed) {
			time.Sleep(answerWithin) // no lasting error is known
		}
		return e, false, err
	}
	e, ok = decode(c.buffer[:n])
	return e, ok, nil
}

func (c *connector) close() { _ = c.file.Close() }

// answer decodes the kernel's answer to listen, an error number or 0.
func answer(b []byte) (code uint32, ok bool) {
	if !ofProc(b) || binary.NativeEndian.Uint32(b[eventOffset:]) != eventNone {
		return 0, false
	}
	return binary.NativeEndian.Uint32(b[eventDataOffset:]), true
}

// decode decodes an event of a process.
func decode(b []byte) (e processEvent, ok bool) {
	if !ofProc(b) {
		return e, false
	}
	word := func(at int) int { return int(binary.NativeEndian.Uint32(b[eventDataOffset+at:])) }
	switch binary.NativeEndian.Uint32(b[eventOffset:]) {
	case eventFork:
		if len(b) < minForkLen {
			return e, false
		}
		return processEvent{kind: processForked, pid: word(12), parent: word(4)}, word(8) == word(12)
	case eventExec:
		return processEvent{kind: processChanged, pid: word(4)}, true
	case eventComm:
		return processEvent{kind: processChanged, pid: word(4)}, word(0) == word(4)
	case eventExit:
		return processEvent{kind: processEnded, pid: word(4)}, word(0) == word(4)
	}
	return e, false
}

// ofProc reports whether a message is from the proc connector, and long enough.
func ofProc(b []byte) bool {
	return len(b) >= minEventLen &&
		binary.NativeEndian.Uint32(b[unix.SizeofNlMsghdr:]) == cnProc &&
		binary.NativeEndian.Uint32(b[unix.SizeofNlMsghdr+4:]) == cnProc
}
