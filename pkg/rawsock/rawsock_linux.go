// Package rawsock opens raw sockets of IP protocol 112, sets their options and filters, joins
// the groups of adverts, and writes control messages.
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

// Open opens a raw socket of protocol 112 with options.
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

// Domain returns the address family of the sockets of a family.
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

// PutControl writes one control message with its data to b, which is aligned and
// has room, and returns its length without padding, as msg_controllen wants it.
func PutControl(b *byte, level, kind int, data []byte) int {
	h := (*unix.Cmsghdr)(unsafe.Pointer(b))
	h.Level, h.Type = int32(level), int32(kind)
	h.SetLen(unix.CmsgLen(len(data)))
	copy(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(b), unix.CmsgLen(0))), len(data)), data)
	return unix.CmsgLen(len(data))
}

// Attach gives a socket its filter, instead of the one that it has.
func Attach(fd int, program []unix.SockFilter) error {
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil {
		return fmt.Errorf("attach a filter to a raw socket: %w", err)
	}
	return nil
}

// AttachProgram gives a socket an eBPF program as its filter, instead of the one that it has.
func AttachProgram(fd, program int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, program); err != nil {
		return fmt.Errorf("attach an eBPF filter to a raw socket: %w", err)
	}
	return nil
}

// Deafen makes a socket that only sends queue nothing that arrives. The kernel offers a packet
// of the protocol to each raw socket that it could be for, and a filter is run on a copy, which
// costs as much as a tenth of what the advert itself does: so the socket is bound to an address
// that no packet of the protocol is sent to; over IPv6 the kernel minds that for unicast alone,
// and needs an option more. What it sends does not bear that address. The filter drops what
// comes before it is bound, and what somebody sends to that address.
func Deafen(fd int, f event.Family) error {
	if err := Attach(fd, []unix.SockFilter{Drop}); err != nil {
		return err
	}
	if err := unix.Bind(fd, nowhere(f)); err != nil {
		return fmt.Errorf("bind a raw socket to an address that nothing is sent to: %w", err)
	}
	if f == event.IPv6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0); err != nil {
			return fmt.Errorf("set IPV6_MULTICAST_ALL of a raw socket: %w", err)
		}
	}
	return nil
}

// nowhere returns an address to which any socket may be bound, as it is no station's.
func nowhere(f event.Family) unix.Sockaddr {
	if f == event.IPv6 {
		return &unix.SockaddrInet6{Addr: [16]byte{0: 0xff, 1: 0x0e}} // the reserved group of global scope
	}
	return &unix.SockaddrInet4{Addr: [4]byte{255, 255, 255, 255}}
}

// Drop ends a filter: nothing of the packet is kept.
var Drop = unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}

// HTONS returns a number in the order of bytes that it has in a frame.
func HTONS(v uint16) uint16 { return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v)) }
