package send

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/mmsg"
	"ripcord/pkg/rawsock"
	"ripcord/pkg/wire"
)

// slots is the maximum number of messages in one system call: one call sends a batch of the plan on
// one link.
const slots = advert.BatchSize

// channel sends the messages of one kind.
type channel struct {
	kind     kind
	shared   *outlet   // for links that have none of their own
	touched  []*outlet // outlets with messages to send
	*buffers           // nil before the first message: most daemons send messages of one kind
}

// buffers are the memory to which the arguments of sendmmsg point.
type buffers struct {
	msgs    [slots]mmsg.Message
	iovs    [slots][2]unix.Iovec // the headers, if any, and the message
	names4  [slots]unix.RawSockaddrInet4
	names6  [slots]unix.RawSockaddrInet6
	links   [slots]unix.RawSockaddrLinklayer
	control [slots][controlLen / 8]uint64 // aligned as control messages must be
	of      [slots]*advert.Message        // the message in each slot
	used    int
}

// These are the class and priority of VRRP packets.
const (
	trafficClass = wire.TrafficClass
	priority     = 6
)

// controlLen is the room for a control message with an in6_pktinfo and one with a hop limit.
const controlLen = 72

// allocate allocates the buffers.
func (c *channel) allocate() {
	c.buffers = new(buffers)
	for i := range c.msgs {
		c.prepare(i)
	}
}

// sendOptions returns the options of a raw socket. Without IP_RECVERR the kernel counts messages
// that a full queue drops as sent. With it the network's answers (ICMP) could be queued as well,
// for a socket that is not bound yet; they are never read, so the receive buffer is the smallest
// possible.
func sendOptions(f event.Family) []rawsock.Option {
	prio := rawsock.Int(unix.SOL_SOCKET, unix.SO_PRIORITY, priority, "SO_PRIORITY")
	if f == event.IPv4 {
		return []rawsock.Option{
			rawsock.Int(unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, wire.HopLimit, "IP_MULTICAST_TTL"),
			rawsock.Int(unix.IPPROTO_IP, unix.IP_TTL, wire.HopLimit, "IP_TTL"),
			rawsock.Int(unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0, "IP_MULTICAST_LOOP"),
			rawsock.Int(unix.IPPROTO_IP, unix.IP_TOS, trafficClass, "IP_TOS"),
			rawsock.Int(unix.IPPROTO_IP, unix.IP_RECVERR, 1, "IP_RECVERR"),
			rawsock.Int(unix.SOL_SOCKET, unix.SO_RCVBUF, 0, "SO_RCVBUF"),
			prio, // after IP_TOS, which sets it as well
		}
	}
	return []rawsock.Option{
		rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, wire.HopLimit, "IPV6_MULTICAST_HOPS"),
		rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, wire.HopLimit, "IPV6_UNICAST_HOPS"),
		rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0, "IPV6_MULTICAST_LOOP"),
		rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_TCLASS, trafficClass, "IPV6_TCLASS"),
		rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM, -1, "IPV6_CHECKSUM"),
		rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1, "IPV6_RECVERR"),
		rawsock.Int(unix.SOL_SOCKET, unix.SO_RCVBUF, 0, "SO_RCVBUF"),
		prio,
	}
}

// prepare fills in what is equal for all messages of a slot.
func (c *channel) prepare(i int) {
	h := &c.msgs[i].Header
	if c.kind == framed {
		c.prepareVirtual(i)
		return
	}
	h.Iov = &c.iovs[i][1]
	h.SetIovlen(1)
	h.Control = (*byte)(unsafe.Pointer(&c.control[i][0]))
	if c.kind == rawIPv4 {
		c.names4[i].Family = unix.AF_INET
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&c.names4[i])), unix.SizeofSockaddrInet4
		return
	}
	c.names6[i].Family = unix.AF_INET6
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&c.names6[i])), unix.SizeofSockaddrInet6
}

// accepts reports whether a message can be sent at all; if not, it sets its Err.
func (c *channel) accepts(m *advert.Message) bool {
	m.Err = nil
	if c.shared.broken != nil {
		m.Err = c.shared.broken
	} else if len(m.Payload) == 0 || !m.Source.IsValid() || c.kind != framed && event.FamilyOf(m.To) != c.kind.family() {
		m.Err = fmt.Errorf("an advert of %d bytes from %v to %v cannot be sent", len(m.Payload), m.Source, m.To)
	}
	return m.Err == nil
}

// queue adds a message to the next send of an outlet.
func (c *channel) queue(o *outlet, m *advert.Message) {
	if len(o.queued) == 0 {
		c.touched = append(c.touched, o)
	}
	o.queued = append(o.queued, m)
}

// send sends the queued messages, outlet by outlet.
func (c *channel) send() {
	for _, o := range c.touched {
		for _, m := range o.queued {
			if c.load(m); c.used == slots {
				c.flush(o)
			}
		}
		c.flush(o)
		clear(o.queued) // releases the frames
		o.queued = o.queued[:0]
	}
	clear(c.touched)
	c.touched = c.touched[:0]
}

// load puts a message into the next slot.
func (c *channel) load(m *advert.Message) {
	if c.buffers == nil {
		c.allocate()
	}
	i := c.used
	c.used++
	c.of[i] = m
	c.iovs[i][1].Base = &m.Payload[0]
	c.iovs[i][1].SetLen(len(m.Payload))
	h := &c.msgs[i].Header
	if c.kind == framed {
		c.address(i, m)
		return
	}
	hops := 0 // the value of the socket option
	if m.HopLimit != wire.HopLimit {
		hops = int(m.HopLimit)
	}
	if c.kind == rawIPv4 {
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

// describe writes the control messages of a slot: the source, and the hop limit, unless that is
// 0.
func (c *channel) describe(h *unix.Msghdr, level, kind int, info []byte, limit, hops int) {
	length := rawsock.PutControl(h.Control, level, kind, info)
	if hops != 0 {
		var value [4]byte
		binary.NativeEndian.PutUint32(value[:], uint32(hops))
		at := unix.CmsgSpace(len(info))
		length = at + rawsock.PutControl((*byte)(unsafe.Add(unsafe.Pointer(h.Control), at)), level, limit, value[:])
	}
	h.SetControllen(length)
}

// flush sends the messages in the slots.
func (c *channel) flush(o *outlet) {
	msgs := c.msgs[:c.used]
	for sent := 0; sent < len(msgs); {
		n, errno := mmsg.Send(o.fd, msgs[sent:])
		switch {
		case errno == 0:
			sent += n
		case errno == unix.EAGAIN:
			// The link does not drain: there is no room for the other messages either.
			for ; sent < len(msgs); sent++ {
				refuse(c.of[sent], errno)
			}
		default:
			refuse(c.of[sent], errno)
			sent++
		}
	}
	for i := range c.used { // releases the frames
		c.of[i], c.iovs[i][0].Base, c.iovs[i][1].Base = nil, nil, nil
	}
	c.used = 0
}

// refuse records that the kernel refused a message.
func refuse(m *advert.Message, errno unix.Errno) {
	m.Err = fmt.Errorf("send from %v to %v on ifindex %d: %w%s", m.Source, m.To, m.Index, errno, hint(errno))
}

// hint returns the usual cause of an error, and what to do.
func hint(errno unix.Errno) string {
	switch errno {
	case unix.EPERM:
		return ": a firewall rule drops it; allow outgoing IP protocol 112"
	case unix.EINVAL, unix.EADDRNOTAVAIL:
		return ": the source address is not on this host, or still tentative"
	case unix.ENOBUFS, unix.EAGAIN:
		return ": the transmit queue is full"
	case unix.EMSGSIZE:
		return ": it is larger than the MTU of the link"
	case unix.ENETDOWN:
		return ": the link is down"
	case unix.ENETUNREACH:
		return ": the source address is not on this host, or the link is down"
	case unix.ENODEV, unix.ENXIO:
		return ": the interface was removed"
	}
	return ""
}
