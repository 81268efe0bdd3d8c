package validate

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

var group99 = netip.MustParseAddr("224.0.0.99")

// TestAcceptUnicast checks that the source and distance of an advert matter if peers are
// configured, and that otherwise it must be multicast.
func TestAcceptUnicast(t *testing.T) {
	single, many := virtual4(), virtual4()
	single.Unicast = vrrp.Unicast{Peers: []netip.Addr{peer4}, TTL: 255, MinTTL: 250}
	near := virtual4()
	near.Unicast = vrrp.Unicast{Peers: []netip.Addr{peer4}, TTL: 255, MinTTL: 255}
	other, elsewhere := netip.MustParseAddr("192.0.2.3"), virtual4()
	elsewhere.Multicast = group99
	for _, c := range []struct {
		name         string
		in           vrrp.Instance
		source, dest netip.Addr
		ttl          uint8
		reason       wire.Reason
		counts       string
	}{
		{"a peer", single, peer4, own4, 255, "", "advertisement_rcvd=1"},
		{"a peer, at the limit", single, peer4, own4, 250, "", "advertisement_rcvd=1"},
		{"a peer, from too far", single, peer4, own4, 249, wire.IPTTLError, "ip_ttl_errors=1"},
		{"a peer that sends to the group", single, peer4, wire.Group4, 255, wire.NotUnicast, "peer_errors=1"},
		{"not a peer", single, other, own4, 255, wire.NotAPeer, "peer_errors=1"},
		{"not a peer, to the group", single, other, wire.Group4, 255, wire.NotUnicast, "peer_errors=1"},
		{"the segment only", near, peer4, own4, 254, wire.IPTTLError, "ip_ttl_errors=1"},
		{"multicast", many, peer4, wire.Group4, 255, "", "advertisement_rcvd=1"},
		{"multicast, sent to us alone", many, peer4, own4, 255, wire.NotMulticast, "peer_errors=1"},
		{"multicast, to another group", many, peer4, group99, 255, wire.NotMulticast, "peer_errors=1"},
		{"another group", elsewhere, peer4, group99, 255, "", "advertisement_rcvd=1"},
		{"another group, from afar", elsewhere, peer4, group99, 254, wire.IPTTLError, "ip_ttl_errors=1"},
		{"another group, to that of RFC 9568", elsewhere, peer4, wire.Group4, 255, wire.NotMulticast, "peer_errors=1"},
		{"a peer that sends to another group", single, peer4, group99, 255, wire.NotUnicast, "peer_errors=1"},
		{"multicast, from afar", many, peer4, wire.Group4, 250, wire.IPTTLError, "ip_ttl_errors=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(c.in)
			a := advert4()
			a.Checksum = wire.MessageOnly
			p := Packet{Interface: "eth0", Family: event.IPv4, At: t0, Data: ipv4(c.source, c.dest, c.ttl, a.Append(nil, c.source, c.dest))}
			v := b.Accept(&p, t0)
			var reason wire.Reason
			for _, e := range v.Events {
				if r, ok := e.(event.AdvertRejected); ok {
					reason = wire.Reason(r.Reason)
				}
			}
			if v.Valid != (c.reason == "") || reason != c.reason {
				t.Errorf("valid %v, reason %q, want %q", v.Valid, reason, c.reason)
			}
			want := c.counts
			if c.reason == "" {
				want += " checksum_message_only=1"
			}
			if got := counters(b.stats["v4"]); got != want {
				t.Errorf("counters %s, want %s", got, want)
			}
		})
	}
}

// TestAcceptAmongSeveral checks which of several instances with one VRID on a link an advert
// belongs to: the one of its multicast group, or the one with its sender as a peer, preferably
// with its destination as the source.
func TestAcceptAmongSeveral(t *testing.T) {
	named := func(name string, source netip.Addr, peers ...netip.Addr) vrrp.Instance {
		in := virtual4()
		in.Name, in.Source = name, source
		if len(peers) > 0 {
			in.Unicast = vrrp.Unicast{Peers: peers, TTL: 255, MinTTL: 1}
		}
		return in
	}
	at := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, n}) }
	group, near, far, twin := named("group", netip.Addr{}), named("near", at(1), at(11), at(12)), named("far", at(2), at(13)), named("twin", at(3), at(11))
	otherGroup := named("other", netip.Addr{})
	otherGroup.Multicast = group99
	for _, c := range []struct {
		name         string
		in           []vrrp.Instance
		source, dest netip.Addr
		ttl          uint8
		want         string // the instance, and what it counts
	}{
		{"to the group", []vrrp.Instance{group, near}, at(99), wire.Group4, 255, "group advertisement_rcvd=1"},
		{"to the group, from a peer", []vrrp.Instance{near, group}, at(11), wire.Group4, 255, "group advertisement_rcvd=1"},
		{"to the group, through a router", []vrrp.Instance{group, near}, at(11), wire.Group4, 200, "group ip_ttl_errors=1"},
		{"to another group", []vrrp.Instance{group, otherGroup, near}, at(99), group99, 255, "other advertisement_rcvd=1"},
		{"to the group, beside another", []vrrp.Instance{otherGroup, group}, at(99), wire.Group4, 255, "group advertisement_rcvd=1"},
		{"to a group of none", []vrrp.Instance{group, near}, at(99), group99, 255, "group peer_errors=1"},
		{"from a peer, through a router", []vrrp.Instance{group, near}, at(11), at(1), 200, "near advertisement_rcvd=1"},
		{"from nobody's peer", []vrrp.Instance{group, near, far}, at(99), at(1), 255, "near peer_errors=1"},
		{"from the one's peer", []vrrp.Instance{near, far}, at(12), at(1), 255, "near advertisement_rcvd=1"},
		{"from the other's peer", []vrrp.Instance{near, far}, at(13), at(1), 255, "far advertisement_rcvd=1"},
		{"from a peer of both, to the one", []vrrp.Instance{near, twin}, at(11), at(1), 255, "near advertisement_rcvd=1"},
		{"from a peer of both, to the other", []vrrp.Instance{near, twin}, at(11), at(3), 255, "twin advertisement_rcvd=1"},
		{"from a peer, to the group of none", []vrrp.Instance{near, far}, at(13), wire.Group4, 255, "near peer_errors=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(c.in...)
			a := advert4()
			p := Packet{Interface: "eth0", Family: event.IPv4, At: t0, Data: ipv4(c.source, c.dest, c.ttl, a.Append(nil, c.source, c.dest))}
			v := b.Accept(&p, t0)
			var got []string
			for _, in := range c.in {
				if n := strings.Replace(counters(b.stats[in.Name]), " checksum_pseudo_header=1", "", 1); n != "" {
					got = append(got, in.Name+" "+n)
				}
			}
			name, _, _ := strings.Cut(c.want, " ")
			if !slices.Equal(got, []string{c.want}) || b.Judged() != name || v.Valid && v.Heard.Instance != name {
				t.Errorf("counted %q, judged for %s, heard for %q; want %s", got, b.Judged(), v.Heard.Instance, c.want)
			}
		})
	}
}

// TestAcceptHearsOwnersEarly checks that a packet from a shared address counts if it was read
// before the kernel could drop it, and any other packet if it was read after that; the second
// copy is silently ignored.
func TestAcceptHearsOwnersEarly(t *testing.T) {
	for _, c := range []struct {
		name   string
		source netip.Addr
		early  bool
		valid  bool
	}{
		{"a router's own address", peer4, false, true},
		{"the same, early", peer4, true, false},
		{"the owner", vip4, true, true},
		{"the same, as the raw socket has it", vip4, false, false},
	} {
		b := newBench(virtual4())
		a := advert4()
		p := Packet{Interface: "eth0", Family: event.IPv4, Early: c.early, At: t0, Data: ipv4(c.source, wire.Group4, 255, a.Append(nil, c.source, wire.Group4))}
		v := b.Accept(&p, t0)
		want := ""
		if c.valid {
			want = "advertisement_rcvd=1 checksum_pseudo_header=1"
		}
		if got := counters(b.stats["v4"]); v.Valid != c.valid || v.Rejected || len(v.Events) != 0 || got != want {
			t.Errorf("%s: %+v, counters %q", c.name, v, got)
		}
	}
}

// TestAcceptOwnerHearsNobodyEarly checks that an owner reads no adverts early: there is only one
// owner, so no other router advertises from its addresses.
func TestAcceptOwnerHearsNobodyEarly(t *testing.T) {
	owner := virtual4()
	owner.Priority = vrrp.Owner
	for _, early := range []bool{false, true} {
		b, a := newBench(owner), advert4()
		p := Packet{Interface: "eth0", Family: event.IPv4, Early: early, At: t0, Data: ipv4(vip4, wire.Group4, 255, a.Append(nil, vip4, wire.Group4))}
		if v := b.Accept(&p, t0); v.Valid == early {
			t.Errorf("early %v: %+v", early, v)
		}
	}
}

// TestSourcesAreOurs checks that an advert whose source is the configured source of an instance
// counts as our own if it is received on that link.
func TestSourcesAreOurs(t *testing.T) {
	b := newBench(virtual4())
	b.Learn(event.Link{Name: "eth0", Index: 2, Primary4: own4, Sources: &[]netip.Prefix{netip.PrefixFrom(peer4, 24)}})
	p := packet4(advert4())
	if v := b.Accept(&p, t0); v.Valid || counters(b.stats["v4"]) != "" {
		t.Errorf("our own advert was judged: %+v", v)
	}
}
