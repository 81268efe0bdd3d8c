package track

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
	"ripcord/pkg/wire"
)

func (c Ping) open(_ *machine, s *Spec) prober {
	timeout := s.EffectiveTimeout()
	return &timed{timeout, func(ctx context.Context) (string, error) { return "", c.ask(ctx, timeout) }}
}

// question is the question of a ping and the test for its answer.
type question struct {
	fd   int
	send func(fd int) error
	// isAnswer examines a message. The hop limit is −1 if the kernel gives none.
	isAnswer func(message []byte, from unix.Sockaddr, hopLimit int) bool
}

// ask asks until there is an answer, or until ctx is done.
func (c Ping) ask(ctx context.Context, timeout time.Duration) error {
	var link rtnl.Link
	if c.Interface != "" {
		var err error
		if link, err = linkByName(c.Interface); err != nil {
			return err
		}
	}
	var q question
	var err error
	switch {
	case c.Method == ICMP && c.Address.Is4():
		q, err = c.echo4()
	case c.Method == ICMP:
		q, err = c.echo6(link)
	case c.Address.Is4():
		q, err = c.arp(link)
	default:
		q, err = c.solicitation(link)
	}
	if err != nil {
		if q.fd > 0 {
			_ = unix.Close(q.fd)
		}
		return err
	}
	return q.ask(ctx, min(timeout/pingQuestions, pingEvery))
}

// linkByName returns an interface, which must be up.
func linkByName(name string) (rtnl.Link, error) {
	conn, err := rtnl.Dial(rtnl.Config{})
	if err != nil {
		return rtnl.Link{}, err
	}
	defer func() { _ = conn.Close() }()
	link, err := conn.LinkByName(name)
	switch {
	case errors.Is(err, unix.ENODEV):
		return link, fmt.Errorf("there is no interface %s", name)
	case err != nil:
		return link, err
	case !link.Up():
		return link, fmt.Errorf("interface %s is down: ip link set %s up", name, name)
	}
	return link, nil
}

// ask sends the question periodically and waits for the answer. It closes the socket.
func (q *question) ask(ctx context.Context, every time.Duration) error {
	file := os.NewFile(uintptr(q.fd), "ping")
	defer func() { _ = file.Close() }()
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Unix(1, 0)) })()
	var last error // of sending, or reported by the network
	for next := time.Now(); ctx.Err() == nil; {
		if !time.Now().Before(next) {
			next = time.Now().Add(every)
			_ = file.SetReadDeadline(next)
			if err := q.send(q.fd); err != nil {
				last = err
			}
		}
		answered, err := q.receive(raw)
		if answered {
			return nil
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			last = err
		}
	}
	if last != nil {
		return last
	}
	return ctx.Err()
}

// receive waits for a message until the read deadline.
func (q *question) receive(raw syscall.RawConn) (answered bool, err error) {
	var message [1500]byte
	var control [64]byte
	var n, nc int
	var from unix.Sockaddr
	failed := raw.Read(func(fd uintptr) bool {
		n, nc, _, from, err = unix.Recvmsg(int(fd), message[:], control[:], 0)
		return err != unix.EAGAIN && err != unix.EINTR
	})
	if failed != nil {
		return false, failed
	}
	if err != nil {
		return false, os.NewSyscallError("recvmsg", err)
	}
	return q.isAnswer(message[:n], from, hopLimit(control[:nc])), nil
}

// hopLimit returns the hop limit of a message over IPv6, or −1.
func hopLimit(control []byte) int {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return -1
	}
	for _, m := range messages {
		if m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_HOPLIMIT && len(m.Data) >= 4 {
			return int(binary.NativeEndian.Uint32(m.Data))
		}
	}
	return -1
}

// rawSocket opens a non-blocking socket, bound to the interface if there is one.
func (c Ping) rawSocket(family, kind, protocol int) (int, error) {
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return -1, fmt.Errorf("opening a raw socket (needs CAP_NET_RAW): %w", err)
	}
	if c.Interface != "" && family != unix.AF_PACKET {
		if err := unix.BindToDevice(fd, c.Interface); err != nil {
			_ = unix.Close(fd)
			return -1, fmt.Errorf("interface %s: %w", c.Interface, err)
		}
	}
	return fd, nil
}

// These are echo messages (RFC 792, RFC 4443 §4): type, code, checksum, identifier, sequence
// number, and here 16 random bytes that identify the answer.
const (
	echoReply4   = 0
	echoRequest4 = 8
	echoRequest6 = 128
	echoReply6   = 129
	echoLen      = 8
	nonceLen     = 16
)

// echo returns an echo request. Its checksum is that of ICMP for IPv4; for IPv6 the kernel writes
// it.
func echo(kind byte) (request []byte) {
	request = make([]byte, echoLen+nonceLen)
	request[0] = kind
	_, _ = rand.Read(request[4:6]) // cannot fail
	_, _ = rand.Read(request[echoLen:])
	var sum uint32
	for i := 0; i < len(request); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(request[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(request[2:], ^uint16(sum))
	return request
}

// answers reports whether a message is the reply to an echo request.
func answers(message, request []byte, kind byte) bool {
	return len(message) >= len(request) && message[0] == kind &&
		bytes.Equal(message[4:len(request)], request[4:])
}

func (c Ping) echo4() (q question, err error) {
	if q.fd, err = c.rawSocket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP); err != nil {
		return question{}, err
	}
	// Only echo replies from this station are accepted: every raw socket gets all ICMP otherwise.
	const rawLevel = 255 // SOL_RAW
	others := ^(uint32(1) << echoReply4)
	if err := unix.SetsockoptInt(q.fd, rawLevel, unix.ICMP_FILTER, int(others)); err != nil {
		return q, fmt.Errorf("ICMP_FILTER: %w", err)
	}
	if err := unix.Connect(q.fd, &unix.SockaddrInet4{Addr: c.Address.As4()}); err != nil {
		return q, c.unreachable(err)
	}
	request := echo(echoRequest4)
	q.send = func(fd int) error { return c.unreachable(unix.Send(fd, request, 0)) }
	q.isAnswer = func(packet []byte, _ unix.Sockaddr, _ int) bool {
		if len(packet) == 0 {
			return false
		}
		header := int(packet[0]&0xf) * 4
		return len(packet) > header && answers(packet[header:], request, echoReply4)
	}
	return q, nil
}

func (c Ping) echo6(link rtnl.Link) (q question, err error) {
	if q.fd, err = c.rawSocket(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6); err != nil {
		return question{}, err
	}
	if err := acceptOnly(q.fd, echoReply6); err != nil {
		return q, err
	}
	if err := unix.Connect(q.fd, &unix.SockaddrInet6{Addr: c.Address.As16(), ZoneId: uint32(link.Index)}); err != nil {
		return q, c.unreachable(err)
	}
	request := echo(echoRequest6)
	q.send = func(fd int) error { return c.unreachable(unix.Send(fd, request, 0)) }
	q.isAnswer = func(message []byte, _ unix.Sockaddr, _ int) bool { return answers(message, request, echoReply6) }
	return q, nil
}

// acceptOnly makes an ICMPv6 socket receive messages of only one type.
func acceptOnly(fd int, kind byte) error {
	var filter unix.ICMPv6Filter
	for i := range filter.Data {
		filter.Data[i] = ^uint32(0)
	}
	filter.Data[kind>>5] &^= 1 << (kind & 31)
	if err := unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &filter); err != nil {
		return fmt.Errorf("ICMPV6_FILTER: %w", err)
	}
	return nil
}

// unreachable adds the address to an error of the network.
func (c Ping) unreachable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%v cannot be asked: %w", c.Address, err)
}

// arp asks with ARP (RFC 826), from the address that the machine would use.
func (c Ping) arp(link rtnl.Link) (q question, err error) {
	if link.MAC == ([6]byte{}) {
		return q, fmt.Errorf("interface %s has no MAC: ARP needs one like Ethernet", c.Interface)
	}
	if q.fd, err = c.rawSocket(unix.AF_PACKET, unix.SOCK_RAW, 0); err != nil {
		return question{}, err
	}
	protocol := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ARP))
	to := &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: link.Index}
	if err := unix.Bind(q.fd, to); err != nil {
		return q, fmt.Errorf("interface %s: %w", c.Interface, err)
	}
	request := wire.AppendARPRequest(nil, link.MAC, c.source(), c.Address)
	q.send = func(fd int) error { return c.unreachable(unix.Sendto(fd, request, 0, to)) }
	q.isAnswer = func(frame []byte, _ unix.Sockaddr, _ int) bool {
		_, ip, ok := wire.ParseARPReply(frame)
		return ok && ip == c.Address
	}
	return q, nil
}

// source returns the IPv4 address that the machine would use for traffic to the station on the
// interface; unspecified if there is none, which makes the question a probe (RFC 5227).
func (c Ping) source() netip.Addr {
	none := netip.IPv4Unspecified()
	fd, err := c.rawSocket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return none
	}
	defer func() { _ = unix.Close(fd) }()
	const discard = 9 // the port; nothing is sent
	if unix.Connect(fd, &unix.SockaddrInet4{Addr: c.Address.As4(), Port: discard}) != nil {
		return none
	}
	own, err := unix.Getsockname(fd)
	if err != nil {
		return none
	}
	return netip.AddrFrom4(own.(*unix.SockaddrInet4).Addr)
}

// solicitation asks with neighbor discovery (RFC 4861 §7.2.2), from the address that the kernel
// chooses.
func (c Ping) solicitation(link rtnl.Link) (q question, err error) {
	if link.MAC == ([6]byte{}) {
		return q, fmt.Errorf("interface %s has no MAC: neighbor discovery needs one like Ethernet", c.Interface)
	}
	if q.fd, err = c.rawSocket(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6); err != nil {
		return question{}, err
	}
	const neighborAdvert = 136
	if err := acceptOnly(q.fd, neighborAdvert); err != nil {
		return q, err
	}
	for option, value := range map[int]int{unix.IPV6_MULTICAST_HOPS: wire.HopLimit, unix.IPV6_RECVHOPLIMIT: 1} {
		if err := unix.SetsockoptInt(q.fd, unix.IPPROTO_IPV6, option, value); err != nil {
			return q, fmt.Errorf("IPv6 socket option %d: %w", option, err)
		}
	}
	// The kernel writes the IPv6 header and the checksum.
	const headers = 14 + 40
	request := wire.AppendNS(nil, link.MAC, c.Address, c.Address)[headers:]
	to := &unix.SockaddrInet6{Addr: wire.SolicitedNode(c.Address).As16(), ZoneId: uint32(link.Index)}
	q.send = func(fd int) error { return c.unreachable(unix.Sendto(fd, request, 0, to)) }
	q.isAnswer = func(message []byte, from unix.Sockaddr, hops int) bool {
		sender, ok := from.(*unix.SockaddrInet6)
		if !ok {
			return false
		}
		ip, advert, ok := wire.ParseNDMessage(message, netip.AddrFrom16(sender.Addr), hops)
		return ok && advert && ip == c.Address
	}
	return q, nil
}
