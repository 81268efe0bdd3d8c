package monitor

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/rtnl"
)

// attributes encodes attributes for the seeds and the table below.
func attributes(t testing.TB, add func(*netlink.AttributeEncoder)) []byte {
	ae := netlink.NewAttributeEncoder()
	add(ae)
	b, err := ae.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func linkMessage(t testing.TB, family byte, index, flags uint32, add func(*netlink.AttributeEncoder)) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	b[0] = family
	binary.NativeEndian.PutUint32(b[4:], index)
	binary.NativeEndian.PutUint32(b[8:], flags)
	return append(b, attributes(t, add)...)
}

func vlan(ae *netlink.AttributeEncoder) {
	ae.String(unix.IFLA_IFNAME, "eth0.3")
	ae.Uint32(unix.IFLA_LINK, 2)
	ae.Uint8(unix.IFLA_OPERSTATE, uint8(event.OperUp))
	ae.Uint32(unix.IFLA_MTU, 1496)
	ae.Bytes(unix.IFLA_ADDRESS, []byte{2, 0, 0, 0, 0, 1})
	ae.Uint32(unix.IFLA_CARRIER_UP_COUNT, 4)
	ae.Uint32(unix.IFLA_CARRIER_DOWN_COUNT, 3)
	ae.Nested(unix.IFLA_LINKINFO, func(nae *netlink.AttributeEncoder) error {
		nae.String(unix.IFLA_INFO_KIND, "vlan")
		return nil
	})
}

func veth(ae *netlink.AttributeEncoder) {
	ae.String(unix.IFLA_IFNAME, "va")
	ae.Uint32(unix.IFLA_LINK, 2)
	ae.Nested(unix.IFLA_LINKINFO, func(nae *netlink.AttributeEncoder) error {
		nae.String(unix.IFLA_INFO_KIND, "veth")
		return nil
	})
}

// port adds the attributes of a link of a kind that is a port of another, with alternative names.
func port(kind, of string, names ...string) func(*netlink.AttributeEncoder) {
	return func(ae *netlink.AttributeEncoder) {
		ae.String(unix.IFLA_IFNAME, "eth0")
		ae.Uint32(unix.IFLA_MASTER, 9)
		ae.Nested(unix.IFLA_LINKINFO, func(info *netlink.AttributeEncoder) error {
			if kind != "" {
				info.String(unix.IFLA_INFO_KIND, kind)
			}
			if of != "" {
				info.String(unix.IFLA_INFO_SLAVE_KIND, of)
			}
			return nil
		})
		if len(names) > 0 {
			ae.Nested(unix.IFLA_PROP_LIST, func(list *netlink.AttributeEncoder) error {
				for _, name := range names {
					list.String(unix.IFLA_ALT_IFNAME, name)
				}
				return nil
			})
		}
	}
}

func messageOf(kind netlink.HeaderType, data []byte) netlink.Message {
	return netlink.Message{Header: netlink.Header{Type: kind}, Data: data}
}

// TestKeepalived2685PortLeavesBridge: a bridge announces with an RTM_DELLINK of AF_BRIDGE that a
// port has left it. keepalived takes that for the deletion of the link, and the instances that
// track it stay in FAULT. The message says nothing about the link itself.
func TestKeepalived2685PortLeavesBridge(t *testing.T) {
	if got := decode(messageOf(unix.RTM_DELLINK, linkMessage(t, unix.AF_BRIDGE, 7, 0, vlan))); got != nil {
		t.Errorf("a port that leaves its bridge is %#v", got)
	}
	if got, want := decode(messageOf(unix.RTM_DELLINK, linkMessage(t, unix.AF_UNSPEC, 7, 0, vlan))), (link.LinkGone{Index: 7}); got != want {
		t.Errorf("a link that is deleted is %#v", got)
	}
}

func TestDecodeLink(t *testing.T) {
	seen := link.Seen{Index: 7, Name: "eth0.3", AdminUp: true, LowerUp: true, OperState: event.OperUp, MTU: 1496,
		HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1}, UpCount: 4, DownCount: 3, Parent: 2}
	elsewhere := seen
	elsewhere.Parent = 0
	for name, c := range map[string]struct {
		kind netlink.HeaderType
		data []byte
		want link.Observation
	}{
		"a VLAN on 2": {unix.RTM_NEWLINK, linkMessage(t, 0, 7, unix.IFF_UP|unix.IFF_LOWER_UP, vlan), link.LinkSeen{Link: seen}},
		"its parent is in another namespace": {unix.RTM_NEWLINK, linkMessage(t, 0, 7, unix.IFF_UP|unix.IFF_LOWER_UP, func(ae *netlink.AttributeEncoder) {
			vlan(ae)
			ae.Uint32(unix.IFLA_LINK_NETNSID, 0)
		}), link.LinkSeen{Link: elsewhere}},
		"the peer of a veth is no parent": {unix.RTM_NEWLINK, linkMessage(t, 0, 3, 0, veth), link.LinkSeen{Link: link.Seen{Index: 3, Name: "va"}}},
		"gone":                            {unix.RTM_DELLINK, linkMessage(t, 0, 7, 0, vlan), link.LinkGone{Index: 7}},
		"a route":                         {unix.RTM_NEWROUTE, linkMessage(t, 0, 7, 0, vlan), nil},
		"statistics of a size to come": {unix.RTM_NEWLINK, linkMessage(t, 0, 3, 0, func(ae *netlink.AttributeEncoder) {
			veth(ae)
			ae.Bytes(unix.IFLA_STATS64, make([]byte, 400))
		}), link.LinkSeen{Link: link.Seen{Index: 3, Name: "va"}}},
		"a port of a bridge, with two more names": {unix.RTM_NEWLINK, linkMessage(t, 0, 3, 0, port("veth", "bridge", "wan0", "a-name-that-is-longer-than-15-characters")),
			link.LinkSeen{Link: link.Seen{Index: 3, Name: "eth0", Master: 9, MasterKind: "bridge", AltNames: []string{"wan0", "a-name-that-is-longer-than-15-characters"}}}},
		"a port whose master is of no kind": {unix.RTM_NEWLINK, linkMessage(t, 0, 3, 0, port("", "")), link.LinkSeen{Link: link.Seen{Index: 3, Name: "eth0", Master: 9}}},
		"the loopback":                      {unix.RTM_NEWLINK, linkMessage(t, 0, 3, unix.IFF_LOOPBACK, veth), link.LinkSeen{Link: link.Seen{Index: 3, Name: "va", Local: true}}},
		"a dummy":                           {unix.RTM_NEWLINK, linkMessage(t, 0, 3, 0, port("dummy", "vrf")), link.LinkSeen{Link: link.Seen{Index: 3, Name: "eth0", Master: 9, MasterKind: "vrf", Local: true}}},
	} {
		if got := decode(messageOf(c.kind, c.data)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v; want %+v", name, got, c.want)
		}
	}
}

func TestDecodeAddress(t *testing.T) {
	message := func(family, bits, flags, scope byte, add func(*netlink.AttributeEncoder)) []byte {
		b := []byte{family, bits, flags, scope, 0, 0, 0, 0}
		binary.NativeEndian.PutUint32(b[4:], 2)
		return append(b, attributes(t, add)...)
	}
	v4 := func(more func(*netlink.AttributeEncoder)) func(*netlink.AttributeEncoder) {
		return func(ae *netlink.AttributeEncoder) {
			ae.Bytes(unix.IFA_ADDRESS, []byte{10, 0, 0, 2}) // the peer's address
			ae.Bytes(unix.IFA_LOCAL, []byte{10, 0, 0, 1})
			more(ae)
		}
	}
	v6 := func(flags uint32) func(*netlink.AttributeEncoder) {
		return func(ae *netlink.AttributeEncoder) {
			ae.Bytes(unix.IFA_ADDRESS, []byte{0: 0xfe, 1: 0x80, 15: 1})
			ae.Uint32(unix.IFA_FLAGS, flags)
		}
	}
	none := func(*netlink.AttributeEncoder) {}
	for name, c := range map[string]struct {
		kind netlink.HeaderType
		data []byte
		want link.Observation
	}{
		"local and peer":  {unix.RTM_NEWADDR, message(unix.AF_INET, 32, 0, 0, v4(none)), link.AddressSeen{Address: address(2, "10.0.0.1/32")}},
		"gone":            {unix.RTM_DELADDR, message(unix.AF_INET, 32, 0, 0, v4(none)), link.AddressGone{Address: address(2, "10.0.0.1/32")}},
		"secondary":       {unix.RTM_NEWADDR, message(unix.AF_INET, 24, unix.IFA_F_SECONDARY, 0, v4(none)), link.AddressSeen{Address: address(2, "10.0.0.1/24", secondary)}},
		"ours":            {unix.RTM_NEWADDR, message(unix.AF_INET, 24, 0, 0, v4(func(ae *netlink.AttributeEncoder) { ae.Uint8(rtnl.IFAProto, 112) })), link.AddressSeen{Address: address(2, "10.0.0.1/24", marked)}},
		"somebody else's": {unix.RTM_NEWADDR, message(unix.AF_INET, 24, 0, 254, v4(func(ae *netlink.AttributeEncoder) { ae.Uint8(rtnl.IFAProto, 2) })), link.AddressSeen{Address: address(2, "10.0.0.1/24", hostScope)}},
		"tentative":       {unix.RTM_NEWADDR, message(unix.AF_INET6, 64, 0, 0, v6(unix.IFA_F_TENTATIVE)), link.AddressSeen{Address: address(2, "fe80::1/64", unready)}},
		"optimistic":      {unix.RTM_NEWADDR, message(unix.AF_INET6, 64, 0, 0, v6(unix.IFA_F_TENTATIVE|unix.IFA_F_OPTIMISTIC)), link.AddressSeen{Address: address(2, "fe80::1/64")}},
		"duplicate":       {unix.RTM_NEWADDR, message(unix.AF_INET6, 64, 0, 0, v6(unix.IFA_F_DADFAILED)), link.AddressSeen{Address: address(2, "fe80::1/64", unready, duplicate)}},
		"deprecated":      {unix.RTM_NEWADDR, message(unix.AF_INET6, 64, 0, 0, v6(unix.IFA_F_DEPRECATED)), link.AddressSeen{Address: address(2, "fe80::1/64", deprecated)}},
		"a phone's":       {unix.RTM_NEWADDR, message(35, 8, 0, 0, none), nil},
	} {
		if got := decode(messageOf(c.kind, c.data)); got != c.want {
			t.Errorf("%s: got %+v; want %+v", name, got, c.want)
		}
	}
}

// wellFormed reports whether each attribute has a possible length. After one that has not, the two
// decoders may continue differently.
func wellFormed(attributes []byte) bool {
	for len(attributes) >= unix.SizeofRtAttr {
		n := int(binary.NativeEndian.Uint16(attributes))
		if n < unix.SizeofRtAttr || n > len(attributes) {
			return false
		}
		attributes = attributes[min((n+unix.RTA_ALIGNTO-1)&^(unix.RTA_ALIGNTO-1), len(attributes)):]
	}
	return true
}

// FuzzDecode compares decode with rtnetlink for the messages that rtnetlink accepts; nothing may
// panic.
func FuzzDecode(f *testing.F) {
	f.Add(uint16(unix.RTM_NEWLINK), linkMessage(f, 0, 7, unix.IFF_UP|unix.IFF_LOWER_UP, vlan))
	f.Add(uint16(unix.RTM_NEWLINK), linkMessage(f, 0, 7, unix.IFF_UP, veth))
	f.Add(uint16(unix.RTM_DELLINK), linkMessage(f, 0, 7, 0, veth))
	f.Add(uint16(unix.RTM_NEWADDR), append([]byte{unix.AF_INET, 24, 0, 0, 2, 0, 0, 0}, attributes(f, func(ae *netlink.AttributeEncoder) {
		ae.Bytes(unix.IFA_LOCAL, []byte{10, 0, 0, 1})
		ae.Uint8(rtnl.IFAProto, rtnl.Mark)
	})...))
	f.Fuzz(func(t *testing.T, kind uint16, data []byte) {
		switch o := decode(messageOf(netlink.HeaderType(kind), data)).(type) {
		case link.LinkSeen:
			var m rtnetlink.LinkMessage
			if m.UnmarshalBinary(data) != nil || m.Attributes == nil || !wellFormed(data[unix.SizeofIfInfomsg:]) {
				return
			}
			// rtnetlink stops silently at the first attribute of an unexpected length, and leaves
			// the following ones empty.
			s, got := o.Link, m.Attributes
			name, _, _ := strings.Cut(got.Name, "\x00") // rtnetlink keeps the bytes after the terminating zero
			if name != "" && s.Name != name || s.Index != int(m.Index) || got.MTU != 0 && s.MTU != int(got.MTU) ||
				got.OperationalState != 0 && uint8(s.OperState) != uint8(got.OperationalState) ||
				s.AdminUp != (m.Flags&unix.IFF_UP != 0) || s.LowerUp != (m.Flags&unix.IFF_LOWER_UP != 0) {
				t.Fatalf("got %+v, rtnetlink %+v %+v", s, m, m.Attributes)
			}
		case link.AddressSeen:
			var m rtnetlink.AddressMessage
			if m.UnmarshalBinary(data) != nil || m.Attributes == nil {
				return
			}
			a := o.Address
			if a.Index != int(m.Index) || a.Scope != m.Scope || a.Prefix.Bits() != int(m.PrefixLength) {
				t.Fatalf("got %+v, rtnetlink %+v", a, m)
			}
		}
	})
}
