package send

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/mmsg"
	"ripcord/pkg/rawsock"
	"ripcord/pkg/wire"
)

// An Active whose source address was removed must still resign, from that very address: by it the
// Backups identify the sender of the priority 0. The kernel refuses a source that is not on the
// host, so such a resignation is sent through other sockets: to the multicast group through a
// packet socket, with an IP header of our own; to a peer through a raw socket that may use
// foreign addresses, or, if the route to the peer was removed with the address, through the
// packet socket as a broadcast frame: only the station with the destination address accepts it.

// departed sends resignations whose source was removed. Its sockets are open from the start, in
// case descriptors run out later.
type departed struct {
	frames    int // a packet socket; the kernel writes the link's own header
	four, six int // raw sockets; -1 if the host lacks the family
}

func openDeparted() (*departed, error) {
	d := &departed{-1, -1, -1}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket (needs CAP_NET_RAW): %w", err)
	}
	mmsg.Linger(fd)
	d.frames = fd
	options4 := append(sendOptions(event.IPv4), rawsock.Int(unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1, "IP_TRANSPARENT"))
	options6 := append(sendOptions(event.IPv6), rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT, 1, "IPV6_TRANSPARENT"))
	d.four, d.six = openTransparent(event.IPv4, options4), openTransparent(event.IPv6, options6)
	return d, nil
}

// openTransparent opens a raw socket that may send from any address; -1 if that is not possible:
// then the resignation to a peer fails.
func openTransparent(f event.Family, options []rawsock.Option) int {
	fd, err := rawsock.Open(f, options)
	if err != nil {
		return -1
	}
	if err := rawsock.Deafen(fd, f); err != nil {
		_ = unix.Close(fd)
		return -1
	}
	return fd
}

// send sends the resignations of a batch that were refused because of their source.
func (d *departed) send(batch []advert.Message) {
	for i := range batch {
		m := &batch[i]
		if m.Occasion != advert.Resignation || m.Err == nil || !lacksSource(m.Err) {
			continue
		}
		if err := d.resign(m); err != nil {
			m.Err = fmt.Errorf("%w; and it could not be sent from the removed address %v either: %w", m.Err, m.Source, err)
		} else {
			m.Err = nil
		}
	}
}

// lacksSource reports whether the kernel refused a message because its source is not on the host,
// or because the link has lost every route for it.
func lacksSource(err error) bool {
	for _, errno := range [...]unix.Errno{unix.EINVAL, unix.EADDRNOTAVAIL, unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EACCES} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func (d *departed) resign(m *advert.Message) error {
	if !m.Source.IsValid() || len(m.Payload) == 0 {
		return errors.New("it has no source or no content")
	}
	switch {
	case m.To.IsMulticast():
		return d.sendFrame(m, wire.GroupMAC(m.To))
	case d.sendToPeer(m) == nil:
		return nil
	}
	return d.sendFrame(m, [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
}

// sendFrame sends through the packet socket.
func (d *departed) sendFrame(m *advert.Message, mac [6]byte) error {
	protocol := unix.ETH_P_IP
	if m.Source.Is6() {
		protocol = unix.ETH_P_IPV6
	}
	to := &unix.SockaddrLinklayer{Ifindex: m.Index, Halen: uint8(len(mac)), Protocol: rawsock.HTONS(uint16(protocol))}
	copy(to.Addr[:], mac[:])
	return unix.Sendto(d.frames, append(wire.AppendIP(nil, m.Source, m.To, m.HopLimit, len(m.Payload)), m.Payload...), unix.MSG_DONTWAIT, to)
}

// sendToPeer sends through a raw socket.
func (d *departed) sendToPeer(m *advert.Message) error {
	if m.Source.Is4() {
		info := &unix.Inet4Pktinfo{Ifindex: int32(m.Index), Spec_dst: m.Source.As4()}
		return sendForeign(d.four, m, &unix.SockaddrInet4{Addr: m.To.As4()}, unix.PktInfo4(info))
	}
	info := &unix.Inet6Pktinfo{Ifindex: uint32(m.Index), Addr: m.Source.As16()}
	return sendForeign(d.six, m, &unix.SockaddrInet6{Addr: m.To.As16(), ZoneId: uint32(m.Index)}, unix.PktInfo6(info))
}

func sendForeign(fd int, m *advert.Message, to unix.Sockaddr, control []byte) error {
	level, ttl := unix.IPPROTO_IP, unix.IP_TTL
	if m.To.Is6() {
		level, ttl = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
	}
	if fd < 0 {
		return errors.New("no socket can send from it")
	}
	if err := unix.SetsockoptInt(fd, level, ttl, int(m.HopLimit)); err != nil {
		return fmt.Errorf("set its hop limit to %d: %w", m.HopLimit, err)
	}
	return unix.Sendmsg(fd, m.Payload, control, to, unix.MSG_DONTWAIT)
}

// open returns the open descriptors.
func (d *departed) open() (fds []int) {
	for _, fd := range [...]int{d.frames, d.four, d.six} {
		if fd >= 0 {
			fds = append(fds, fd)
		}
	}
	return fds
}
