package link

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
)

// reasons returns the lines with a reason, and their traces.
func reasons(events []event.Event) string {
	var said []string
	for _, e := range events {
		if c, ok := e.(event.LinkChanged); ok && (c.Kind == event.LinkDown || c.Kind == event.LinkReason) {
			said = append(said, fmt.Sprintf("%s #%d: %s", c.Kind, c.Cause.Trace, c.Message()))
		}
	}
	return strings.Join(said, "; ")
}

// TestReasonOfALoss requires that the reason follows the loss and bears its trace.
func TestReasonOfALoss(t *testing.T) {
	why := func(index int, birth uint64, s string) Observation {
		return Explained{Index: index, Birth: birth, Reason: s}
	}
	start := observed{observe: links(Initial, up(2, "eth0"))}
	pulled := observed{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "link.down #2: eth0 is not usable: no carrier"}
	for name, steps := range map[string][]observed{
		"after it":             {start, pulled, {observe: why(2, 1, "no cable"), want: "link.reason #2: eth0 is not usable: no carrier (no cable)"}},
		"logged once":          {start, pulled, {observe: why(2, 1, "no cable"), want: "link.reason #2: eth0 is not usable: no carrier (no cable)"}, {observe: why(2, 1, "overheat")}, {observe: LinkSeen{up(2, "eth0", noCarrier, mtu(9000))}}},
		"the driver has none":  {start, pulled, {observe: why(2, 1, "")}, {observe: why(2, 1, "no cable")}},
		"of a predecessor":     {start, pulled, {observe: why(2, 7, "no cable")}},
		"when it is back":      {start, pulled, {observe: LinkSeen{up(2, "eth0", lost(1))}}, {observe: why(2, 1, "no cable")}},
		"not by an admin":      {start, {observe: LinkSeen{up(2, "eth0", adminDown, noCarrier)}, want: "link.down #2: eth0 is not usable: administratively down"}, {observe: why(2, 1, "no cable")}},
		"asked, not announced": {start, {observe: confirm(2, 1, true)}, {observe: confirm(2, 1, false), want: "link.down #2: eth0 is not usable: no carrier"}, {observe: why(2, 1, "no cable"), want: "link.reason #2: eth0 is not usable: no carrier (no cable)"}},
		"forgotten with the loss": {start, pulled, {observe: why(2, 1, "no cable"), want: "link.reason #2: eth0 is not usable: no carrier (no cable)"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}},
			{observe: LinkSeen{up(2, "eth0", lost(1), noCarrier)}, want: "link.down #4: eth0 is not usable: no carrier"},
			{observe: why(2, 1, "cable issue"), want: "link.reason #4: eth0 is not usable: no carrier (cable issue)"}},
		"in the event itself where the loss is held back": {{set: delays(time.Second, 0), observe: links(Initial, up(2, "eth0"))},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}}, {observe: why(2, 1, "no cable")},
			{observe: Elapsed{}, after: time.Second, want: "link.down #4: eth0 is not usable: no carrier (no cable)"}},
		"of what it stands on": {{observe: links(Initial, up(2, "eth0", on(7)), up(7, "nic"))},
			{observe: LinkSeen{up(7, "nic", noCarrier)}, want: "link.down #2: eth0 is not usable: its parent is down"},
			{observe: why(7, 2, "no cable"), want: "link.reason #2: eth0 is not usable: its parent is down (no cable)"}},
		"of an unwatched one": {start, {observe: LinkSeen{up(3, "eth1")}}, {observe: LinkSeen{up(3, "eth1", noCarrier)}}, {observe: why(3, 2, "no cable")}},
	} {
		t.Run(name, func(t *testing.T) {
			at, settings := time.Unix(1000, 0), steps[0].set
			table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: settings})
			for i, s := range steps {
				at = at.Add(s.after)
				if got := reasons(table.Observe(s.observe, at).Events); got != s.want {
					t.Fatalf("step %d\ngot  %s\nwant %s", i, got, s.want)
				}
			}
		})
	}
}
