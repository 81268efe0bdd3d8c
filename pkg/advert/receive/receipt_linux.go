package receive

import (
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
	"ripcord/pkg/mmsg"
)

// One call reads at most maxRead packets of up to packetLen bytes: the longest IPv6 advert has
// 4088.
const (
	maxRead   = 32
	packetLen = 4352
)

// receipt holds the packets that recvmmsg reads, of one port at a time.
type receipt struct {
	msgs    [maxRead]mmsg.Message
	iovs    [maxRead]unix.Iovec
	names   [maxRead]unix.RawSockaddrInet6 // the larger of the two
	control [maxRead][16]uint64
	data    [maxRead][packetLen]byte
}

func newReceipt() *receipt {
	r := &receipt{}
	for i := range r.msgs {
		r.iovs[i].Base = &r.data[i][0]
		r.iovs[i].SetLen(packetLen)
		h := &r.msgs[i].Header
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
		h.Control = (*byte)(unsafe.Pointer(&r.control[i][0]))
	}
	return r
}

// read reads the queued packets, up to maxRead; fewer mean that none is left.
func (r *receipt) read(p *port) (int, error) {
	for i := range r.msgs {
		h := &r.msgs[i].Header
		h.Namelen, h.Flags = unix.SizeofSockaddrInet6, 0
		h.SetControllen(int(unsafe.Sizeof(r.control[i])))
	}
	n, errno := mmsg.Receive(p.fd, r.msgs[:])
	switch {
	case errno == unix.EAGAIN:
		return 0, nil
	case errno != 0:
		p.errors++
		return 0, fmt.Errorf("receive adverts on %s: %w", p.link, errno)
	}
	p.errors = 0
	p.taken += uint64(n)
	return n, nil
}

// packet describes the i-th packet read from p at the instant now.
func (r *receipt) packet(i int, p *port, now time.Time) validate.Packet {
	m := &r.msgs[i]
	out := validate.Packet{
		Interface: p.link, Family: p.family, At: now,
		Data:      r.data[i][:min(int(m.Len), packetLen)],
		Truncated: m.Header.Flags&unix.MSG_TRUNC != 0,
	}
	if p.packet() {
		fromFrame(&out, (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&r.names[i])))
	} else if p.family == event.IPv6 {
		out.Path.Source = netip.AddrFrom16(r.names[i].Addr)
	}
	control := unsafe.Slice((*byte)(unsafe.Pointer(&r.control[i][0])), int(m.Header.Controllen))
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

// describe applies one control message to a packet.
func describe(p *validate.Packet, h *unix.Cmsghdr, data []byte, now time.Time) {
	switch {
	case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
		stamp := (*unix.Timespec)(unsafe.Pointer(&data[0]))
		p.Stamp = time.Unix(stamp.Unix())
		p.At = validate.Received(now, p.Stamp)
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		p.Path.Dest = netip.AddrFrom16([16]byte(data[:16]))
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
		p.Path.HopLimit = int(*(*int32)(unsafe.Pointer(&data[0])))
	}
}
