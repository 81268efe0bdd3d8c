// Package rawsock opens raw sockets of IP protocol 112, sets their options and filters, joins
// multicast groups, and writes control messages.
package rawsock

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// Option is a socket option of type int.
type Option struct {
	Level, Name, Value int
	what               string // its name in errors
}

// Int returns an option; what is its name in errors.
func Int(level, name, value int, what string) Option { return Option{level, name, value, what} }

// Open opens a raw socket of protocol 112 with the given options.
func Open(f event.Family, options []Option) (int, error) {
	fd, err := unix.Socket(Domain(f), unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, wire.Protocol)
	if err != nil {
		return -1, fmt.Errorf("open a raw %v socket (needs CAP_NET_RAW): %w", f, err)
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.Level, o.Name, o.Value); err != nil {
			_ = unix.Close(fd)
			return -1, fmt.Errorf("set %s of a raw %v socket: %w", o.what, f, err)
		}
	}
	return fd, nil
}

// Domain returns the socket address family of a family.
func Domain(f event.Family) int {
	if f == event.IPv6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// Join makes a link a member of a multicast group for as long as the socket is open.
func Join(fd, index int, group netip.Addr) error {
	if group.Is4() {
		return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
			&unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(index)})
	}
	return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
		&unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(index)})
}

// PutControl writes one control message with its data to b, which is aligned and has room, and
// returns its length without padding, as needed for msg_controllen.
func PutControl(b *byte, level, kind int, data []byte) int {
	h := (*unix.Cmsghdr)(unsafe.Pointer(b))
	h.Level, h.Type = int32(level), int32(kind)
	h.SetLen(unix.CmsgLen(len(data)))
	copy(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(b), unix.CmsgLen(0))), len(data)), data)
	return unix.CmsgLen(len(data))
}

// Attach sets the filter of a socket, and replaces a previous one.
func Attach(fd int, program []unix.SockFilter) error {
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil {
		return fmt.Errorf("attach a filter to a raw socket: %w", err)
	}
	return nil
}

// AttachProgram sets an eBPF program as the filter of a socket, and replaces a previous one.
func AttachProgram(fd, program int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, program); err != nil {
		return fmt.Errorf("attach an eBPF filter to a raw socket: %w", err)
	}
	return nil
}

// Deafen makes a socket that only sends receive nothing. The kernel offers a packet of the
// protocol to each matching raw socket, and runs the filter on a copy, which costs up to a tenth
// of the cost of the advert itself. So the socket is bound to an address to which no packet of
// the protocol is sent; over IPv6 the kernel only respects that for unicast, and needs one more
// option. Sent packets do not have that address. The filter drops packets from before the socket
// is bound, and packets to that address.
func Deafen(fd int, f event.Family) error {
	if err := Attach(fd, []unix.SockFilter{Drop}); err != nil {
		return err
	}
	if err := unix.Bind(fd, nowhere(f)); err != nil {
		return fmt.Errorf("bind a raw socket to an unused address: %w", err)
	}
	if f == event.IPv6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0); err != nil {
			return fmt.Errorf("set IPV6_MULTICAST_ALL of a raw socket: %w", err)
		}
	}
	return nil
}

// nowhere returns an address to which any socket may be bound, and which no station has.
func nowhere(f event.Family) unix.Sockaddr {
	if f == event.IPv6 {
		return &unix.SockaddrInet6{Addr: [16]byte{0: 0xff, 1: 0x0e}} // the reserved group of global scope
	}
	return &unix.SockaddrInet4{Addr: [4]byte{255, 255, 255, 255}}
}

// Drop ends a filter: nothing of the packet is kept.
var Drop = unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}

// HTONS returns a number in network byte order.
func HTONS(v uint16) uint16 { return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v)) }
