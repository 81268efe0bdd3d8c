package link

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
)

func called(names ...string) change { return func(s *Seen) { s.AltNames = names } }
func portOf(n int, kind string) change {
	return func(s *Seen) { s.Master, s.MasterKind = n, kind }
}

// TestAlternativeNames requires that a link is published and logged under its name in the
// configuration.
func TestAlternativeNames(t *testing.T) {
	byAlt := []string{"wan0"}
	start := observed{watch: byAlt, observe: links(Initial, up(2, "eth0", called("wan0", "enp1s0"))), want: "eth0[2] up\nwan0[2] up\n"}
	for name, steps := range map[string][]observed{
		"it is as good as any": {start,
			{observe: LinkSeen{up(2, "eth0", called("wan0"), noCarrier)}, want: "eth0[2] out -1\nwan0[2] out -1\nlink.down wan0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0", called("wan0"), lost(1))}, want: "eth0[2] up\nwan0[2] up\nlink.up wan0 by notification\n"},
			{observe: LinkGone{2}, want: "wan0 gone -1\neth0 gone -1\nlink.removed wan0 by notification\n"},
			{observe: LinkSeen{up(3, "eth0", called("wan0"))}, want: "eth0[3] up\nwan0[3] up\nlink.added wan0 by notification\nlink.up wan0 by notification\n"},
		},
		"it comes at run time, and goes": {
			{watch: byAlt, observe: links(Initial, up(2, "eth0")), want: "eth0[2] up\nwan0 gone\n"},
			{observe: LinkSeen{up(2, "eth0", called("wan0"))}, want: "wan0[2] up\n"},
			{observe: LinkSeen{up(2, "eth0", called("wan0"))}},
			{observe: LinkSeen{up(2, "eth0")}, want: "wan0 gone -1\n"},
		},
		"it moves to another link": {start,
			{observe: LinkSeen{up(3, "eth1", called("wan0"))}, want: "wan0 gone -1\neth1[3] up\nwan0[3] up\nlink.added wan0 by notification\nlink.up wan0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0")}},
		},
		"the link is renamed and keeps it": {start,
			{observe: LinkSeen{up(2, "eth7", called("wan0"))},
				want: "eth0 gone -1\neth7[2] up\nwan0[2] up\nlink.renamed wan0 by notification was eth0\nlink.up wan0 by notification\n"},
		},
		"the own name becomes an alternative one": {
			{observe: links(Initial, up(2, "eth0")), want: "eth0[2] up\n"},
			{observe: LinkSeen{up(2, "enp1s0", called("eth0"))},
				want: "enp1s0[2] up\neth0[2] up\nlink.renamed eth0 by notification was eth0\nlink.up eth0 by notification\n"},
		},
		"the alternative name becomes the own one": {start,
			{observe: LinkSeen{up(2, "wan0")}, want: "eth0 gone -1\nwan0[2] up\nlink.renamed wan0 by notification was eth0\nlink.up wan0 by notification\n"},
		},
		"one that nobody uses is not published": {
			{observe: links(Initial, up(2, "eth0", called("enp1s0"))), want: "eth0[2] up\n"},
			{observe: LinkSeen{up(2, "eth0", called("enp1s0", "enx1"), noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
		},
		"a dump finds it": {start,
			{observe: links(Audit, up(2, "eth0")), want: "wan0 gone -1\nlink.resync audit links=1 differences=1\n"},
		},
	} {
		t.Run(name, func(t *testing.T) { play(t, steps) })
	}
}

// TestAskedByAnAlternativeName requires that a link with an alternative name is asked once, with
// its settings, whichever name has them.
func TestAskedByAnAlternativeName(t *testing.T) {
	table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"wan0"}, Default: plain,
		Links: map[string]Settings{"enp1s0": {Monitor: Auto, Confirm: time.Second, Poll: time.Minute}}})
	table.Observe(links(Initial, up(2, "eth0", called("wan0", "enp1s0"))), time.Unix(0, 0))
	targets := table.Targets(nil, []string{"wan0", "eth0"})
	if len(targets) != 1 || targets[0].Name != "eth0" || targets[0].Every != time.Second {
		t.Errorf("asked %+v", targets)
	}
	if all := table.Unexamined(nil); len(all) != 1 || all[0].Name != "eth0" {
		t.Errorf("unexamined %+v", all)
	}
	listed := table.Links("wan0", "eth9", "eth0")
	if len(listed) != 2 || listed[0].Name != "wan0" || listed[0].Own() != "eth0" || listed[1].Name != "eth0" || listed[1].Own() != "eth0" {
		t.Errorf("listed %+v", listed)
	}
}

// TestPorts: a port of a bridge, a switch or a bond receives nothing, whatever its carrier; a port
// of a VRF receives. A link stacked on a port is not affected.
func TestPorts(t *testing.T) {
	for name, steps := range map[string][]observed{
		"becomes one and is released": {
			{observe: links(Initial, up(2, "eth0"), up(9, "br0")), want: "eth0[2] up\nbr0[9] up\n"},
			{observe: LinkSeen{up(2, "eth0", portOf(9, "bridge"))}, want: "eth0[2] barred -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0", portOf(9, "bridge"), noCarrier)}, want: "eth0[2] out\n"},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, want: "eth0[2] up\nlink.up eth0 by notification\n"},
		},
		"is one at the start":     {{observe: links(Initial, up(2, "eth0", portOf(9, "openvswitch"))), want: "eth0[2] barred\n"}},
		"of a bond":               {{observe: links(Initial, up(2, "eth0", portOf(9, "bond"))), want: "eth0[2] barred\n"}},
		"of what has no kind":     {{observe: links(Initial, up(2, "eth0", portOf(9, ""))), want: "eth0[2] barred\n"}},
		"of a VRF hears":          {{observe: links(Initial, up(2, "eth0", portOf(9, "vrf"))), want: "eth0[2] up\n"}},
		"what stands on it hears": {{observe: links(Initial, up(2, "eth0", on(3)), up(3, "nic", portOf(9, "bridge"))), want: "eth0[2] up\nnic[3] barred\n"}},
	} {
		t.Run(name, func(t *testing.T) { play(t, steps) })
	}
}

// TestPortNamesItsMaster requires that the fact names the device, and so does the log.
func TestPortNamesItsMaster(t *testing.T) {
	table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: plain})
	out := table.Observe(links(Initial, up(2, "eth0", portOf(9, "bridge")), up(9, "br0")), time.Unix(0, 0))
	if got := out.Facts[0]; got.Master != "br0 (bridge)" || got.Trouble() != "it is a port of br0 (bridge), which takes all that arrives on it" {
		t.Errorf("master %q, trouble %q", got.Master, got.Trouble())
	}
}

// TestSourceOnALoopback: a source that an instance names may be on a loopback link.
func TestSourceOnALoopback(t *testing.T) {
	local := func(s *Seen) { s.Local = true }
	named := netip.MustParseAddr("10.255.0.1")
	table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: plain, Sources: Sources{Named: []netip.Addr{named}}})
	var eth0 event.Link
	at := time.Unix(0, 0)
	observe := func(o Observation, want bool) {
		t.Helper()
		at = at.Add(time.Second)
		for _, out := range []Outcome{table.Observe(o, at), rest(table, at)} {
			for _, f := range out.Facts {
				if f.Name == "eth0" {
					eth0 = f
				}
			}
		}
		if eth0.Has(named) != want {
			t.Fatalf("after %+v: sources %v, want it among them: %v", o, eth0.Sources, want)
		}
	}
	observe(links(Initial, up(1, "lo", local), up(2, "eth0"), up(3, "dummy0", local), up(4, "eth1")), false)
	observe(AddressSeen{address(1, "10.255.0.1/32")}, true)
	observe(AddressGone{address(1, "10.255.0.1/32")}, false)
	observe(AddressSeen{address(3, "10.255.0.1/32")}, true)
	observe(LinkGone{3}, false)
	observe(AddressSeen{address(4, "10.255.0.1/32")}, false) // of another NIC
	observe(AddressSeen{address(1, "10.255.0.1/32", marked)}, false)
	observe(AddressSeen{address(1, "10.255.0.1/32")}, true)
	observe(LinkGone{2}, false)
	observe(LinkSeen{up(5, "eth0")}, true)
}

// TestBurstOfAddresses: an address that replaces another is chosen when the burst is over; no fact
// without an address is published in between.
func TestBurstOfAddresses(t *testing.T) {
	table, at := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: plain}), time.Unix(0, 0)
	table.Observe(Dump{Reason: Initial, OfLinks: true, OfAddresses: true, Links: []Seen{up(2, "eth0")},
		Addresses: []Assigned{address(2, "192.0.2.11/24")}}, at)
	for i, o := range []Observation{
		AddressGone{address(2, "192.0.2.11/24")}, AddressSeen{address(2, "192.0.2.12/24", secondary)},
		AddressSeen{address(2, "192.0.2.12/24")},
	} {
		at = at.Add(batchQuiet / 2)
		if out := table.Observe(o, at); len(out.Facts) > 0 {
			t.Fatalf("step %d: %+v", i, out.Facts)
		}
		if out := table.Observe(Elapsed{}, at); len(out.Facts) > 0 {
			t.Fatalf("step %d, elapsed: %+v", i, out.Facts)
		}
	}
	out := rest(table, at)
	if len(out.Facts) != 1 || out.Facts[0].Primary4.String() != "192.0.2.12" {
		t.Fatalf("facts %+v", out.Facts)
	}
	// A burst that does not end is evaluated all the same.
	begun := at
	for out = (Outcome{}); len(out.Facts) == 0; at = at.Add(batchQuiet / 2) {
		if at.Sub(begun) > 2*maxBatch {
			t.Fatal("a burst without end was never evaluated")
		}
		table.Observe(AddressGone{address(2, "192.0.2.12/24")}, at)
		out = table.Observe(Elapsed{}, at)
	}
}

// TestDuplicateAddress requires that a duplicate address is named, unless another one may be the
// source anyway.
func TestDuplicateAddress(t *testing.T) {
	table, at := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: plain}), time.Unix(0, 0)
	table.Observe(links(Initial, up(2, "eth0")), at)
	for i, s := range []struct {
		observe Observation
		want    string
	}{
		{AddressSeen{address(2, "fe80::1/64", unready)}, "invalid IP"},
		{AddressSeen{address(2, "fe80::1/64", unready, duplicate)}, "fe80::1"},
		{AddressSeen{address(2, "2001:db8::1/64", unready, duplicate)}, "fe80::1"},
		{AddressGone{address(2, "fe80::1/64")}, "invalid IP"},
	} {
		at = at.Add(time.Second)
		table.Observe(s.observe, at)
		rest(table, at)
		if got := table.Links("eth0")[0].Duplicate.String(); got != s.want {
			t.Errorf("step %d: %s, want %s", i, got, s.want)
		}
	}
}

// TestTableForgetsNames requires that the table keeps nothing about links and names that are gone.
func TestTableForgetsNames(t *testing.T) {
	table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0", "eth1"}, Default: plain})
	at := time.Unix(0, 0)
	table.Observe(links(Initial, up(1, "lo"), up(2, "eth0"), up(3, "x")), at)
	for i := range 1000 {
		table.Observe(LinkSeen{Link: up(3, fmt.Sprintf("v%d", i))}, at)       // renamed
		table.Observe(LinkSeen{Link: up(10+i, fmt.Sprintf("veth%d", i))}, at) // made
		table.Observe(LinkGone{Index: 10 + i}, at)
	}
	table.Observe(LinkGone{Index: 2}, at)
	if n := len(table.order) + len(table.byIndex) + len(table.byName) + len(table.addresses.byLink); n != 6 {
		t.Errorf("the table has %d entries for two links", n)
	}
}
