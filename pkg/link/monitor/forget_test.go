package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
)

// TestNamesThatAreGone: on a machine with containers, ever new names appear and disappear. The
// monitor keeps nothing about a name that has gone, except a configured one: its subscribers must
// learn that it does not exist.
func TestNamesThatAreGone(t *testing.T) {
	facts := bus.NewRetained[string, event.Link]()
	m := newMonitor(Config{
		Watched: []string{"eth0", "eth1"}, Facts: facts, Addresses: &bus.Topic[event.Address]{},
		Events: &bus.Topic[event.Event]{}, Minter: event.NewMinter(1),
	}, nil)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	named := func(index int, name string) link.Seen {
		return link.Seen{Index: index, Name: name, AdminUp: true, LowerUp: true, OperState: event.OperUp}
	}
	m.observe(link.Dump{Reason: link.Initial, OfLinks: true, OfAddresses: true, Links: []link.Seen{named(1, "lo"), named(2, "eth0"), named(3, "x")}}, at)
	for i := range 20000 {
		m.observe(link.LinkSeen{Link: named(3, fmt.Sprintf("v%d", i))}, at)       // renamed
		m.observe(link.LinkSeen{Link: named(10+i, fmt.Sprintf("veth%d", i))}, at) // made
		m.observe(link.LinkGone{Index: 10 + i}, at)
	}
	m.observe(link.LinkGone{Index: 2}, at)
	remembers := func(want ...string) {
		t.Helper()
		var got []string
		for _, l := range facts.Snapshot() {
			got = append(got, fmt.Sprintf("%s %d", l.Name, l.Index))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("remembers %q, want %q", got, want)
		}
	}
	remembers("eth0 0", "eth1 0", "lo 1", "v19999 3")
	m.observe(link.LinkSeen{Link: named(3, "eth1")}, at)
	remembers("eth0 0", "eth1 3", "lo 1")
}
