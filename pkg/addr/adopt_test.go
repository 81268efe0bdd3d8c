package addr

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/macvlan/macvlantest"
	"ripcord/pkg/route"
)

// TestAdopt requires that adopted instances are held as found: nothing of them is added, removed or
// announced; everything else that a dead daemon has left is removed.
func TestAdopt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := many(2, Announce{Count: 2, AgainAfter: time.Second, Refresh: time.Minute})
		sets[0].Refuse = true
		mine := route.Rule{Family: event.IPv4, From: netip.MustParsePrefix("10.0.0.0/8"), Table: 100, Priority: 500}
		others := route.Rule{Family: event.IPv4, From: netip.MustParsePrefix("11.0.0.0/8"), Table: 100, Priority: 501}
		sets[0].Routes = []route.Entry{mine}
		left := Standing{eth0, netip.MustParsePrefix("192.0.2.77/24"), true}
		standing := []Standing{{eth0, sets[0].Addresses[0].Prefix, true}, {eth0, sets[0].Addresses[1].Prefix, true}, left}
		r := makeRig(sets, new(fakeFirewall), macvlantest.New(), nil, standing...)
		r.routes.Known = []route.Entry{mine, others}
		for _, e := range r.routes.Known {
			r.routes.Standing[e.String()] = true
		}
		r.Adopt(event.Cause{Trace: 7}, "a")
		r.begin(t)
		expect(t, "batches", r.kernel.batches, "[-1]")
		expect(t, "routes removed", r.routes.Removed, []string{others.String()})
		expect(t, "dropped", len(r.wall.take()), 1)
		r.pass(3 * time.Second)
		expect(t, "frames", len(r.packets.take()), 0)
		if got := r.names(); strings.Contains(got, "added") || strings.Contains(got, "restored") || strings.Contains(got, "failed") {
			t.Errorf("the events are %s", got)
		}
		r.pass(time.Minute)
		expect(t, "frames of the refresh", len(r.packets.take()), 2)
		expect(t, "missing", r.missing(), "[]")

		// From then on the instance is like any other.
		r.do(Reannounce, "a")
		r.pass(time.Second)
		expect(t, "frames when asked for, in two sets", len(r.packets.take()), 8)
		r.kernel.with(func() { r.kernel.drop(event.AddressKey{Index: eth0, Prefix: sets[0].Addresses[0].Prefix}) })
		r.pass(time.Second)
		expect(t, "batches", r.kernel.batches, "[-1 +1]")
		r.do(Release, "a")
		expect(t, "batches", r.kernel.batches, "[-1 +1 -2]")
		if !slices.Contains(r.routes.Removed, mine.String()) {
			t.Errorf("routes removed: %v", r.routes.Removed)
		}
	})
}

// TestAdoptMissing requires that an address that disappears between the look at the machine and the
// start of the worker is added.
func TestAdoptMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := many(2, Announce{Count: 1})
		r := makeRig(sets, new(fakeFirewall), macvlantest.New(), nil, Standing{eth0, sets[0].Addresses[0].Prefix, true})
		r.Adopt(event.Cause{Trace: 7}, "a")
		r.begin(t)
		expect(t, "batches", r.kernel.batches, "[+1]")
		if got := r.names(); !strings.Contains(got, "added") {
			t.Errorf("the events are %s", got)
		}
		if r.packets.take() == nil {
			t.Error("the address was not announced")
		}
	})
}

// TestHandOver requires that at a handover everything held stays.
func TestHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(2, Announce{Count: 1}))
		r.do(Hold, "a")
		r.HandOver()
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		expect(t, "batches", r.kernel.batches, "[+2]")
		expect(t, "standing", len(r.kernel.standing), 2)
	})
}

// TestLacks requires that everything that an instance holds as Active is compared.
func TestLacks(t *testing.T) {
	mac := [6]byte{0, 0, 0x5e, 0, 1, 51}
	rule := route.Rule{Family: event.IPv4, From: netip.MustParsePrefix("10.0.0.0/8"), Table: 100, Priority: 500}
	at, on := netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("198.51.100.1/24")
	set := &Set{
		Instance: "a", Link: "eth0", Device: &macvlan.Device{Name: "vrrp.51", MAC: mac},
		Addresses: []Address{{Prefix: at}, {Prefix: on, Interface: "eth1"}}, Routes: []route.Entry{rule},
	}
	whole := func() *Standings {
		return &Standings{
			Addresses: []Standing{{9, at, true}, {3, on, false}}, Routes: []route.Op{{Entry: rule}},
			Devices: []macvlan.Link{{Index: 2, Name: "eth0"}, {Index: 3, Name: "lan", AltNames: []string{"eth1"}}, {Index: 9, Name: "vrrp.51", Below: 2, MAC: mac, Ours: true, Up: true}},
		}
	}
	for name, c := range map[string]struct {
		change func(*Standings)
		lacks  string
	}{
		"all stands":              {func(*Standings) {}, ""},
		"an address is gone":      {func(s *Standings) { s.Addresses = s.Addresses[1:] }, "192.0.2.1/24"},
		"it is on another link":   {func(s *Standings) { s.Addresses[1].Index = 2 }, "198.51.100.1/24"},
		"a rule is gone":          {func(s *Standings) { s.Routes = nil }, "10.0.0.0/8"},
		"the device is gone":      {func(s *Standings) { s.Devices = s.Devices[:2] }, "vrrp.51"},
		"the device is down":      {func(s *Standings) { s.Devices[2].Up = false }, "vrrp.51"},
		"the link below is other": {func(s *Standings) { s.Devices[2].Below = 7 }, "vrrp.51"},
	} {
		s := whole()
		c.change(s)
		if got := s.Lacks(set); (got == "") != (c.lacks == "") || !strings.Contains(got, c.lacks) {
			t.Errorf("%s: Lacks returns %q, want %q", name, got, c.lacks)
		}
	}
}
