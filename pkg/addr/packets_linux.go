package addr

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// LinuxPackets sends frames on all links of a network namespace by one
// AF_PACKET socket.
type LinuxPackets struct{ fd int }

var _ Packets = (*LinuxPackets)(nil)

// OpenPackets opens the socket. It has protocol 0, so that it receives nothing.
func OpenPackets() (*LinuxPackets, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the packet socket (needs CAP_NET_RAW): %w", err)
	}
	return &LinuxPackets{fd}, nil
}

// Close closes the socket.
func (p *LinuxPackets) Close() error { return unix.Close(p.fd) }

// Send hands one Ethernet frame to the link. It does not wait for room.
func (p *LinuxPackets) Send(index int, frame []byte) error {
	if len(frame) < 14 {
		return errors.New("a frame shorter than an Ethernet header")
	}
	to := unix.SockaddrLinklayer{Ifindex: index, Halen: 6}
	copy(to.Addr[:], frame[:6])
	// The field is in network byte order, as in the frame.
	to.Protocol = binary.NativeEndian.Uint16(frame[12:])
	if err := unix.Sendto(p.fd, frame, 0, &to); err != nil {
		return fmt.Errorf("sending a frame on link %d: %w", index, err)
	}
	return nil
}
