package lan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// frame is a received Ethernet frame.
type frame struct {
	data []byte // valid until the next read
	at   time.Time
}

// packetSocket sends and receives Ethernet frames on one interface.
type packetSocket struct {
	file *os.File
	raw  syscall.RawConn
	data [2048]byte
	oob  [64]byte
}

// receiveBuffer is how many bytes may wait to be read. The kernel counts a small frame as 1 KiB.
const receiveBuffer = 16 << 20

func prepare(fd, index int, filter []unix.SockFilter) error {
	program := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, program); err != nil {
		return fmt.Errorf("attach the filter: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1); err != nil {
		return fmt.Errorf("ask for time stamps: %w", err)
	}
	// The socket receives a burst of adverts or announcements completely, however busy the machine
	// is.
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer); err != nil {
		return fmt.Errorf("ask for a large buffer: %w", err)
	}
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ALL), Ifindex: index})
}

// bigEndian returns v as it must be stored in a field of network byte order.
func bigEndian(v uint16) uint16 { return binary.NativeEndian.Uint16([]byte{byte(v >> 8), byte(v)}) }

func (s *packetSocket) send(data []byte) error {
	_, err := s.file.Write(data)
	return err
}

// receive waits for the next frame that others sent. It returns os.ErrDeadlineExceeded when the
// time is over and all frames received until then have been returned, even if the caller asks late,
// and os.ErrClosed after close.
func (s *packetSocket) receive() (frame, error) {
	for {
		var n, oobn int
		var from unix.Sockaddr
		var err error
		take := func(fd uintptr) bool {
			n, oobn, _, from, err = unix.Recvmsg(int(fd), s.data[:], s.oob[:], 0)
			return !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
		}
		stop := s.raw.Read(take)
		if errors.Is(stop, os.ErrDeadlineExceeded) {
			var taken bool
			if failed := s.raw.Control(func(fd uintptr) { taken = take(fd) }); failed != nil || taken {
				stop = failed
			}
		}
		switch link, ok := from.(*unix.SockaddrLinklayer); {
		case stop != nil:
			return frame{}, stop
		case errors.Is(err, unix.ENETDOWN): // reported once, when the interface goes down
		case err != nil:
			return frame{}, err
		case ok && link.Pkttype != unix.PACKET_OUTGOING:
			return frame{data: s.data[:n], at: instant(s.oob[:oobn])}, nil
		}
	}
}

// instant converts the kernel's time stamp, of the wall clock, into an instant with a monotonic
// reading. An impossible age means that the wall clock was set.
func instant(oob []byte) time.Time {
	now := time.Now()
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return now
	}
	for _, m := range messages {
		if m.Header.Type != unix.SO_TIMESTAMPNS_NEW || len(m.Data) < 16 {
			continue
		}
		stamp := time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		if age := now.Sub(stamp); age > 0 && age <= time.Second {
			return now.Add(-age)
		}
	}
	return now
}

// promiscuous makes the interface receive frames to other stations, too. The kernel announces that
// as a change of the link, so do not use it on a host under test.
func (s *packetSocket) promiscuous(index int) error {
	all := &unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}
	var err error
	stop := s.raw.Control(func(fd uintptr) {
		err = unix.SetsockoptPacketMreq(int(fd), unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, all)
	})
	return errors.Join(stop, err)
}

func (s *packetSocket) setDeadline(t time.Time) error { return s.file.SetReadDeadline(t) }

func (s *packetSocket) close() { s.file.Close() }
