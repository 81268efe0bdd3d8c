package link

import (
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
)

// TestReconfigured applies a new configuration: a link that was watched keeps its state, a new one
// is watched with its sources at once, a name without a link is published as absent, and other
// settings apply.
func TestReconfigured(t *testing.T) {
	at := time.Unix(1000, 0)
	table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: Settings{Confirm: time.Second}})
	table.Observe(Dump{
		Reason: Initial, OfLinks: true, OfAddresses: true, Links: []Seen{up(2, "eth0"), up(3, "eth1")},
		Addresses: []Assigned{{Index: 3, Prefix: netip.MustParsePrefix("192.0.2.7/24")}},
	}, at)
	before := table.Links("eth0")[0]
	if !before.Unchanged {
		t.Error("eth0 counts as changed because it was found")
	}
	if got := table.Targets(nil, []string{"eth0", "eth1"}); len(got) != 2 || got[0].Every != time.Second {
		t.Fatalf("targets %+v", got)
	}

	out := table.Observe(Reconfigured{
		Watched: []string{"eth0", "eth1", "eth9"}, Default: Settings{Confirm: 10 * time.Millisecond, DownDelay: time.Minute},
	}, at.Add(time.Second))
	if got, want := lines(out), "eth1[3] up\neth9 gone\n"; got != want {
		t.Errorf("published %q, want %q", got, want)
	}
	if len(out.Facts) > 0 && out.Facts[0].Primary4 != netip.MustParseAddr("192.0.2.7") {
		t.Errorf("its source is %v", out.Facts[0].Primary4)
	}
	if !out.Replan {
		t.Error("no new plan was requested")
	}
	if got := table.Targets(nil, []string{"eth0"}); got[0].Every != 10*time.Millisecond {
		t.Errorf("targets %+v", got)
	}
	if got := table.Links("eth0")[0]; got.LastChange != before.LastChange || got.Seq != before.Seq {
		t.Errorf("eth0 changed: %+v", got)
	}

	// The new delay applies to a loss.
	out = table.Observe(LinkSeen{up(2, "eth0", noCarrier)}, at.Add(2*time.Second))
	if got := lines(out); got != "" && got != "eth0[2] up\n" {
		t.Errorf("a loss is published at once: %q", got)
	}
	// A link that is no longer watched is not logged any more.
	table.Observe(Reconfigured{Watched: []string{"eth0"}}, at.Add(3*time.Second))
	out = table.Observe(LinkSeen{up(3, "eth1", noCarrier)}, at.Add(4*time.Second))
	if table.Links("eth1")[0].Unchanged {
		t.Error("eth1 lost its carrier, and has not changed")
	}
	if len(out.Events) > 0 {
		t.Errorf("it is logged: %q", lines(out))
	}
	if table.Watches("eth9") {
		t.Error("eth9 is still watched")
	}
}
