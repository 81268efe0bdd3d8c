package rtnl

import (
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// IFAProto is IFA_PROTO (linux/if_addr.h, Linux 5.18): the protocol that added the address.
const IFAProto = 11

// Mark is the protocol of the addresses, routes and rules that ripcord adds, by which it recognizes
// them after a crash (docs/architecture.md#ours): VRRP's IP protocol number.
const Mark = 112

// Address is an RTM_NEWADDR or RTM_DELADDR: an address of a link.
type Address struct {
	Index    int          // ifindex
	Prefix   netip.Prefix // the local address, not the peer's
	Scope    uint8        // RT_SCOPE_*
	Flags    uint32       // IFA_F_*
	Protocol uint8        // IFAProto; 0: none
}

// DecodeAddress decodes an address message; false if it contains no IP address of a link.
func DecodeAddress(m netlink.Message) (a Address, ok bool) {
	b := m.Data
	if len(b) < unix.SizeofIfAddrmsg {
		return a, false
	}
	family := b[0]
	a = Address{Index: int(int32(Uint32(b[4:]))), Scope: b[3], Flags: uint32(b[2])}
	var address, local netip.Addr
	for kind, value := range Attributes(b[unix.SizeofIfAddrmsg:]) {
		switch kind {
		case unix.IFA_ADDRESS:
			address = addr(family, value)
		case unix.IFA_LOCAL: // the address itself if IFA_ADDRESS is the peer's
			local = addr(family, value)
		case unix.IFA_FLAGS: // the header has room for eight of them
			if len(value) >= 4 {
				a.Flags = Uint32(value)
			}
		case IFAProto:
			a.Protocol = Uint8(value)
		}
	}
	if local.IsValid() {
		address = local
	}
	a.Prefix = netip.PrefixFrom(address, int(b[1]))
	return a, a.Prefix.IsValid() && a.Index > 0
}

// ListAddresses returns the request for the addresses of all links, for Dump.
func ListAddresses() netlink.Message { return list(unix.RTM_GETADDR, unix.SizeofIfAddrmsg) }

// list returns a request for a list, with a header of zeros.
func list(kind uint16, header int) netlink.Message {
	return netlink.Message{Header: netlink.Header{Type: netlink.HeaderType(kind)}, Data: make([]byte, header)}
}
