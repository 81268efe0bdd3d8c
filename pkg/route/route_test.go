package route

import (
	"fmt"
	"net/netip"
	"testing"

	"ripcord/pkg/event"
)

// TestText requires that routes and rules are written as the ip program writes them.
func TestText(t *testing.T) {
	net10, net6 := netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/64")
	for _, tt := range []struct {
		entry Entry
		want  string
	}{
		{Route{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.254"), Interface: "eth0", Table: MainTable},
			"default via 192.0.2.254 dev eth0"},
		{Route{To: net10, Interface: "eth0", Table: 100, Metric: 5, Source: netip.MustParseAddr("192.0.2.1")},
			"10.0.0.0/8 dev eth0 table 100 metric 5 src 192.0.2.1"},
		{Rule{Family: event.IPv4, From: net10, Iif: "eth1", Fwmark: 1, Mask: 0xff, Table: 100, Priority: 500},
			"rule 500: from 10.0.0.0/8 fwmark 0x1/0xff iif eth1 lookup 100"},
		{Rule{Family: event.IPv6, To: net6, Fwmark: 2, Mask: ^uint32(0), Table: 7, Priority: 1},
			"rule 1: from all to 2001:db8::/64 fwmark 0x2 lookup 7"},
		{Route{To: net10, Table: MainTable, Type: Throw, TOS: 8}, "throw 10.0.0.0/8 tos 0x8"},
		{Route{To: net10, Table: MainTable, Hops: []Hop{{Via: netip.MustParseAddr("192.0.2.1")}, {Interface: "eth1", Weight: 2, OnLink: true}}},
			"10.0.0.0/8 nexthop via 192.0.2.1 weight 1 nexthop dev eth1 weight 2 onlink"},
		{Rule{Not: true, Oif: "eth0", TOS: 8, Protocol: 6, Dport: Range{80, 90}, UIDs: Range{0, 9}, HasUIDs: true, Table: 7, HasSuppress: true, Priority: 1},
			"rule 1: not from all tos 0x8 oif eth0 uidrange 0-9 ipproto 6 dport 80-90 lookup 7 suppress_prefixlength 0"},
		{Rule{Action: Goto, Goto: 9, Priority: 1}, "rule 1: from all goto 9"},
	} {
		if got := fmt.Sprint(tt.entry); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// TestKey: two routes with one key replace each other in the kernel, which gives an IPv6 route
// without a metric the metric 1024.
func TestKey(t *testing.T) {
	net10, net6 := netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/64")
	via := netip.MustParseAddr("192.0.2.254")
	for _, tt := range []struct {
		a, b Entry
		want bool
	}{
		{Route{To: net10, Table: 1, Via: via}, Route{To: net10, Table: 1, Interface: "eth0"}, true},
		{Route{To: net10, Table: 1}, Route{To: net10, Table: 2}, false},
		{Route{To: net10, Table: 1}, Route{To: net10, Table: 1, Metric: 1024}, false},
		{Route{To: net6, Table: 1}, Route{To: net6, Table: 1, Metric: 1024}, true},
		{Route{To: net10, Table: 1}, Route{To: net10, Table: 1, TOS: 8}, false},
		{Route{To: net10, Table: 1, Hops: []Hop{{Via: via}}}, Route{To: net10, Table: 1}, true},
		{Rule{Table: 1}, Rule{Table: 1}, true},
		{Rule{Table: 1}, Rule{Table: 1, Priority: 2}, false},
		{Rule{Table: 1}, Route{Table: 1}, false},
	} {
		if got := collides(tt.a, tt.b); got != tt.want {
			t.Errorf("%v and %v collide: %t, want %t", tt.a, tt.b, got, tt.want)
		}
	}
}
