package addr

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/wire"
)

// solicited is in the solicited-node groups of the IPv6 addresses that we add
// (RFC 9568 §6.4.2): who asks for one is heard at once. The kernel joins them
// too, but from a work queue behind its RTNL lock, and on a machine where network
// namespaces come and go that was seen to take 0.3 s.
//
// It is no more than a head start: no error of it counts, and it takes no longer
// than headStart, since older kernels take the same lock for each group. Nil, it
// does nothing.
type solicited struct {
	fd int
	in map[unix.IPv6Mreq]bool // the groups that it is in
}

const headStart = 50 * time.Millisecond

// openSolicited opens the socket that is a member; it neither sends nor receives.
// Where there is no IPv6 it is nil.
func openSolicited() (*solicited, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		return nil, nil
	}
	return &solicited{fd, make(map[unix.IPv6Mreq]bool)}, err
}

func (s *solicited) close() error {
	if s == nil {
		return nil
	}
	return unix.Close(s.fd)
}

// join joins the groups of addresses that have been added.
func (s *solicited) join(ops []Op) {
	begun := time.Now()
	for _, group := range s.groups(ops) {
		if time.Since(begun) < headStart && unix.SetsockoptIPv6Mreq(s.fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &group) == nil {
			s.in[group] = true
		}
	}
}

// leave leaves the groups of addresses that are gone, or are to be added: then
// what is left is of a link that is gone and whose index came back. Another
// address in the same group has the kernel's own membership by now.
func (s *solicited) leave(ops []Op) {
	begun := time.Now()
	for _, group := range s.groups(ops) {
		if s.in[group] && time.Since(begun) < headStart {
			delete(s.in, group)
			_ = unix.SetsockoptIPv6Mreq(s.fd, unix.IPPROTO_IPV6, unix.IPV6_LEAVE_GROUP, &group)
		}
	}
}

func (s *solicited) groups(ops []Op) (groups []unix.IPv6Mreq) {
	if s == nil {
		return nil
	}
	for _, op := range ops {
		if ip := op.Prefix.Addr(); ip.Is6() {
			groups = append(groups, unix.IPv6Mreq{Multiaddr: wire.SolicitedNode(ip).As16(), Interface: uint32(op.Index)})
		}
	}
	return groups
}
