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

// An Active whose source address is gone has to resign all the same, from that very address:
// by it the Backups know whose priority 0 it is. The kernel refuses a source that is not on
// the host, so such a resignation leaves through other sockets: to the group through a packet
// socket, behind an IP header of our own; to a peer by a raw socket that may bear foreign
// addresses, or, where the route to it went with the address, by the packet socket to all on
// the link: only who has the address takes it.

// departed sends resignations whose source has gone. Its sockets are open from the start, in
// case descriptors run out.
type departed struct {
	frames    int // a packet socket; the kernel writes the link's own header
	four, six int // raw sockets; -1 where the host lacks the family
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

// openTransparent opens a raw socket that sends from any address; -1 where that cannot be
// had: the resignation to a peer then fails, as it did.
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

// send sends the resignations of a batch that were refused for their source.
func (d *departed) send(batch []advert.Message) {
	for i := range batch {
		m := &batch[i]
		if m.Occasion != advert.Resignation || m.Err == nil || !lacksSource(m.Err) {
			continue
		}
		if err := d.resign(m); err != nil {
			m.Err = fmt.Errorf("%w; nor could it leave from %v though that is gone: %w", m.Err, m.Source, err)
		} else {
			m.Err = nil
		}
	}
}

// lacksSource reports whether the kernel refused a message since its source is not on
// the host, or the link has lost all that it could be routed by.
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
		return errors.New("it has no source, or says nothing")
	}
	switch {
	case m.To.IsMulticast():
		return d.sendFrame(m, wire.GroupMAC(m.To))
	case d.sendToPeer(m) == nil:
		return nil
	}
	return d.sendFrame(m, [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
}

// sendFrame sends by the packet socket.
func (d *departed) sendFrame(m *advert.Message, mac [6]byte) error {
	protocol := unix.ETH_P_IP
	if m.Source.Is6() {
		protocol = unix.ETH_P_IPV6
	}
	to := &unix.SockaddrLinklayer{Ifindex: m.Index, Halen: uint8(len(mac)), Protocol: rawsock.HTONS(uint16(protocol))}
	copy(to.Addr[:], mac[:])
	return unix.Sendto(d.frames, append(wire.AppendIP(nil, m.Source, m.To, m.HopLimit, len(m.Payload)), m.Payload...), unix.MSG_DONTWAIT, to)
}

// sendToPeer sends by a raw socket.
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
		return errors.New("no socket may send from it")
	}
	if err := unix.SetsockoptInt(fd, level, ttl, int(m.HopLimit)); err != nil {
		return fmt.Errorf("set its hop limit to %d: %w", m.HopLimit, err)
	}
	return unix.Sendmsg(fd, m.Payload, control, to, unix.MSG_DONTWAIT)
}

// open returns the descriptors that are open.
func (d *departed) open() (fds []int) {
	for _, fd := range [...]int{d.frames, d.four, d.six} {
		if fd >= 0 {
			fds = append(fds, fd)
		}
	}
	return fds
}
