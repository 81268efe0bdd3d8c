package monitor

import (
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/rtnl"
)

// decode returns the observation in an rtnetlink message about a link or an address, or nil if
// there is none.
func decode(m netlink.Message) link.Observation {
	switch m.Header.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		s, ok := decodeLink(m)
		switch {
		case !ok:
			return nil
		case m.Header.Type == unix.RTM_DELLINK:
			return link.LinkGone{Index: s.Index}
		}
		return link.LinkSeen{Link: s}
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		a, ok := decodeAddress(m)
		switch {
		case !ok:
			return nil
		case m.Header.Type == unix.RTM_DELADDR:
			return link.AddressGone{Address: a}
		}
		return link.AddressSeen{Address: a}
	}
	return nil
}

func decodeLink(m netlink.Message) (link.Seen, bool) {
	l, ok := rtnl.DecodeLink(m)
	s := link.Seen{
		Index: l.Index, Name: l.Name, AdminUp: l.Up(), LowerUp: l.Flags&unix.IFF_LOWER_UP != 0,
		OperState: event.OperState(l.OperState), UpCount: l.CarrierUps, DownCount: l.CarrierDowns,
		MTU: l.MTU, HardwareAddr: l.MAC, NoARP: l.Flags&unix.IFF_NOARP != 0, AltNames: l.AltNames, Master: l.Master, MasterKind: l.MasterKind,
		Local: l.Flags&unix.IFF_LOOPBACK != 0 || l.Kind == "dummy" || l.Kind == "vrf",
	}
	// The parent of a veth or netkit is its other end: each would be the other's parent.
	pair := l.Kind == "veth" || l.Kind == "netkit"
	if !l.Elsewhere && !pair && l.Below != l.Index {
		s.Parent = l.Below
	}
	return s, ok
}

func decodeAddress(m netlink.Message) (link.Assigned, bool) {
	a, ok := rtnl.DecodeAddress(m)
	return link.Assigned{
		Index: a.Index, Prefix: a.Prefix, Scope: a.Scope, Marked: a.Protocol == rtnl.Mark,
		Secondary:  a.Prefix.Addr().Is4() && a.Flags&unix.IFA_F_SECONDARY != 0,
		Deprecated: a.Flags&unix.IFA_F_DEPRECATED != 0,
		Duplicate:  a.Flags&unix.IFA_F_DADFAILED != 0,
		Unready: a.Flags&unix.IFA_F_DADFAILED != 0 ||
			a.Flags&unix.IFA_F_TENTATIVE != 0 && a.Flags&unix.IFA_F_OPTIMISTIC == 0,
	}, ok
}
