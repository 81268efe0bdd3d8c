package advert

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/mmsg"
	"ripcord/pkg/wire"
)

// slots is how many messages one system call takes at most.
const slots = 128

// channel is the socket of one family, or of what bears its own headers, with
// all that sendmmsg points to.
type channel struct {
	family event.Family // 0: of what bears its own headers
	fd     int
	broken error // why there is no socket

	msgs    [slots]mmsg.Message
	iovs    [slots][2]unix.Iovec // the headers, if any, and the message
	names4  [slots]unix.RawSockaddrInet4
	names6  [slots]unix.RawSockaddrInet6
	links   [slots]unix.RawSockaddrLinklayer
	control [slots][controlLen / 8]uint64 // aligned as control messages must be
	of      [slots]*Message               // what each slot carries
	used    int
}

// controlLen is room for a control message with an in6_pktinfo and one with a hop
// limit.
const controlLen = 72

func openChannel(f event.Family) (*channel, error) {
	c := &channel{family: f, fd: -1}
	fd, err := openRaw(f, sendOptions(f))
	if errors.Is(err, unix.EAFNOSUPPORT) {
		c.broken = err
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	if err := dropAll(fd); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	c.fd = fd
	for i := range c.msgs {
		c.prepare(i)
	}
	return c, nil
}

func sendOptions(f event.Family) []option {
	prio := option{unix.SOL_SOCKET, unix.SO_PRIORITY, priority, "SO_PRIORITY"}
	if f == event.IPv4 {
		return []option{
			{unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, wire.HopLimit, "IP_MULTICAST_TTL"},
			{unix.IPPROTO_IP, unix.IP_TTL, wire.HopLimit, "IP_TTL"},
			{unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0, "IP_MULTICAST_LOOP"},
			{unix.IPPROTO_IP, unix.IP_TOS, trafficClass, "IP_TOS"},
			prio, // after IP_TOS, which sets it as well
		}
	}
	return []option{
		{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, wire.HopLimit, "IPV6_MULTICAST_HOPS"},
		{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, wire.HopLimit, "IPV6_UNICAST_HOPS"},
		{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0, "IPV6_MULTICAST_LOOP"},
		{unix.IPPROTO_IPV6, unix.IPV6_TCLASS, trafficClass, "IPV6_TCLASS"},
		{unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM, -1, "IPV6_CHECKSUM"},
		prio,
	}
}

// prepare fills in what is the same for every message of a slot.
func (c *channel) prepare(i int) {
	h := &c.msgs[i].Header
	if c.family == 0 {
		c.prepareVirtual(i)
		return
	}
	h.Iov = &c.iovs[i][1]
	h.SetIovlen(1)
	h.Control = (*byte)(unsafe.Pointer(&c.control[i][0]))
	if c.family == event.IPv4 {
		c.names4[i].Family = unix.AF_INET
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&c.names4[i])), unix.SizeofSockaddrInet4
		return
	}
	c.names6[i].Family = unix.AF_INET6
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&c.names6[i])), unix.SizeofSockaddrInet6
}

// carries says whether a message is the channel's to send.
func (c *channel) carries(m *Message) bool {
	if len(m.Header) > 0 {
		return c.family == 0
	}
	return event.FamilyOf(m.Source) == c.family
}

// send sends those messages of the batch that are the channel's.
func (c *channel) send(batch []Message) {
	for i := range batch {
		if !c.carries(&batch[i]) {
			continue
		}
		if c.load(&batch[i]); c.used == slots {
			c.flush()
		}
	}
	c.flush()
}

// load puts a message into the next slot.
func (c *channel) load(m *Message) {
	m.Err = nil
	if c.broken != nil || len(m.Payload) == 0 || !m.Source.IsValid() || c.family != 0 && event.FamilyOf(m.To) != c.family {
		m.Err = c.unsendable(m)
		return
	}
	i := c.used
	c.used++
	c.of[i] = m
	c.iovs[i][1].Base = &m.Payload[0]
	c.iovs[i][1].SetLen(len(m.Payload))
	h := &c.msgs[i].Header
	if c.family == 0 {
		c.address(i, m)
		return
	}
	hops := 0 // the socket's own
	if m.HopLimit != wire.HopLimit {
		hops = int(m.HopLimit)
	}
	if c.family == event.IPv4 {
		c.names4[i].Addr = m.To.As4()
		var info [unix.SizeofInet4Pktinfo]byte // struct in_pktinfo: index, source, destination
		binary.NativeEndian.PutUint32(info[0:], uint32(m.Index))
		source := m.Source.As4()
		copy(info[4:], source[:])
		c.describe(h, unix.IPPROTO_IP, unix.IP_PKTINFO, info[:], unix.IP_TTL, hops)
		return
	}
	c.names6[i].Addr = m.To.As16()
	var info [unix.SizeofInet6Pktinfo]byte // struct in6_pktinfo: source, index
	source := m.Source.As16()
	copy(info[0:], source[:])
	binary.NativeEndian.PutUint32(info[16:], uint32(m.Index))
	c.describe(h, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, info[:], unix.IPV6_HOPLIMIT, hops)
	c.names6[i].Scope_id = uint32(m.Index)
}

// describe writes the control messages of a slot: where from, and how many hops
// it may take, unless that is 0.
func (c *channel) describe(h *unix.Msghdr, level, kind int, info []byte, limit, hops int) {
	length := putCmsg(h.Control, level, kind, info)
	if hops != 0 {
		var value [4]byte
		binary.NativeEndian.PutUint32(value[:], uint32(hops))
		at := unix.CmsgSpace(len(info))
		length = at + putCmsg((*byte)(unsafe.Add(unsafe.Pointer(h.Control), at)), level, limit, value[:])
	}
	h.SetControllen(length)
}

func (c *channel) unsendable(m *Message) error {
	if c.broken != nil {
		return c.broken
	}
	return fmt.Errorf("an advert of %d bytes from %v to %v cannot be sent", len(m.Payload), m.Source, m.To)
}

// flush sends what is in the slots.
func (c *channel) flush() {
	mmsg.SendEach(c.fd, c.msgs[:c.used], func(i int, errno unix.Errno) {
		m := c.of[i]
		m.Err = fmt.Errorf("send from %v to %v on ifindex %d: %w%s", m.Source, m.To, m.Index, errno, hint(errno))
	})
	for i := range c.used { // keep no frame alive
		c.of[i], c.iovs[i][0].Base, c.iovs[i][1].Base = nil, nil, nil
	}
	c.used = 0
}

// hint says what usually is behind an error, and what to do.
func hint(errno unix.Errno) string {
	switch errno {
	case unix.EPERM:
		return ": a firewall rule forbids it; allow IP protocol 112 to leave"
	case unix.EINVAL, unix.EADDRNOTAVAIL:
		return ": the source address is not on this host, or still tentative"
	case unix.ENOBUFS, unix.EAGAIN:
		return ": the transmit queue is full"
	case unix.ENETDOWN:
		return ": the link is down"
	case unix.ENETUNREACH:
		return ": the source address is not on this host, or the link is down"
	case unix.ENODEV, unix.ENXIO:
		return ": the interface is gone"
	}
	return ""
}

func (c *channel) close() error {
	if c.fd < 0 {
		return nil
	}
	return unix.Close(c.fd)
}
