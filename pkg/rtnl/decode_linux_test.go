package rtnl_test

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

// message encodes a message with attributes that no kernel has yet, before and after the known
// ones, and with one that is longer than the message.
func message(t *testing.T, header []byte, known ...netlink.Attribute) netlink.Message {
	t.Helper()
	unknown := []netlink.Attribute{{Type: 1000, Data: []byte{1, 2, 3}}, {Type: 1001}}
	var attributes []netlink.Attribute
	attributes = append(append(append(attributes, unknown...), known...), unknown...)
	b, err := netlink.MarshalAttributes(attributes)
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, 0xff, 0xff, 1, 0, 7, 7, 7, 7)
	return netlink.Message{Data: append(header, b...)}
}

// grown returns a value to which a later kernel has added bytes.
func grown(b ...byte) []byte { return append(b, 9, 9, 9, 9, 9) }

func u32(v byte) []byte { return grown(v, 0, 0, 0) }

// TestDecodeUnknown requires that the decoders skip what other programs configured, and what later
// kernels add.
func TestDecodeUnknown(t *testing.T) {
	at := func(n int, set map[int]byte) []byte {
		b := make([]byte, n)
		for i, v := range set {
			b[i] = v
		}
		return b
	}
	v4 := func(b ...byte) []byte { return grown(b...) }

	address := message(t, at(8, map[int]byte{0: unix.AF_INET, 1: 24, 3: unix.RT_SCOPE_LINK, 4: 5}),
		netlink.Attribute{Type: unix.IFA_ADDRESS, Data: v4(192, 0, 2, 9)}, netlink.Attribute{Type: unix.IFA_LOCAL, Data: v4(192, 0, 2, 1)},
		netlink.Attribute{Type: 8, Data: u32(unix.IFA_F_SECONDARY)}, netlink.Attribute{Type: rtnl.IFAProto, Data: grown(112)})
	if got, ok := rtnl.DecodeAddress(address); !ok || got != (rtnl.Address{
		Index: 5, Prefix: netip.MustParsePrefix("192.0.2.1/24"), Scope: unix.RT_SCOPE_LINK, Flags: unix.IFA_F_SECONDARY, Protocol: 112,
	}) {
		t.Errorf("address: %+v, %v", got, ok)
	}

	link := message(t, at(16, map[int]byte{4: 7, 8: unix.IFF_UP}),
		netlink.Attribute{Type: unix.IFLA_STATS64, Data: make([]byte, 999)}, netlink.Attribute{Type: unix.IFLA_IFNAME, Data: []byte("eth0\x00")},
		netlink.Attribute{Type: unix.IFLA_MTU, Data: u32(100)}, netlink.Attribute{Type: unix.IFLA_OPERSTATE, Data: grown(6)},
		netlink.Attribute{Type: unix.IFLA_LINK, Data: u32(3)}, netlink.Attribute{Type: unix.IFLA_MASTER, Data: u32(4)},
		netlink.Attribute{Type: unix.IFLA_ADDRESS, Data: []byte{2, 0, 0, 0, 0, 1}})
	if got, ok := rtnl.DecodeLink(link); !ok || !reflect.DeepEqual(got, rtnl.Link{
		Index: 7, Name: "eth0", Flags: unix.IFF_UP, OperState: 6, MTU: 100, MAC: [6]byte{2, 0, 0, 0, 0, 1}, Below: 3, Master: 4,
	}) {
		t.Errorf("link: %+v, %v", got, ok)
	}

	route := message(t, at(12, map[int]byte{0: unix.AF_INET, 1: 8, 4: 254, 5: 112, 7: unix.RTN_UNICAST}),
		netlink.Attribute{Type: unix.RTA_DST, Data: v4(10, 0, 0, 0)}, netlink.Attribute{Type: unix.RTA_OIF, Data: u32(5)},
		netlink.Attribute{Type: unix.RTA_TABLE, Data: u32(100)}, netlink.Attribute{Type: unix.RTA_PRIORITY, Data: u32(9)})
	if got, ok := rtnl.DecodeRoute(route, 112); !ok || !reflect.DeepEqual(got, rtnl.Route{
		To: netip.MustParsePrefix("10.0.0.0/8"), Index: 5, Table: 100, Metric: 9, Type: unix.RTN_UNICAST, Protocol: 112,
	}) {
		t.Errorf("route: %+v, %v", got, ok)
	}
	if _, ok := rtnl.DecodeRoute(route, 3); ok {
		t.Error("a route of another protocol is decoded")
	}

	rule := message(t, at(12, map[int]byte{0: unix.AF_INET, 2: 24, 7: unix.FR_ACT_TO_TBL}),
		netlink.Attribute{Type: unix.FRA_SRC, Data: v4(10, 0, 0, 0)}, netlink.Attribute{Type: unix.FRA_TABLE, Data: u32(100)},
		netlink.Attribute{Type: unix.FRA_PRIORITY, Data: u32(50)}, netlink.Attribute{Type: unix.FRA_PROTOCOL, Data: grown(112)})
	if got, ok := rtnl.DecodeRule(rule, 112); !ok || got != (rtnl.Rule{
		Family: unix.AF_INET, From: netip.MustParsePrefix("10.0.0.0/24"), Table: 100, Priority: 50, Action: unix.FR_ACT_TO_TBL, Protocol: 112,
	}) {
		t.Errorf("rule: %+v, %v", got, ok)
	}
	if _, ok := rtnl.DecodeRule(rule, 0); ok {
		t.Error("a rule of another protocol is decoded")
	}
	ports := message(t, at(12, map[int]byte{0: unix.AF_INET}),
		netlink.Attribute{Type: unix.FRA_PROTOCOL, Data: []byte{112}}, netlink.Attribute{Type: unix.FRA_DPORT_RANGE, Data: []byte{22, 0, 23, 0}},
		netlink.Attribute{Type: unix.FRA_UID_RANGE, Data: []byte{1, 0, 0, 0, 9, 0, 0, 0}}, netlink.Attribute{Type: unix.FRA_SUPPRESS_PREFIXLEN, Data: u32(0)})
	if got, ok := rtnl.DecodeRule(ports, 112); !ok || got.More || got.Dport != (rtnl.Range{First: 22, Last: 23}) || got.UIDs != (rtnl.Range{First: 1, Last: 9}) || !got.HasSuppress {
		t.Errorf("a rule that selects ports: %+v, %v", got, ok)
	}
	realms := message(t, at(12, map[int]byte{0: unix.AF_INET}),
		netlink.Attribute{Type: unix.FRA_PROTOCOL, Data: []byte{112}}, netlink.Attribute{Type: unix.FRA_FLOW, Data: u32(5)})
	if got, ok := rtnl.DecodeRule(realms, 112); !ok || !got.More {
		t.Errorf("a rule that selects realms: %+v, %v", got, ok)
	}

	neighbor := message(t, at(12, map[int]byte{0: unix.AF_INET, 4: 5, 8: unix.NUD_REACHABLE}),
		netlink.Attribute{Type: unix.NDA_LLADDR, Data: make([]byte, 20)}, netlink.Attribute{Type: unix.NDA_DST, Data: v4(192, 0, 2, 3)})
	if got, ok := rtnl.DecodeNeighbor(neighbor); !ok || got != (rtnl.Neighbor{Index: 5, Address: netip.MustParseAddr("192.0.2.3"), State: unix.NUD_REACHABLE}) {
		t.Errorf("neighbor: %+v, %v", got, ok)
	}
}

// FuzzDecode requires that a message that is cut anywhere, or has a value that is too short, is
// never read beyond its end.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{2, 24, 0, 0, 5, 0, 0, 0, 8, 0, 1, 0, 192, 0, 2, 1})
	f.Fuzz(func(_ *testing.T, b []byte) {
		m := netlink.Message{Data: b}
		rtnl.DecodeAddress(m)
		rtnl.DecodeLink(m)
		rtnl.DecodeRoute(m, 112)
		rtnl.DecodeRule(m, 112)
		rtnl.DecodeNeighbor(m)
	})
}
