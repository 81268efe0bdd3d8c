package daemon

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"ripcord/pkg/addr"
	"ripcord/pkg/config"
	"ripcord/pkg/event"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/vrrp"
)

// TestAdviseAbsent requires that each missing interface is named once, except those that ripcord
// makes.
func TestAdviseAbsent(t *testing.T) {
	in := func(name, link string, track ...string) vrrp.Instance {
		var i vrrp.Instance
		i.Name, i.Interface = name, link
		for _, l := range track {
			i.Track = append(i.Track, vrrp.Tracker{Kind: vrrp.TrackInterface, Name: l})
		}
		return i
	}
	c := &config.Config{
		Groups: []vrrp.Group{{Members: []vrrp.Instance{in("a", "eth0", "vrrp.1", "eth7"), in("b", "eth9", "eth9"), in("c", "eth9")}}},
		Sets: []addr.Set{
			{Instance: "a", Device: &macvlan.Device{Name: "vrrp.1"}, Addresses: []addr.Address{{Interface: "eth8"}, {Interface: "vrrp.1"}, {}}},
			{Instance: "b", Addresses: []addr.Address{{Interface: "eth8"}}},
		},
	}
	want := []string{
		"there is no interface eth9: b waits in Fault until there is one",
		"there is no interface eth7: it counts as down, and nothing can be added to it, until there is one",
		"there is no interface eth8: it counts as down, and nothing can be added to it, until there is one",
	}
	if got := adviseAbsent(c, []event.Link{{Name: "eth0"}}); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestAdvise requires that advice names the instance, the interface and what to do.
func TestAdvise(t *testing.T) {
	sources := func(prefixes ...string) *[]netip.Prefix {
		var all []netip.Prefix
		for _, p := range prefixes {
			all = append(all, netip.MustParsePrefix(p))
		}
		return &all
	}
	link := func(name string, index int, change func(*event.Link)) event.Link {
		l := event.Link{Name: name, Index: index, Usable: true, AdminUp: true, Carrier: true, OperState: event.OperUp,
			Primary4: netip.MustParseAddr("10.9.9.9"), Sources: sources("10.9.9.9/32", "192.0.2.12/24")}
		if change != nil {
			change(&l)
		}
		return l
	}
	instance := func(change func(*vrrp.Instance)) *vrrp.Instance {
		in := &vrrp.Instance{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
		in.Name, in.Interface, in.Family = "inside", "eth0", event.IPv4
		if change != nil {
			change(in)
		}
		return in
	}
	peers := func(all ...string) func(*vrrp.Instance) {
		return func(in *vrrp.Instance) {
			for _, p := range all {
				in.Unicast.Peers = append(in.Unicast.Peers, netip.MustParseAddr(p))
			}
		}
	}
	for name, c := range map[string]struct {
		in    *vrrp.Instance
		links []event.Link
		want  []string
	}{
		"as it should be":           {instance(nil), []event.Link{link("eth0", 2, nil)}, nil},
		"meant for another machine": {instance(nil), nil, nil},
		"no address of the subnet": {instance(nil), []event.Link{link("eth0", 2, func(l *event.Link) { l.Sources = sources("10.9.9.9/32") })},
			[]string{"inside: adverts are sent on eth0 from 10.9.9.9, which is not in the subnet of the virtual addresses: add an address of that subnet, or name a source"}},
		"no addresses to be near":   {instance(func(in *vrrp.Instance) { in.Addresses = nil }), []event.Link{link("eth0", 2, nil)}, nil},
		"one peer is in the subnet": {instance(peers("192.0.2.11")), []event.Link{link("eth0", 2, nil)}, nil},
		"another is not": {instance(peers("192.0.2.11", "203.0.113.5")), []event.Link{link("eth0", 2, nil)},
			[]string{"inside: adverts are sent on eth0 from 192.0.2.12, which is not in the subnet of all of the peers: make source and the list of peers agree"}},
		"a port of a bridge": {instance(nil), []event.Link{link("eth0", 2, func(l *event.Link) { l.Usable, l.Master = false, "br0 (bridge)" })},
			[]string{"inside: eth0 is a port of br0 (bridge), which takes all that arrives on it: name the device above it as the interface, or take it out with ip link set eth0 nomaster"}},
		"a source that is missing": {instance(func(in *vrrp.Instance) { in.Source = netip.MustParseAddr("192.0.2.99") }), []event.Link{link("eth0", 2, nil)},
			[]string{"inside: source 192.0.2.99 is neither on eth0 nor on a loopback link, or cannot be used yet: add it, or configure another source"}},
		"no carrier": {instance(nil), []event.Link{link("eth0", 2, func(l *event.Link) { l.Usable, l.Carrier = false, false })},
			[]string{"inside: eth0 is not usable: no carrier"}},
		"two names": {instance(nil), []event.Link{link("eth0", 2, nil), link("wan0", 2, nil)}, []string{"eth0 and wan0 are one interface: use one of the names everywhere"}},
	} {
		if got := advise([]*vrrp.Instance{c.in}, c.links); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestAdviseTogether checks that what many instances have in common is one sentence.
func TestAdviseTogether(t *testing.T) {
	var all []*vrrp.Instance
	for i := range 250 {
		in := &vrrp.Instance{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
		in.Name, in.Interface, in.Family = fmt.Sprintf("i%d", i+1), "eth0", event.IPv4
		all = append(all, in)
	}
	got := advise(all, []event.Link{{Name: "eth0", Index: 2}})
	if want := []string{"i1, i2, i3 and 247 more: eth0 is not usable: administratively down"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAdviseOwned requires that a virtual address that this machine has as its own is named, except
// of an owner.
func TestAdviseOwned(t *testing.T) {
	own := []ownAddress{{"eth0", netip.MustParseAddr("192.0.2.11")}, {"eth1", netip.MustParseAddr("198.51.100.1")}}
	in := func(name string, priority uint8) vrrp.Instance {
		var i vrrp.Instance
		i.Name, i.Priority = name, priority
		i.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("192.0.2.130")}
		return i
	}
	const want = "inside: 192.0.2.11 is an own address of eth0: this machine answers for it even while another router is Active. " +
		"Remove it from the virtual addresses, or from the network configuration of this machine"
	c := &config.Config{Groups: []vrrp.Group{{Members: []vrrp.Instance{in("inside", 150), in("owner", vrrp.Owner)}}}}
	if got := adviseOwned(c, own); !slices.Equal(got, []string{want}) {
		t.Errorf("%q", got)
	}
	c.Format = config.Keepalived
	if got := adviseOwned(c, own); !slices.Equal(got, []string{want + "; keepalived removes it from eth0 at the start, and stays in FAULT if eth0 has no other address"}) {
		t.Errorf("%q", got)
	}
}
