package advert

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// port is the receive socket of one family on one interface.
type port struct {
	link string
	mesh
	index  int
	fd     int
	errors int // in a row
	flood  flood
	tally  *tally // while the flood lasts, and the kernel lets us count
	taken  uint64 // packets read; while the flood lasts, of those not yet matched with the tally
}

// receiveBuffer is room for the bursts of a link with many instances, floodBuffer
// for what a filter cannot tell to be worthless.
const (
	receiveBuffer = 1 << 20
	floodBuffer   = 8 << 20
)

// openPort opens a socket that hears adverts on the interface, whether that is
// up or not, and nothing else.
func openPort(link string, index int, m mesh) (*port, error) {
	f := m.family
	fd, err := openRaw(f, receiveOptions(f, index))
	if err != nil {
		return nil, err
	}
	if err := attach(fd, m.program(false)); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	enlarge(fd, receiveBuffer)
	discard(fd)
	if err := join(fd, index, f); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("join %v on %s: %w", wire.GroupOf(f), link, err)
	}
	return &port{link: link, mesh: m, index: index, fd: fd}, nil
}

func receiveOptions(f event.Family, index int) []option {
	both := []option{
		{unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, index, "SO_BINDTOIFINDEX"},
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1, "SO_TIMESTAMPNS"},
	}
	if f == event.IPv4 {
		// Else it would hear groups that any socket of the host has joined. Source,
		// destination and TTL stand in the IP header that it delivers.
		return append(both, option{unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0, "IP_MULTICAST_ALL"})
	}
	return append(both,
		option{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0, "IPV6_MULTICAST_ALL"},
		option{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO"},
		option{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1, "IPV6_RECVHOPLIMIT"},
		// The kernel would drop a wrong checksum uncounted.
		option{unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM, -1, "IPV6_CHECKSUM"},
	)
}

// enlarge gives a socket a buffer. What the limit of the host allows is better
// than nothing.
func enlarge(fd, size int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
	}
}

// discard empties the queue, and counts what was in it: until the socket was
// bound to its interface, it took in what came over the others.
func discard(fd int) (n int) {
	var b [1]byte
	for {
		_, _, err := unix.Recvfrom(fd, b[:], unix.MSG_DONTWAIT)
		switch {
		case err == nil:
			n++
		case !errors.Is(err, unix.EINTR):
			return n
		}
	}
}

func join(fd, index int, f event.Family) error {
	if f == event.IPv4 {
		return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
			&unix.IPMreqn{Multiaddr: wire.Group4.As4(), Ifindex: int32(index)})
	}
	return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
		&unix.IPv6Mreq{Multiaddr: wire.Group6.As16(), Interface: uint32(index)})
}

func (p *port) close() error {
	if p.tally != nil {
		p.tally.close()
	}
	return unix.Close(p.fd)
}

// shield lets the kernel drop what cannot be an advert for an instance of the
// port. What cannot be had of it is done without.
func (p *port) shield() {
	enlarge(p.fd, floodBuffer)
	p.tally, _ = openTally(p.family, p.index)
	p.taken = 0
	if attach(p.fd, p.program(true)) != nil && p.tally != nil {
		p.tally.close()
		p.tally = nil
	}
}

// dropped is how much has arrived since the last call and was not to be read: the
// filter has dropped it, or the buffer was full. drain reads what is queued; what
// comes while it does is set off against the next count.
func (p *port) dropped(drain func()) uint64 {
	if p.tally == nil {
		return 0
	}
	arrived := p.tally.take()
	drain()
	read := min(p.taken, arrived)
	p.taken -= read
	return arrived - read
}

// unshield opens the filter again.
func (p *port) unshield() {
	if attach(p.fd, p.program(false)) != nil {
		return // it stays, and drops only what is worthless
	}
	if p.tally != nil {
		p.tally.close()
		p.tally = nil
	}
	enlarge(p.fd, receiveBuffer)
}

// One call reads at most burst packets of up to packetLen bytes: the longest
// IPv6 advert has 4088.
const (
	burst     = 32
	packetLen = 4352
)

// receipt is what recvmmsg fills, for one port at a time.
type receipt struct {
	msgs    [burst]mmsghdr
	iovs    [burst]unix.Iovec
	names   [burst]unix.RawSockaddrInet6 // the larger of the two
	control [burst][16]uint64
	data    [burst][packetLen]byte
}

func newReceipt() *receipt {
	r := &receipt{}
	for i := range r.msgs {
		r.iovs[i].Base = &r.data[i][0]
		r.iovs[i].SetLen(packetLen)
		h := &r.msgs[i].hdr
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
		h.Control = (*byte)(unsafe.Pointer(&r.control[i][0]))
	}
	return r
}

// read takes what is queued, up to burst packets; fewer mean that no more are.
func (r *receipt) read(p *port) (int, error) {
	for i := range r.msgs {
		h := &r.msgs[i].hdr
		h.Namelen, h.Flags = unix.SizeofSockaddrInet6, 0
		h.SetControllen(int(unsafe.Sizeof(r.control[i])))
	}
	n, errno := mmsg(unix.SYS_RECVMMSG, p.fd, r.msgs[:])
	switch {
	case errno == unix.EAGAIN:
		return 0, nil
	case errno != 0:
		p.errors++
		return 0, fmt.Errorf("receive %v adverts on %s: %w", p.family, p.link, errno)
	}
	p.errors = 0
	p.taken += uint64(n)
	return n, nil
}

// packet describes the i-th packet read from p at the instant now.
func (r *receipt) packet(i int, p *port, now time.Time) Packet {
	m := &r.msgs[i]
	out := Packet{
		Interface: p.link, Family: p.family, At: now,
		Data:      r.data[i][:min(int(m.len), packetLen)],
		Truncated: m.hdr.Flags&unix.MSG_TRUNC != 0,
	}
	if p.family == event.IPv6 {
		out.Path.Source = netip.AddrFrom16(r.names[i].Addr)
	}
	control := unsafe.Slice((*byte)(unsafe.Pointer(&r.control[i][0])), int(m.hdr.Controllen))
	for len(control) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		size := int(h.Len)
		if size < unix.CmsgLen(0) || size > len(control) {
			break
		}
		describe(&out, h, control[unix.CmsgLen(0):size], now)
		control = control[min(unix.CmsgSpace(size-unix.CmsgLen(0)), len(control)):]
	}
	return out
}

// describe takes what one control message says.
func describe(p *Packet, h *unix.Cmsghdr, data []byte, now time.Time) {
	switch {
	case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
		stamp := (*unix.Timespec)(unsafe.Pointer(&data[0]))
		p.At = received(now, time.Unix(stamp.Unix()))
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		p.Path.Dest = netip.AddrFrom16([16]byte(data[:16]))
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
		p.Path.HopLimit = int(*(*int32)(unsafe.Pointer(&data[0])))
	}
}

// poller waits for packets on many ports, or for its alarm.
type poller struct {
	*alarm
	epoll  int
	events [64]unix.EpollEvent
}

func openPoller() (*poller, error) {
	a, err := openAlarm()
	if err != nil {
		return nil, err
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		_ = a.close()
		return nil, fmt.Errorf("make an epoll: %w", err)
	}
	p := &poller{alarm: a, epoll: fd}
	if err := p.watch(a.fd); err != nil {
		_ = p.close()
		return nil, err
	}
	return p, nil
}

// watch adds a descriptor; closing it takes it out again.
func (p *poller) watch(fd int) error {
	err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	if err != nil {
		return fmt.Errorf("add a socket to an epoll: %w", err)
	}
	return nil
}

// wait sleeps until something is to be read, the alarm rings, or the timeout is
// over (none where it is negative); it yields each descriptor to be read.
func (p *poller) wait(timeout time.Duration, yield func(fd int)) error {
	ms := -1
	if timeout >= 0 {
		ms = int(min((timeout+time.Millisecond-1)/time.Millisecond, time.Hour/time.Millisecond))
	}
	n, err := unix.EpollWait(p.epoll, p.events[:], ms)
	p.reset()
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("wait for adverts: %w", err)
	}
	for _, e := range p.events[:n] {
		if int(e.Fd) != p.fd {
			yield(int(e.Fd))
		}
	}
	return nil
}

func (p *poller) close() error { return errors.Join(unix.Close(p.epoll), p.alarm.close()) }
