package vrrp

import (
	"net/netip"
	"testing"

	"ripcord/pkg/event"
)

// TestSourceOn: over IPv6 adverts leave from the link-local address, and to global unicast peers
// from a global one, at best in their subnet.
func TestSourceOn(t *testing.T) {
	prefixes := func(texts ...string) *[]netip.Prefix {
		var all []netip.Prefix
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return &all
	}
	link := event.Link{Name: "eth0", Usable: true, LinkLocal6: netip.MustParseAddr("fe80::1"),
		Sources: prefixes("fe80::1/64", "192.0.2.1/24", "2001:db8:1::1/64", "2001:db8:2::1/64")}
	bare := link
	bare.Sources = prefixes("fe80::1/64")
	for _, c := range []struct {
		name   string
		link   event.Link
		source string // as configured
		peers  []string
		want   string
		near   bool
	}{
		{"multicast", link, "", nil, "fe80::1", true},
		{"a link-local peer", link, "", []string{"fe80::2"}, "fe80::1", true},
		{"a global peer", link, "", []string{"2001:db8:2::2"}, "2001:db8:2::1", true},
		{"global peers of two subnets", link, "", []string{"2001:db8:2::2", "2001:db8:1::2"}, "2001:db8:2::1", false},
		{"a global peer behind a router", link, "", []string{"2001:db8:9::2"}, "2001:db8:1::1", false},
		{"a global peer without a global address", bare, "", []string{"2001:db8:2::2"}, "", false},
		{"a global peer and a source", link, "2001:db8:1::1", []string{"2001:db8:2::2"}, "2001:db8:1::1", true},
	} {
		in := Instance{Virtual: event.Virtual{Family: event.IPv6}, Addresses: []netip.Addr{netip.MustParseAddr("fe80::51")}}
		if c.source != "" {
			in.Source = netip.MustParseAddr(c.source)
		}
		for _, p := range c.peers {
			in.Unicast.Peers = append(in.Unicast.Peers, netip.MustParseAddr(p))
		}
		got, near := in.SourceOn(c.link)
		if want, _ := netip.ParseAddr(c.want); got != want || near != c.near {
			t.Errorf("%s: from %v, near %t, want %s, %t", c.name, got, near, c.want, c.near)
		}
		if reason, _ := in.LinkFault(&c.link, got); (reason == event.NoPrimaryAddress) != (c.want == "") {
			t.Errorf("%s: fault %q", c.name, reason)
		}
	}
}
