package link

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
)

// What golang.org/x/sys/unix does not name.
const (
	ifaFlags = 8  // IFA_FLAGS
	ifaProto = 11 // IFA_PROTO, Linux 5.18

	// ours marks what ripcord has put there (design decision 11).
	ours = 112
)

var errShort = errors.New("the kernel's message is shorter than its header")

// decode says what a message of rtnetlink tells of links or addresses; it is
// nil where that is nothing.
//
// Only what is needed is decoded. rtnetlink.LinkMessage refuses a whole message
// for the size of one attribute that nobody wants here (statistics, which grow
// from kernel to kernel); a lost "down" would be too dear.
func decode(kind netlink.HeaderType, data []byte) (Observation, error) {
	switch kind {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		return decodeLink(kind, data)
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		return decodeAddress(kind, data)
	}
	return nil, nil
}

func decodeLink(kind netlink.HeaderType, data []byte) (Observation, error) {
	if len(data) < unix.SizeofIfInfomsg {
		return nil, errShort
	}
	if data[0] != unix.AF_UNSPEC { // AF_BRIDGE: a port's, not the device's own
		return nil, nil
	}
	s := Seen{Index: int(int32(binary.NativeEndian.Uint32(data[4:])))}
	flags := binary.NativeEndian.Uint32(data[8:])
	s.AdminUp, s.LowerUp = flags&unix.IFF_UP != 0, flags&unix.IFF_LOWER_UP != 0
	if err := decodeLinkAttributes(&s, data[unix.SizeofIfInfomsg:]); err != nil {
		return nil, err
	}
	if s.Index <= 0 || s.Name == "" {
		return nil, errors.New("a link without an index or a name")
	}
	if kind == unix.RTM_DELLINK {
		return LinkGone{Index: s.Index}, nil
	}
	return LinkSeen{Link: s}, nil
}

func decodeLinkAttributes(s *Seen, data []byte) error {
	ad, err := netlink.NewAttributeDecoder(data)
	if err != nil {
		return err
	}
	var parent uint32
	var elsewhere, peer bool
	for ad.Next() {
		switch ad.Type() {
		case unix.IFLA_IFNAME:
			s.Name = ad.String()
		case unix.IFLA_OPERSTATE:
			s.OperState = event.OperState(ad.Uint8())
		case unix.IFLA_MTU:
			s.MTU = int(ad.Uint32())
		case unix.IFLA_ADDRESS:
			if b := ad.Bytes(); len(b) == len(s.HardwareAddr) {
				copy(s.HardwareAddr[:], b)
			}
		case unix.IFLA_CARRIER_UP_COUNT:
			s.UpCount = ad.Uint32()
		case unix.IFLA_CARRIER_DOWN_COUNT:
			s.DownCount = ad.Uint32()
		case unix.IFLA_LINK:
			parent = ad.Uint32()
		case unix.IFLA_LINK_NETNSID:
			elsewhere = true
		case unix.IFLA_LINKINFO:
			ad.Nested(func(info *netlink.AttributeDecoder) error {
				peer = isPair(info)
				return nil
			})
		}
	}
	if !elsewhere && !peer && int(parent) != s.Index {
		s.Parent = int(int32(parent))
	}
	return ad.Err()
}

// isPair reports whether the device is one end of a pair, whose IFLA_LINK is
// the other end: each would be the other's parent.
func isPair(info *netlink.AttributeDecoder) bool {
	for info.Next() {
		if info.Type() == unix.IFLA_INFO_KIND {
			kind := info.String()
			return kind == "veth" || kind == "netkit"
		}
	}
	return false
}

func decodeAddress(kind netlink.HeaderType, data []byte) (Observation, error) {
	if len(data) < unix.SizeofIfAddrmsg {
		return nil, errShort
	}
	if data[0] != unix.AF_INET && data[0] != unix.AF_INET6 {
		return nil, nil
	}
	a := Assigned{Index: int(int32(binary.NativeEndian.Uint32(data[4:]))), Scope: data[3]}
	flags, address, err := decodeAddressAttributes(&a, uint32(data[2]), data[unix.SizeofIfAddrmsg:])
	if err != nil {
		return nil, err
	}
	a.Prefix = netip.PrefixFrom(address, int(data[1]))
	if !a.Prefix.IsValid() || a.Index <= 0 {
		return nil, errors.New("an address that is none, or on no link")
	}
	a.Secondary = data[0] == unix.AF_INET && flags&unix.IFA_F_SECONDARY != 0
	a.Deprecated = flags&unix.IFA_F_DEPRECATED != 0
	a.Unready = flags&unix.IFA_F_DADFAILED != 0 ||
		flags&unix.IFA_F_TENTATIVE != 0 && flags&unix.IFA_F_OPTIMISTIC == 0
	if kind == unix.RTM_DELADDR {
		return AddressGone{Address: a}, nil
	}
	return AddressSeen{Address: a}, nil
}

// decodeAddressAttributes finds the flags, of which the header holds the first
// eight bits only, and the local address: IFA_LOCAL where there is one, since
// IFA_ADDRESS is then the other end's.
func decodeAddressAttributes(a *Assigned, flags uint32, data []byte) (uint32, netip.Addr, error) {
	ad, err := netlink.NewAttributeDecoder(data)
	if err != nil {
		return 0, netip.Addr{}, err
	}
	var address, local netip.Addr
	for ad.Next() {
		switch ad.Type() {
		case unix.IFA_ADDRESS:
			address, _ = netip.AddrFromSlice(ad.Bytes())
		case unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(ad.Bytes())
		case ifaFlags:
			flags = ad.Uint32()
		case ifaProto:
			a.Marked = ad.Uint8() == ours
		}
	}
	if local.IsValid() {
		address = local
	}
	return flags, address, ad.Err()
}
