package link

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/event"
)

func secondary(a *Assigned)  { a.Secondary = true }
func marked(a *Assigned)     { a.Marked = true }
func unready(a *Assigned)    { a.Unready = true }
func duplicate(a *Assigned)  { a.Duplicate = true }
func deprecated(a *Assigned) { a.Deprecated = true }
func hostScope(a *Assigned)  { a.Scope = 254 }

func TestSources(t *testing.T) {
	seen := func(prefix string, change ...func(*Assigned)) Observation {
		return AddressSeen{address(2, prefix, change...)}
	}
	gone := func(prefix string) Observation { return AddressGone{address(2, prefix)} }
	type step struct {
		observe Observation
		want    string // the source from now on; "" if none
	}
	for name, steps := range map[string][]step{
		"the first is kept": {
			{seen("10.0.0.1/24"), "10.0.0.1"}, {seen("10.0.1.1/24"), "10.0.0.1"}, {gone("10.0.1.1/24"), "10.0.0.1"},
		},
		"the next follows": {
			{seen("10.0.0.1/24"), "10.0.0.1"}, {seen("10.0.1.1/24"), "10.0.0.1"}, {gone("10.0.0.1/24"), "10.0.1.1"},
			{seen("10.0.0.1/24"), "10.0.1.1"}, {gone("10.0.1.1/24"), "10.0.0.1"}, {gone("10.0.0.1/24"), ""},
		},
		"never what is ours":     {{seen("10.0.0.9/24", marked), ""}, {seen("10.0.0.1/24"), "10.0.0.1"}, {gone("10.0.0.1/24"), ""}},
		"a secondary if need be": {{seen("10.0.0.9/24", secondary), "10.0.0.9"}, {seen("10.0.0.1/24"), "10.0.0.1"}},
		"make before break": {
			{seen("10.0.0.1/24"), "10.0.0.1"}, {seen("10.0.0.2/24", secondary), "10.0.0.1"}, {gone("10.0.0.1/24"), "10.0.0.2"},
			{seen("10.0.0.2/24"), "10.0.0.2"},
		},
		"beside a virtual address": {{seen("10.0.0.9/24", marked), ""}, {seen("10.0.0.2/24", secondary), "10.0.0.2"}},
		"a shared one without our mark if need be": {
			{seen("10.0.0.200/24"), "10.0.0.200"}, {seen("10.0.1.1/24", secondary), "10.0.1.1"}, {gone("10.0.1.1/24"), "10.0.0.200"},
		},
		"link scope if need be":    {{seen("169.254.0.1/16", hostScope), "169.254.0.1"}, {seen("10.0.0.1/24"), "10.0.0.1"}, {gone("10.0.0.1/24"), "169.254.0.1"}},
		"another prefix length":    {{seen("10.0.0.1/24"), "10.0.0.1"}, {seen("10.0.0.1/32"), "10.0.0.1"}, {gone("10.0.0.1/24"), "10.0.0.1"}},
		"IPv6 global is none":      {{seen("2001:db8::1/64"), ""}},
		"IPv6 link-local":          {{seen("fe80::1/64"), "fe80::1"}, {seen("fe80::2/64"), "fe80::1"}, {gone("fe80::1/64"), "fe80::2"}},
		"tentative":                {{seen("fe80::1/64", unready), ""}, {seen("fe80::1/64"), "fe80::1"}, {seen("fe80::1/64", unready), ""}},
		"the present is kept":      {{seen("fe80::1/64", unready), ""}, {seen("fe80::2/64"), "fe80::2"}, {seen("fe80::1/64"), "fe80::2"}},
		"IPv6 never what is ours":  {{seen("fe80::9/64", marked), ""}},
		"deprecated if need be":    {{seen("fe80::9/64", deprecated), "fe80::9"}, {seen("fe80::1/64"), "fe80::1"}},
		"an address goes unlisted": {{gone("10.0.0.1/24"), ""}},
	} {
		t.Run(name, func(t *testing.T) {
			table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: plain, Sources: Sources{Virtual: []netip.Addr{netip.MustParseAddr("10.0.0.200")}}})
			table.Observe(links(Initial, up(2, "eth0")), time.Unix(0, 0))
			var fact event.Link
			for i, s := range steps {
				out := table.Observe(s.observe, time.Unix(int64(i), 0))
				if len(out.Addresses) != 1 || len(out.Facts) > 0 {
					t.Fatalf("step %d: %d address facts, facts %+v", i, len(out.Addresses), out.Facts)
				}
				for _, f := range rest(table, time.Unix(int64(i), 0)).Facts {
					fact = f
				}
				got := fact.Primary4
				if !got.IsValid() {
					got = fact.LinkLocal6
				}
				if want, _ := netip.ParseAddr(s.want); got != want {
					t.Fatalf("step %d: source %v, want %v", i, got, want)
				}
			}
		})
	}
}

// rest lets the burst of changes that ended at the instant at be evaluated.
func rest(t *Table, at time.Time) Outcome {
	if due, ok := t.Deadline(); !ok || due.Sub(at) > batchQuiet {
		return Outcome{}
	}
	return t.Observe(Elapsed{}, at.Add(batchQuiet))
}

// TestNamedSources requires that an address named by an instance is listed while it is present and
// usable, and that the list keeps its pointer while it is the same.
func TestNamedSources(t *testing.T) {
	table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: plain, Sources: Sources{Named: []netip.Addr{netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("2001:db8::7")}}})
	table.Observe(links(Initial, up(2, "eth0")), time.Unix(0, 0))
	var last event.Link
	for i, s := range []struct {
		observe Observation
		want    string
		facts   int
	}{
		{AddressSeen{address(2, "10.0.0.1/24")}, "[10.0.0.1/24]", 1},
		{AddressSeen{address(2, "10.0.0.7/24", secondary)}, "[10.0.0.1/24 10.0.0.7/24]", 1},
		{AddressSeen{address(2, "2001:db8::7/64", unready)}, "[10.0.0.1/24 10.0.0.7/24]", 0},
		{AddressSeen{address(2, "2001:db8::7/64")}, "[10.0.0.1/24 2001:db8::7/64 10.0.0.7/24]", 1},
		{AddressSeen{address(2, "10.0.0.7/24", secondary, deprecated)}, "[10.0.0.1/24 2001:db8::7/64 10.0.0.7/24]", 0},
		{AddressGone{address(2, "10.0.0.7/24")}, "[10.0.0.1/24 2001:db8::7/64]", 1},
		{AddressSeen{address(2, "2001:db8::7/64", marked)}, "[10.0.0.1/24]", 1},
	} {
		at := time.Unix(int64(i), 0)
		table.Observe(s.observe, at)
		out := rest(table, at)
		for _, f := range out.Facts {
			last = f
		}
		got := []netip.Prefix{}
		if last.Sources != nil {
			got = *last.Sources
		}
		if fmt.Sprint(got) != s.want || len(out.Facts) != s.facts {
			t.Errorf("step %d: sources %v in %d facts, want %s in %d", i, got, len(out.Facts), s.want, s.facts)
		}
	}
}

// TestGlobalSources requires that global IPv6 addresses are sources where unicast adverts need one,
// except those that ripcord added, and that none is the link-local one.
func TestGlobalSources(t *testing.T) {
	for _, c := range []struct {
		global bool
		want   string
	}{{false, "[fe80::2/64]"}, {true, "[fe80::2/64 2001:db8:1::2/64 2001:db8:2::2/64]"}} {
		table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: plain, Sources: Sources{Global: c.global}})
		table.Observe(links(Initial, up(2, "eth0")), time.Unix(0, 0))
		var last event.Link
		for i, a := range []Assigned{
			address(2, "fe80::2/64"), address(2, "2001:db8:1::9/64", marked), address(2, "2001:db8:1::2/64"),
			address(2, "2001:db8:1::3/64", deprecated), address(2, "2001:db8:2::2/64"),
		} {
			at := time.Unix(int64(i), 0)
			table.Observe(AddressSeen{a}, at)
			for _, f := range rest(table, at).Facts {
				last = f
			}
		}
		if got := fmt.Sprint(*last.Sources); got != c.want || last.LinkLocal6.String() != "fe80::2" {
			t.Errorf("global %t: sources %s, link-local %v, want %s", c.global, got, last.LinkLocal6, c.want)
		}
	}
}

// TestAddressBeforeLink tests both orders: the link's message first, or its addresses' first.
func TestAddressBeforeLink(t *testing.T) {
	table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: plain})
	table.Observe(links(Initial), time.Unix(0, 0))
	table.Observe(AddressSeen{address(2, "10.0.0.1/24")}, time.Unix(0, 0))
	out := table.Observe(LinkSeen{up(2, "eth0")}, time.Unix(0, 0))
	if len(out.Facts) != 1 || out.Facts[0].Primary4 != netip.MustParseAddr("10.0.0.1") {
		t.Fatalf("facts %+v", out.Facts)
	}
}

func TestAddressesResync(t *testing.T) {
	table, at := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: plain}), time.Unix(0, 0)
	all := func(reason Resync, list ...Assigned) Outcome {
		return table.Observe(Dump{Reason: reason, OfAddresses: true, Addresses: list}, at)
	}
	table.Observe(Dump{Reason: Initial, OfLinks: true, OfAddresses: true, Links: []Seen{up(2, "eth0")}, Addresses: []Assigned{
		address(2, "10.0.0.1/24"), address(2, "10.0.0.9/24", secondary, marked), address(3, "10.0.1.1/24"),
	}}, at)
	if out := all(Audit, address(2, "10.0.0.9/24", secondary, marked), address(3, "10.0.1.1/24"), address(2, "10.0.0.1/24")); !out.Empty() {
		t.Fatalf("the same list in another order is a difference: %+v", out)
	}
	out := all(Overrun, address(2, "10.0.0.9/24", marked), address(4, "10.0.2.1/24"))
	type change struct {
		Index, Removals int
		Prefix          string
		Present, Marked bool
	}
	var got []change
	for _, a := range out.Addresses {
		got = append(got, change{a.Index, a.Removals, a.Prefix.String(), a.Present, a.Marked})
	}
	want := []change{
		{2, 1, "10.0.0.1/24", false, false},
		{3, 1, "10.0.1.1/24", false, false},
		{2, 0, "10.0.0.9/24", true, true},
		{4, 0, "10.0.2.1/24", true, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(out.Facts) != 1 || out.Facts[0].Primary4.IsValid() {
		t.Errorf("facts %+v, want one without a primary address", out.Facts)
	}
	if e, ok := out.Events[0].(event.LinkResync); !ok || e.Differences != 5 {
		t.Errorf("event %+v", out.Events)
	}
}
