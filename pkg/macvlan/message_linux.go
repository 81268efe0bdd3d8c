package macvlan

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

// Constants that golang.org/x/sys/unix does not name (linux/if_link.h).
const (
	macvlanMode        = 1 // IFLA_MACVLAN_MODE
	macvlanModeVEPA    = 2 // MACVLAN_MODE_VEPA
	macvlanModePrivate = 1 // MACVLAN_MODE_PRIVATE
	inet6AddrGen       = 8 // IFLA_INET6_ADDR_GEN_MODE
	addrGenNone        = 1 // IN6_ADDR_GEN_MODE_NONE
	macvlanKind        = "macvlan"
)

// linkHeader returns a struct ifinfomsg.
func linkHeader(index int, flags, change uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], change)
	return b
}

// newMacvlan returns the RTM_NEWLINK of a device; it is down.
func newMacvlan(s Shape) ([]byte, error) {
	ae := netlink.NewAttributeEncoder()
	ae.String(unix.IFLA_IFNAME, s.Name)
	ae.Uint32(unix.IFLA_LINK, uint32(s.Below))
	ae.Bytes(unix.IFLA_ADDRESS, s.MAC[:])
	ae.Nested(unix.IFLA_LINKINFO, func(info *netlink.AttributeEncoder) error {
		info.String(unix.IFLA_INFO_KIND, macvlanKind)
		info.Nested(unix.IFLA_INFO_DATA, func(data *netlink.AttributeEncoder) error {
			data.Uint32(macvlanMode, macvlanModeVEPA)
			return nil
		})
		return nil
	})
	return withHeader(linkHeader(0, 0, 0), ae, s.Name)
}

// markMacvlan returns the RTM_SETLINK that sets a device's alias, its MTU and its VRF, and keeps
// the kernel from making link-local addresses from the virtual MAC (RFC 9568 §7.4).
func markMacvlan(index int, s Shape, alias string) ([]byte, error) {
	ae := netlink.NewAttributeEncoder()
	ae.Bytes(unix.IFLA_IFALIAS, []byte(alias))
	if s.MTU != 0 {
		ae.Uint32(unix.IFLA_MTU, uint32(s.MTU))
	}
	ae.Uint32(unix.IFLA_MASTER, uint32(s.Master))
	if s.IPv6 && (s.MTU == 0 || s.MTU >= minMTU6) { // with less the kernel has no IPv6 there
		ae.Nested(unix.IFLA_AF_SPEC, func(spec *netlink.AttributeEncoder) error {
			spec.Nested(unix.AF_INET6, func(six *netlink.AttributeEncoder) error {
				six.Uint8(inet6AddrGen, addrGenNone)
				return nil
			})
			return nil
		})
	}
	return withHeader(linkHeader(index, 0, 0), ae, s.Name)
}

func withHeader(header []byte, ae *netlink.AttributeEncoder, name string) ([]byte, error) {
	tail, err := ae.Encode()
	if err != nil {
		return nil, fmt.Errorf("encoding the link %s: %w", name, err)
	}
	return append(header, tail...), nil
}

// readLink returns a link as the ledger stores it, and the settings in its alias.
func readLink(l rtnl.Link) (n Link, was earlier) {
	n = Link{Index: l.Index, Below: l.Below, Kind: l.Kind, Name: l.Name, AltNames: l.AltNames, MAC: l.MAC, MTU: l.MTU, Master: l.Master, Up: l.Up()}
	if l.Elsewhere {
		n.NS = l.Namespace + 1
	}
	was, n.Ours = parseAlias(l.Alias)
	n.Ours = n.Ours && l.Kind == macvlanKind
	n.On, _ = strconv.Atoi(was[onKey])
	n.Shared = l.Kind == macvlanKind && (l.Mode == macvlanModePrivate || l.Mode == macvlanModeVEPA)
	return n, was
}
