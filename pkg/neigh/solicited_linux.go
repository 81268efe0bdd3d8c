package neigh

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// SolicitedGroups is a member of the solicited-node groups of the IPv6 addresses that we add (RFC
// 9568 §6.4.2), so that solicitations for one are received at once. The kernel joins them too, but
// from a work queue behind its RTNL lock, which takes up to 0.3 s on a machine where network
// namespaces come and go.
//
// It only bridges that time: its errors are ignored, and a batch takes no longer than joinLimit,
// since older kernels take the same lock for each group. The methods of a nil *SolicitedGroups do
// nothing.
type SolicitedGroups struct {
	fd     int
	joined map[unix.IPv6Mreq]bool
}

// joinLimit is how long one batch of memberships may take.
const joinLimit = 50 * time.Millisecond

// OpenSolicitedGroups opens the member socket, which neither sends nor receives. It returns nil if
// there is no IPv6.
func OpenSolicitedGroups() (*SolicitedGroups, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.EAFNOSUPPORT):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("opening the socket that joins solicited-node groups: %w", err)
	}
	return &SolicitedGroups{fd, make(map[unix.IPv6Mreq]bool)}, nil
}

// Close closes the socket, which ends the memberships.
func (s *SolicitedGroups) Close() error {
	if s == nil {
		return nil
	}
	return unix.Close(s.fd)
}

// Join joins the groups of addresses that have been added.
func (s *SolicitedGroups) Join(addresses iter.Seq[event.AddressKey]) {
	begun := time.Now()
	for _, group := range s.groups(addresses) {
		if time.Since(begun) < joinLimit && unix.SetsockoptIPv6Mreq(s.fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &group) == nil {
			s.joined[group] = true
		}
	}
}

// Leave leaves the groups of addresses that are gone, or about to be added: a membership that still
// exists then belongs to an earlier link with the same index. The kernel itself has joined the
// group for other addresses in it.
func (s *SolicitedGroups) Leave(addresses iter.Seq[event.AddressKey]) {
	begun := time.Now()
	for _, group := range s.groups(addresses) {
		if s.joined[group] && time.Since(begun) < joinLimit {
			delete(s.joined, group)
			_ = unix.SetsockoptIPv6Mreq(s.fd, unix.IPPROTO_IPV6, unix.IPV6_LEAVE_GROUP, &group)
		}
	}
}

// groups returns the groups of the IPv6 addresses among these.
func (s *SolicitedGroups) groups(addresses iter.Seq[event.AddressKey]) (groups []unix.IPv6Mreq) {
	if s == nil {
		return nil
	}
	for a := range addresses {
		if ip := a.Prefix.Addr(); ip.Is6() {
			groups = append(groups, unix.IPv6Mreq{Multiaddr: wire.SolicitedNode(ip).As16(), Interface: uint32(a.Index)})
		}
	}
	return groups
}
