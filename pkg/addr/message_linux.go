package addr

import (
	"encoding/binary"
	"net/netip"

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
	// usualMessage is the size of most messages, without the netlink header.
	usualMessage = 96
)

// addMessages returns the RTM_NEWADDR of each op, with these flags in addition to NLM_F_CREATE.
func addMessages(ops []Op, marked bool, flags netlink.HeaderFlags) []netlink.Message {
	header := netlink.Header{Type: unix.RTM_NEWADDR, Flags: netlink.Request | netlink.Create | flags}
	return encode(ops, header, func(b []byte, op Op) []byte { return appendAddress(b, op, marked) })
}

// removeMessages returns the RTM_DELADDR of each op.
func removeMessages(ops []Op) []netlink.Message {
	return encode(ops, netlink.Header{Type: unix.RTM_DELADDR, Flags: netlink.Request}, appendKey)
}

// encode returns a message for each op. A takeover must not wait for memory, so the messages share
// one array. When it has to grow, earlier messages keep their bytes in the old one.
func encode(ops []Op, header netlink.Header, appendTo func([]byte, Op) []byte) []netlink.Message {
	messages, all := make([]netlink.Message, len(ops)), make([]byte, 0, len(ops)*usualMessage)
	for i, op := range ops {
		begin := len(all)
		all = appendTo(all, op)
		messages[i] = netlink.Message{Header: header, Data: all[begin:len(all):len(all)]}
	}
	return messages
}

// appendAddress appends the message that describes the address of op.
func appendAddress(b []byte, op Op, marked bool) []byte {
	b = appendKey(b, op)
	if op.Prefix.Addr().Is4() {
		if op.Broadcast.IsValid() {
			b = appendIP(b, unix.IFA_BROADCAST, op.Broadcast)
		}
		if op.Label != "" {
			b = rtnl.AppendAttribute(b, unix.IFA_LABEL, append([]byte(op.Label), 0))
		}
	} else {
		// Otherwise the address is tentative for a second and does not answer.
		b = appendNumbers(b, unix.IFA_FLAGS, unix.IFA_F_NODAD)
		// The preferred lifetime is 0, so that the router never uses a virtual address as the source
		// of its own traffic.
		preferred := uint32(0)
		if op.Preferred {
			preferred = forever
		}
		b = appendNumbers(b, unix.IFA_CACHEINFO, preferred, forever, 0, 0)
	}
	if op.Behind {
		b = appendNumbers(b, unix.IFA_RT_PRIORITY, behind)
	}
	if marked {
		b = rtnl.AppendAttribute(b, rtnl.IFAProto, []byte{rtnl.Mark})
	}
	return b
}

// appendKey appends the message that names the address of op.
func appendKey(b []byte, op Op) []byte {
	family := byte(unix.AF_INET6)
	if op.Prefix.Addr().Is4() {
		family = unix.AF_INET
	}
	b = append(b, family, byte(op.Prefix.Bits()), 0, op.Scope) // struct ifaddrmsg
	b = binary.NativeEndian.AppendUint32(b, uint32(op.Index))
	b = appendIP(b, unix.IFA_ADDRESS, op.Prefix.Addr())
	return appendIP(b, unix.IFA_LOCAL, op.Prefix.Addr())
}

// appendIP appends an attribute that is an address.
func appendIP(b []byte, kind uint16, ip netip.Addr) []byte {
	if ip.Is4() {
		value := ip.As4()
		return rtnl.AppendAttribute(b, kind, value[:])
	}
	value := ip.As16()
	return rtnl.AppendAttribute(b, kind, value[:])
}

// appendNumbers appends an attribute of some numbers.
func appendNumbers(b []byte, kind uint16, values ...uint32) []byte {
	var room [16]byte
	data := room[:0]
	for _, v := range values {
		data = binary.NativeEndian.AppendUint32(data, v)
	}
	return rtnl.AppendAttribute(b, kind, data)
}
