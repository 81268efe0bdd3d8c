package send

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/rawsock"
)

// outlet is a socket for adverts of one kind on one link, or on all links whose own socket could
// not be opened.
type outlet struct {
	fd     int
	broken error // why there is no socket
	copies int   // the number of copies in one round of adverts
	users  int
	queued []*advert.Message // to be sent in this batch, in order
}

// outletKey identifies an outlet.
type outletKey struct {
	index int
	kind  kind
}

func keyOf(index int, source netip.Addr, header []byte) outletKey {
	switch {
	case len(header) > 0:
		return outletKey{index, framed}
	case event.FamilyOf(source) == event.IPv6:
		return outletKey{index, rawIPv6}
	}
	return outletKey{index, rawIPv4}
}

// openOutlet opens a socket. A family that the host does not have is no error.
func openOutlet(k kind) (*outlet, error) {
	if k == framed {
		fd, err := openVirtual()
		return &outlet{fd: fd}, err
	}
	fd, err := rawsock.Open(k.family(), sendOptions(k.family()))
	if errors.Is(err, unix.EAFNOSUPPORT) {
		return &outlet{fd: -1, broken: err}, nil
	}
	if err != nil {
		return &outlet{fd: -1}, err
	}
	if err := rawsock.Deafen(fd, k.family()); err != nil {
		_ = unix.Close(fd)
		return &outlet{fd: -1}, err
	}
	return &outlet{fd: fd}, nil
}

// Room for packets that a link has not sent yet: an advert that fits into a frame takes less than
// 2 KiB of the kernel's memory, and two rounds may be queued. The kernel doubles the figure. An
// advert that waits longer is worthless, and a queue that does not drain should be noticed soon.
const (
	roomPerCopy = 2 << 10
	minRoom     = 16 << 10
)

// join adds an instance whose adverts have the given number of copies.
func (o *outlet) join(copies int) {
	o.users, o.copies = o.users+1, o.copies+copies
	room := max(minRoom, o.copies*roomPerCopy)
	if unix.SetsockoptInt(o.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, room) != nil {
		_ = unix.SetsockoptInt(o.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, room)
	}
}

// leave removes an instance, and reports whether none is left.
func (o *outlet) leave(copies int) (unused bool) {
	o.users, o.copies = o.users-1, o.copies-copies
	return o.users <= 0
}

func (o *outlet) close() error {
	if o.fd < 0 {
		return nil
	}
	return unix.Close(o.fd)
}
