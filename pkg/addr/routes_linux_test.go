package addr

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/route"
)

// marked lists the routes and rules that bear the mark.
func marked(t *testing.T, k *route.LinuxKernel) (texts []string) {
	t.Helper()
	all, err := k.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range all {
		texts = append(texts, op.String())
	}
	return texts
}

// TestLiveRoutes tests routes and rules on the real kernel: the leftovers of a crashed run are
// removed, what another program removes is restored at once, and others' routes stay.
func TestLiveRoutes(t *testing.T) {
	near, _ := cable(t)
	k := kernel(t)
	r, err := route.OpenKernel()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if errs := r.Add([]route.Op{{Entry: route.Rule{Family: event.IPv4, Table: 1001, Priority: 700}}}); errs[0] != nil { // a run that crashed
		t.Fatal(errs[0])
	}
	ip(t, "rule", "add", "from", "10.9.0.0/16", "lookup", "77", "priority", "701")
	defer ip(t, "rule", "del", "priority", "701")
	l := newLive(t, k, near, Set{
		Addresses: []Address{{Prefix: vip4, Interface: near}, {Prefix: vip6, Interface: near}}, Routes: []route.Entry{
			route.Route{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.254"), Interface: near, Table: route.MainTable},
			route.Route{To: netip.MustParsePrefix("2001:db8:1::/48"), Interface: near, Table: route.MainTable, Source: vip6.Addr()},
			route.Rule{Family: event.IPv4, From: netip.MustParsePrefix("10.1.0.0/16"), Table: 1000, Priority: 500},
		},
	})
	l.wait(t, "route.removed")
	if got := marked(t, r); len(got) != 0 {
		t.Errorf("leftovers of a crashed run: %v", got)
	}
	l.order(Hold)
	l.wait(t, "route.added")
	for _, del := range []string{"route del default", "-6 route del 2001:db8:1::/48", "rule del priority 500"} {
		at := time.Now()
		ip(t, strings.Fields(del)...)
		l.wait(t, "route.restored")
		if took := time.Since(at); took > 5*time.Second {
			t.Errorf("%s: restored only after %v, so there was no notification", del, took)
		}
	}
	if got := marked(t, r); len(got) != 3 {
		t.Errorf("after all were restored there are %v", got)
	}
	l.order(Release)
	l.wait(t, "route.removed")
	l.order(Hold)
	l.wait(t, "route.added")
	l.stop()
	if got := marked(t, r); len(got) != 0 {
		t.Errorf("left at the end: %v", got)
	}
	if got := ip(t, "rule"); !strings.Contains(got, "from 10.9.0.0/16 lookup 77") {
		t.Errorf("the rule of another program was removed:\n%s", got)
	}
}

// TestListAddressesBesideOthers requires that configuration of other programs does not prevent
// listing addresses.
func TestListAddressesBesideOthers(t *testing.T) {
	near, _ := cable(t)
	k, index := kernel(t), indexOf(t, near)
	ip(t, "addr add 192.0.2.7/24 dev "+near)
	ip(t, "addr add 192.0.2.8 peer 203.0.113.8 dev "+near)
	expect(t, "listed", on(t, k, index), "[192.0.2.7/24 192.0.2.8/32]")
}
