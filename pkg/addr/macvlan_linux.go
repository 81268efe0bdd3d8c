package addr

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// What golang.org/x/sys/unix does not name (linux/if_link.h).
const (
	macvlanMode     = 1 // IFLA_MACVLAN_MODE
	macvlanModeVEPA = 2 // MACVLAN_MODE_VEPA
	inet6AddrGen    = 8 // IFLA_INET6_ADDR_GEN_MODE
	addrGenNone     = 1 // IN6_ADDR_GEN_MODE_NONE
	macvlanKind     = "macvlan"
)

// linkHeader is a struct ifinfomsg.
func linkHeader(index int, flags, change uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], change)
	return b
}

// newMacvlan is the RTM_NEWLINK of a device; it is down.
func newMacvlan(m Make) ([]byte, error) {
	ae := netlink.NewAttributeEncoder()
	ae.String(unix.IFLA_IFNAME, m.Name)
	ae.Uint32(unix.IFLA_LINK, uint32(m.Below))
	ae.Bytes(unix.IFLA_ADDRESS, m.MAC[:])
	ae.Nested(unix.IFLA_LINKINFO, func(info *netlink.AttributeEncoder) error {
		info.String(unix.IFLA_INFO_KIND, macvlanKind)
		info.Nested(unix.IFLA_INFO_DATA, func(data *netlink.AttributeEncoder) error {
			data.Uint32(macvlanMode, macvlanModeVEPA)
			return nil
		})
		return nil
	})
	return withHeader(linkHeader(0, 0, 0), ae, m.Name)
}

// markMacvlan is the RTM_SETLINK that gives a device its alias, and keeps the
// kernel from making link-local addresses out of the virtual MAC (RFC 9568 §7.4).
func markMacvlan(index int, m Make, alias string) ([]byte, error) {
	ae := netlink.NewAttributeEncoder()
	ae.Bytes(unix.IFLA_IFALIAS, []byte(alias))
	if m.IPv6 {
		ae.Nested(unix.IFLA_AF_SPEC, func(spec *netlink.AttributeEncoder) error {
			spec.Nested(unix.AF_INET6, func(six *netlink.AttributeEncoder) error {
				six.Uint8(inet6AddrGen, addrGenNone)
				return nil
			})
			return nil
		})
	}
	return withHeader(linkHeader(index, 0, 0), ae, m.Name)
}

func withHeader(header []byte, ae *netlink.AttributeEncoder, name string) ([]byte, error) {
	tail, err := ae.Encode()
	if err != nil {
		return nil, fmt.Errorf("encoding the link %s: %w", name, err)
	}
	return append(header, tail...), nil
}

// parseNetdev reads an RTM_NEWLINK, and the settings that its alias remembers.
func parseNetdev(data []byte) (n Netdev, was earlier, err error) {
	if len(data) < unix.SizeofIfInfomsg {
		return n, nil, errors.New("a link message shorter than its header")
	}
	attributes, err := netlink.NewAttributeDecoder(data[unix.SizeofIfInfomsg:])
	if err != nil {
		return n, nil, fmt.Errorf("decoding a link message: %w", err)
	}
	n.Index = int(int32(binary.NativeEndian.Uint32(data[4:])))
	n.Up = binary.NativeEndian.Uint32(data[8:])&unix.IFF_UP != 0
	var kind, alias string
	for attributes.Next() {
		switch attributes.Type() {
		case unix.IFLA_IFNAME:
			n.Name = attributes.String()
		case unix.IFLA_LINK:
			n.Below = int(int32(attributes.Uint32()))
		case unix.IFLA_ADDRESS:
			if b := attributes.Bytes(); len(b) == len(n.MAC) {
				copy(n.MAC[:], b)
			}
		case unix.IFLA_IFALIAS:
			alias = attributes.String()
		case unix.IFLA_LINKINFO:
			attributes.Nested(func(info *netlink.AttributeDecoder) error {
				for info.Next() {
					if info.Type() == unix.IFLA_INFO_KIND {
						kind = info.String()
					}
				}
				return nil
			})
		}
	}
	if was, n.Ours = parseAlias(alias); kind != macvlanKind {
		n.Ours = false
	}
	if err := attributes.Err(); err != nil {
		return n, nil, fmt.Errorf("decoding a link message: %w", err)
	}
	return n, was, nil
}
