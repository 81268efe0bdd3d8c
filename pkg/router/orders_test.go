package router

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/addr"
	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

func member(name, group string, family event.Family, addresses ...string) vrrp.Instance {
	in := vrrp.Instance{
		Virtual:  event.Virtual{Name: name, Group: group, Interface: "eth-" + name, VRID: 51, Family: family},
		Priority: 150, Interval: 100 * time.Millisecond, Miss: 3, Preempt: true,
	}
	for _, a := range addresses {
		in.Addresses = append(in.Addresses, netip.MustParseAddr(a))
	}
	return in
}

// TestStartOrderFrames checks that the frames of a Start decode to the configured advert, and
// those that resign to the same with priority 0.
func TestStartOrderFrames(t *testing.T) {
	four, six := netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("fe80::11")
	long := member("long", "", event.IPv4, "192.0.2.1")
	long.Interval, long.Miss, long.Priority = 4095*10*time.Millisecond, 100, 255
	old := member("old", "", event.IPv4, "192.0.2.1")
	old.Version, old.Auth, old.Interval = wire.V2, wire.Password("secret"), 255*time.Second
	single, near := member("single", "", event.IPv4, "192.0.2.1"), member("near", "", event.IPv6, "fe80::1")
	peers4 := []netip.Addr{netip.MustParseAddr("192.0.2.12"), netip.MustParseAddr("203.0.113.12")}
	peers6 := []netip.Addr{netip.MustParseAddr("fe80::12")}
	single.Unicast = vrrp.Unicast{Peers: peers4, TTL: 7, MinTTL: 250}
	near.Unicast = vrrp.Unicast{Peers: peers6, TTL: 255, MinTTL: 255}
	group4, group6 := []netip.Addr{wire.Group4}, []netip.Addr{wire.Group6}
	virtual := member("virtual", "", event.IPv4, "192.0.2.1")
	virtual.VirtualMAC = true
	plain := virtual
	plain.Name, plain.LinkMACAdverts = "plain", true
	linkMAC := [6]byte{2, 0, 0, 0, 0, 1}
	tests := []struct {
		name     string
		in       vrrp.Instance
		source   netip.Addr
		checksum wire.Checksum
		to       []netip.Addr
		hops     uint8
	}{
		{"IPv4", member("a", "", event.IPv4, "192.0.2.1", "192.0.2.2"), four, wire.PseudoHeader, group4, 255},
		{"IPv4, RFC 9568's checksum", member("a", "", event.IPv4, "192.0.2.1"), four, wire.MessageOnly, group4, 255},
		{"IPv6", member("a", "", event.IPv6, "fe80::1", "2001:db8::1"), six, wire.PseudoHeader, group6, 255},
		{"the longest interval and an owner", long, four, wire.PseudoHeader, group4, 255},
		{"VRRPv2 with a password", old, four, wire.PseudoHeader, group4, 255},
		{"unicast over IPv4", single, four, wire.PseudoHeader, peers4, 7},
		{"unicast over IPv6", near, six, wire.PseudoHeader, peers6, 255},
		{"RFC 9568 §7.2: from the virtual router MAC address", virtual, four, wire.PseudoHeader, group4, 255},
		{"from an address that is not here", member("foreign", "", event.IPv4, "192.0.2.1"), four, wire.PseudoHeader, group4, 255},
		{"the addresses alone at the virtual router MAC address", plain, four, wire.PseudoHeader, group4, 255},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cause := event.Cause{Trace: 7, At: time.Unix(1, 0)}
			o := Orders{}
			var mac [6]byte
			if tt.in.Name == "foreign" {
				mac = linkMAC
			}
			o.translate(&vrrp.Group{Members: []vrrp.Instance{tt.in}}, []vrrp.Effect{vrrp.Advertise{
				Cause: cause, Instance: &tt.in, Index: 4, Source: tt.source, MAC: mac, Checksum: tt.checksum, Priority: tt.in.Priority,
			}})
			if len(o.Adverts) != 1 {
				t.Fatalf("%d orders", len(o.Adverts))
			}
			got := o.Adverts[0]
			frames := got.Advert
			got.Advert.Copies = nil
			want := advert.Order{
				Kind: advert.Start, Cause: cause, Instance: tt.in.Name, Interval: tt.in.Interval, Advertised: tt.in.Interval, Miss: tt.in.Miss,
				Advert: advert.Frames{Index: 4, Source: tt.source, HopLimit: tt.hops},
			}
			var header []byte
			switch tt.in.Name {
			case "virtual":
				header = wire.AppendHeaders(nil, [6]byte{0, 0, 0x5e, 0, 1, 51}, four, wire.Group4, len(frames.Copies[0].Resign))
			case "foreign":
				header = wire.AppendHeaders(nil, linkMAC, four, wire.Group4, len(frames.Copies[0].Resign))
			}
			if string(frames.Header) != string(header) {
				t.Errorf("headers % x, want % x", frames.Header, header)
			}
			got.Advert.Header = nil
			if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
				t.Error(d)
			}
			var to []netip.Addr
			for _, c := range frames.Copies {
				to = append(to, c.To)
			}
			if !slices.Equal(to, tt.to) {
				t.Fatalf("sent to %v, want %v", to, tt.to)
			}
			advertised := wire.Advert{
				Version: tt.in.Version, Auth: tt.in.Auth, VRID: 51, Priority: tt.in.Priority, Interval: tt.in.Interval, Addresses: tt.in.Addresses, Checksum: tt.checksum,
			}
			resign := advertised
			resign.Priority = 0
			for _, c := range frames.Copies { // the checksum covers the destination
				path := wire.Path{Source: tt.source, Dest: c.To, HopLimit: wire.HopLimit}
				decodes(t, c.Advert, path, advertised)
				decodes(t, c.Resign, path, resign)
			}
		})
	}
}

func decodes(t *testing.T, payload []byte, path wire.Path, want wire.Advert) {
	t.Helper()
	var a wire.Advert
	if err := a.Decode(payload, path); err != nil {
		t.Fatal(err)
	}
	if err := a.Check(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, a, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Error(d)
	}
}

func TestTranslate(t *testing.T) {
	pair := &vrrp.Group{Name: "edge", Members: []vrrp.Instance{
		member("inside", "edge", event.IPv4, "192.0.2.1"), member("outside", "edge", event.IPv4, "198.51.100.1"),
	}}
	alone := &vrrp.Group{Members: []vrrp.Instance{member("alone", "", event.IPv4, "203.0.113.1")}}
	inside, outside := &pair.Members[0], &pair.Members[1]
	one, two := event.Cause{Trace: 1}, event.Cause{Trace: 2}
	moved := event.GroupTransition{Group: "edge", To: event.Fault}

	type given struct {
		group   *vrrp.Group
		effects []vrrp.Effect
	}
	tests := []struct {
		name  string
		given []given
		want  Orders
	}{
		{"a group leaves: every member falls silent, one batch of addresses",
			[]given{{pair, []vrrp.Effect{vrrp.Mute{Cause: one, Instance: inside}, vrrp.Resign{Cause: one, Instance: outside}, vrrp.Release{Cause: one}, vrrp.Report{Event: moved}}}},
			Orders{
				Adverts: []advert.Order{
					{Kind: advert.Mute, Cause: one, Instance: "inside"}, {Kind: advert.Resign, Cause: one, Instance: "outside"},
				},
				Addresses: []addr.Order{{Kind: addr.Release, Cause: one, Instances: []string{"inside", "outside"}}},
				Events:    []event.Event{moved},
			}},
		{"an Active asserts itself",
			[]given{{pair, []vrrp.Effect{vrrp.AdvertiseNow{Cause: two, Instance: inside}, vrrp.Reannounce{Cause: two}}}},
			Orders{
				Adverts:   []advert.Order{{Kind: advert.Now, Cause: two, Instance: "inside"}},
				Addresses: []addr.Order{{Kind: addr.Reannounce, Cause: two, Instances: []string{"inside", "outside"}}},
			}},
		{"an Active listens after a stall",
			[]given{{pair, []vrrp.Effect{vrrp.HoldBack{Cause: two, Instance: inside, Until: time.Unix(1, 0)}}}},
			Orders{Adverts: []advert.Order{{Kind: advert.HoldBack, Cause: two, Instance: "inside", When: time.Unix(1, 0)}}}},
		{"groups that move together make one batch",
			[]given{{pair, []vrrp.Effect{vrrp.Hold{Cause: one}}}, {alone, []vrrp.Effect{vrrp.Hold{Cause: one}}}},
			Orders{Addresses: []addr.Order{{Kind: addr.Hold, Cause: one, Instances: []string{"inside", "outside", "alone"}}}}},
		{"a batch does not cross another kind: the order stays",
			[]given{
				{pair, []vrrp.Effect{vrrp.Release{Cause: one}}}, {alone, []vrrp.Effect{vrrp.Hold{Cause: two}}},
				{pair, []vrrp.Effect{vrrp.Release{Cause: one}}},
			},
			Orders{Addresses: []addr.Order{
				{Kind: addr.Release, Cause: one, Instances: []string{"inside", "outside"}},
				{Kind: addr.Hold, Cause: two, Instances: []string{"alone"}},
				{Kind: addr.Release, Cause: one, Instances: []string{"inside", "outside"}},
			}}},
		{"one Verify stands for all: the newest ticket, every link once",
			[]given{
				{pair, []vrrp.Effect{vrrp.Verify{Ticket: 3, Interfaces: []string{"eth0", "eth1"}}}},
				{alone, []vrrp.Effect{vrrp.Verify{Ticket: 4, Interfaces: []string{"eth1", "eth2"}}}},
			},
			Orders{Verify: &Verify{Ticket: 4, Interfaces: []string{"eth0", "eth1", "eth2"}}}},
		{"one Ask for all links, each once",
			[]given{
				{pair, []vrrp.Effect{vrrp.Ask{Cause: one, Interfaces: []string{"eth0", "eth1"}}}},
				{alone, []vrrp.Effect{vrrp.Ask{Cause: two, Interfaces: []string{"eth1", "eth2"}}}},
			},
			Orders{Ask: []string{"eth0", "eth1", "eth2"}}},
		{"nothing", []given{{pair, nil}}, Orders{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got Orders
			for _, g := range tt.given {
				got.translate(g.group, g.effects)
			}
			if d := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestStartOrderLeavesRoomForTheTrailer checks that with an HMAC the messages end in room for the
// trailer and the engine receives the key that signs, and that with receive-only neither is so.
func TestStartOrderLeavesRoomForTheTrailer(t *testing.T) {
	in := member("a", "", event.IPv6, "fe80::1")
	source := netip.MustParseAddr("fe80::11")
	order := func(h *vrrp.HMAC) advert.Order {
		in.HMAC = h
		return startOrder(vrrp.Advertise{Instance: &in, Index: 4, Source: source, Priority: in.Priority})
	}
	plain := order(nil).Advert
	length := len(plain.Copies[0].Advert)
	key := wire.NewSecret(make([]byte, wire.MinKey))
	h := vrrp.HMAC{Keys: map[uint8]wire.Secret{7: key}, Active: 7, Window: 5 * time.Second}
	for _, mode := range []vrrp.AuthMode{vrrp.Enforce, vrrp.Permissive} {
		h.Mode = mode
		f := order(&h).Advert
		c := f.Copies[0]
		if len(c.Advert) != length+wire.TrailerLen || len(c.Resign) != len(c.Advert) || f.Window != h.Window {
			t.Fatalf("mode %d: %+v", mode, f)
		}
		f.Key.Sign(c.Advert, source, 42)
		if trailer, err := wire.ReadTrailer(c.Advert); err != nil || trailer.KeyID != 7 || !wire.NewKey(7, key).Verifies(c.Advert, source) {
			t.Errorf("mode %d: signed as %+v, %v", mode, trailer, err)
		}
	}
	h.Mode = vrrp.ReceiveOnly
	if f := order(&h).Advert; f.Key != nil || len(f.Copies[0].Advert) != length {
		t.Errorf("receive-only: %+v", f)
	}
}
