package addr

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

const (
	// behind is the metric of the subnets of addresses on a device: worse than any that a network
	// manager gives a link.
	behind = 1 << 20
	// forever is INFINITY_LIFE_TIME.
	forever = 0xffffffff
)

// family returns the address family of ip, and its bytes.
func family(ip netip.Addr) (uint8, []byte) {
	if ip.Is4() {
		return unix.AF_INET, ip.AsSlice()
	}
	return unix.AF_INET6, ip.AsSlice()
}

// newAddress returns the RTM_NEWADDR of op. It must not replace an existing address.
func newAddress(op Op, marked bool) (netlink.Message, error) {
	af, ip := family(op.Prefix.Addr())
	attributes := &rtnetlink.AddressAttributes{Address: ip, Local: ip}
	if af == unix.AF_INET {
		attributes.Label = op.Label
		if op.Broadcast.IsValid() {
			attributes.Broadcast = op.Broadcast.AsSlice()
		}
	} else {
		// Otherwise the address is tentative for a second and does not answer.
		attributes.Flags = unix.IFA_F_NODAD
	}
	data, err := (&rtnetlink.AddressMessage{
		Family: af, PrefixLength: uint8(op.Prefix.Bits()), Scope: op.Scope, Index: uint32(op.Index), Attributes: attributes,
	}).MarshalBinary()
	if err != nil {
		return netlink.Message{}, fmt.Errorf("encoding the address %s: %w", op.Prefix, err)
	}
	more := netlink.NewAttributeEncoder()
	if op.Behind {
		more.Uint32(unix.IFA_RT_PRIORITY, behind)
	}
	if marked {
		more.Uint8(rtnl.IFAProto, rtnl.Mark)
	}
	if af == unix.AF_INET6 {
		// These fields are struct ifa_cacheinfo: preferred 0, so that the router never uses a
		// virtual address as the source of its own traffic; valid for ever.
		info := make([]byte, 16)
		if op.Preferred {
			binary.NativeEndian.PutUint32(info, forever)
		}
		binary.NativeEndian.PutUint32(info[4:], forever)
		more.Bytes(unix.IFA_CACHEINFO, info)
	}
	tail, err := more.Encode()
	if err != nil {
		return netlink.Message{}, fmt.Errorf("encoding the address %s: %w", op.Prefix, err)
	}
	return netlink.Message{
		Header: netlink.Header{Type: unix.RTM_NEWADDR, Flags: netlink.Request | netlink.Create | netlink.Excl},
		Data:   append(data, tail...),
	}, nil
}

// delAddress returns the RTM_DELADDR of op.
func delAddress(op Op) (netlink.Message, error) {
	af, ip := family(op.Prefix.Addr())
	data, err := (&rtnetlink.AddressMessage{
		Family: af, PrefixLength: uint8(op.Prefix.Bits()), Index: uint32(op.Index),
		Attributes: &rtnetlink.AddressAttributes{Address: ip, Local: ip},
	}).MarshalBinary()
	if err != nil {
		return netlink.Message{}, fmt.Errorf("encoding the address %s: %w", op.Prefix, err)
	}
	return netlink.Message{Header: netlink.Header{Type: unix.RTM_DELADDR, Flags: netlink.Request}, Data: data}, nil
}
