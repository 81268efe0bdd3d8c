package receive

import (
	"net/netip"
	"strings"
	"testing"

	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// TestOwnPeers checks that a peer that is an address of the machine is a warning for as long as
// it is; a link-local one only on the instance's own link.
func TestOwnPeers(t *testing.T) {
	four, local := netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("fe80::77")
	instance := func(name string, peer netip.Addr) *vrrp.Instance {
		in := &vrrp.Instance{Unicast: vrrp.Unicast{Peers: []netip.Addr{peer}}}
		in.Virtual = event.Virtual{Name: name, Interface: "eth0", Family: event.FamilyOf(peer)}
		return in
	}
	var logged []string
	warnings := event.NewWarnings(func(e event.Event) { logged = append(logged, e.Message()) })
	p := newPeers([]*vrrp.Instance{instance("four", four), instance("six", local), {}}, warnings)
	for i, step := range []struct {
		link event.Link
		want string
	}{
		{event.Link{Name: "eth0", Primary4: adverttest.Own4}, ""},
		{event.Link{Name: "eth1", Primary4: four, LinkLocal6: local}, "four"},
		{event.Link{Name: "eth0", Sources: &[]netip.Prefix{netip.PrefixFrom(local, 64)}}, "four six"},
		{event.Link{Name: "eth0"}, "four"},
		{event.Link{Name: "eth1"}, ""},
	} {
		p.follow(step.link, event.Stamp{At: adverttest.T0})
		var got []string
		for _, w := range warnings.All() {
			got = append(got, w.Instance)
		}
		if s := strings.Join(got, " "); s != step.want {
			t.Errorf("step %d: warnings of %q, want %q", i, s, step.want)
		}
	}
	if len(logged) == 0 || !strings.Contains(logged[0], "192.0.2.77") {
		t.Errorf("logged %q", logged)
	}
}
