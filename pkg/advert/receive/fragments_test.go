package receive

import (
	"net/netip"
	"strings"
	"testing"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// TestFragments checks that adverts larger than the MTU are a warning with the values, from the
// first byte on and for as long as the MTU is that small, over either family; from a virtual MAC
// they are a fault instead.
func TestFragments(t *testing.T) {
	for _, c := range []struct {
		family event.Family
		first  string
		least  int // the MTU that carries 20 addresses
	}{
		{event.IPv4, "192.0.2.1", 20 + 8 + 20*4},
		{event.IPv6, "2001:db8::1", 40 + 8 + 20*16},
	} {
		in := &vrrp.Instance{Virtual: event.Virtual{Name: "inside", Interface: "eth0", VRID: 51, Family: c.family}}
		for a := netip.MustParseAddr(c.first); len(in.Addresses) < 20; a = a.Next() {
			in.Addresses = append(in.Addresses, a)
		}
		hidden := *in
		hidden.Name, hidden.VirtualMAC = "hidden", true
		in.VirtualMAC, in.LinkMACAdverts = true, true
		var logged []string
		warnings := event.NewWarnings(func(e event.Event) { logged = append(logged, e.Message()) })
		f := fragments{[]*vrrp.Instance{in, &hidden}, warnings}
		for _, step := range []struct {
			name string
			mtu  int
			want int
		}{{"eth0", 0, 0}, {"eth0", c.least, 0}, {"eth1", c.least - 1, 0}, {"eth0", c.least - 1, 1}, {"eth1", 1500, 1}, {"eth0", 1500, 0}} {
			f.follow(event.Link{Name: step.name, MTU: step.mtu}, event.Stamp{})
			all := warnings.All()
			if len(all) != step.want {
				t.Errorf("%v: MTU %d of %s: warnings %v", c.family, step.mtu, step.name, all)
			}
			for _, w := range all {
				if w.Reason != event.WarnFragments || w.Instance != "inside" || !strings.Contains(w.Text, "eth0 is") || w.Level() != event.Error {
					t.Errorf("%+v", w)
				}
			}
		}
		if len(logged) != 2 {
			t.Errorf("logged %q, want that it begins and ends", logged)
		}
	}
}
