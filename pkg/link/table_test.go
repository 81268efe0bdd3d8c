package link

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/event"
)

// up returns a link without faults.
func up(index int, name string, change ...func(*Seen)) Seen {
	s := Seen{Index: index, Name: name, AdminUp: true, LowerUp: true, OperState: event.OperUp, UpCount: 1, DownCount: 1, MTU: 1500}
	for _, c := range change {
		c(&s)
	}
	return s
}

func noCarrier(s *Seen) { s.LowerUp, s.OperState, s.DownCount = false, event.OperDown, s.DownCount+1 }
func adminDown(s *Seen) { s.AdminUp = false }
func dormant(s *Seen)   { s.OperState = event.OperDormant }
func unknown(s *Seen)   { s.OperState = event.OperUnknown }
func lowerDown(s *Seen) { s.OperState = event.OperLowerLayerDown }
func mtu(n int) change  { return func(s *Seen) { s.MTU = n } }
func on(n int) change   { return func(s *Seen) { s.Parent = n } }
func lost(n int) change { return func(s *Seen) { s.UpCount += uint32(n); s.DownCount += uint32(n) } }

type change = func(*Seen)

// confirm is an answer of the confirmer about the birth-th link of the table.
func confirm(index int, birth uint64, up bool) Observation {
	return &Answer{Source: event.Confirm, Index: index, Birth: birth, Up: up}
}

func links(reason Resync, seen ...Seen) Observation {
	return Dump{Reason: reason, OfLinks: true, Links: seen}
}

// lines formats an outcome as lines: "out" is without a carrier, "barred" is not usable for another
// reason, -n is the number of losses.
func lines(o Outcome) string {
	var b strings.Builder
	for _, f := range o.Facts {
		switch {
		case f.Index == 0:
			fmt.Fprintf(&b, "%s gone", f.Name)
		case f.Usable:
			fmt.Fprintf(&b, "%s[%d] up", f.Name, f.Index)
		case f.Carrier:
			fmt.Fprintf(&b, "%s[%d] barred", f.Name, f.Index)
		default:
			fmt.Fprintf(&b, "%s[%d] out", f.Name, f.Index)
		}
		if f.Downs > 0 {
			fmt.Fprintf(&b, " -%d", f.Downs)
		}
		b.WriteByte('\n')
	}
	for _, e := range o.Events {
		switch e := e.(type) {
		case event.LinkChanged:
			fmt.Fprintf(&b, "%s %s by %s", e.Name(), e.Link.Name, e.Source)
			if e.Was != "" {
				fmt.Fprintf(&b, " was %s", e.Was)
			}
			b.WriteByte('\n')
		case event.LinkMonitored:
			why, _, _ := strings.Cut(e.Why, ";")
			fmt.Fprintf(&b, "%s by %s: %s\n", e.Interface, e.Monitor, why)
		case event.LinkResync:
			fmt.Fprintf(&b, "%s %s links=%d differences=%d\n", e.Name(), e.Reason, e.Links, e.Differences)
		}
	}
	return b.String()
}

// plain are settings without anything special.
var plain = Settings{Monitor: Auto, Confirm: 10 * time.Millisecond}

type observed struct {
	watch   []string // in the first step; eth0 if nil
	set     Settings // in the first step
	observe Observation
	after   time.Duration // since the previous step
	want    string
}

func TestTable(t *testing.T) {
	start := observed{observe: links(Initial, up(2, "eth0")), want: "eth0[2] up\n"}
	engaged := observed{observe: confirm(2, 1, true)} // from now on the confirmer has a vote
	for name, steps := range map[string][]observed{
		"administratively down is down": {start,
			{observe: LinkSeen{up(2, "eth0", adminDown)}, want: "eth0[2] barred -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0")}, want: "eth0[2] up\nlink.up eth0 by notification\n"},
		},
		"no carrier is down": {start,
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
		},
		"carrier is believed although operstate lags": {start,
			{observe: LinkSeen{up(2, "eth0", noCarrier, func(s *Seen) { s.OperState = event.OperUp })}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
		},
		"dormant is down": {start,
			{observe: LinkSeen{up(2, "eth0", dormant)}, want: "eth0[2] barred -1\nlink.down eth0 by notification\n"},
		},
		"operstate unknown is usable": {start,
			{observe: LinkSeen{up(2, "eth0", unknown)}, want: "eth0[2] up\n"},
		},
		"nothing new is nothing": {start,
			{observe: LinkSeen{up(2, "eth0")}},
			{observe: LinkSeen{up(2, "eth0", mtu(9000))}, want: "eth0[2] up\n"},
			{observe: LinkSeen{up(2, "eth0", mtu(9000))}},
		},
		"a parent that is down takes what stands on it along": {
			{observe: links(Initial, up(3, "eth0", on(7)), up(7, "nic")), want: "eth0[3] up\nnic[7] up\n"},
			{observe: LinkSeen{up(7, "nic", adminDown)}, want: "nic[7] barred -1\neth0[3] barred -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(7, "nic")}, want: "nic[7] up\neth0[3] up\nlink.up eth0 by notification\n"},
		},
		"and two floors up as well": {
			{observe: links(Initial, up(3, "eth0", on(4)), up(4, "vlan", on(7)), up(7, "nic")), want: "eth0[3] up\nvlan[4] up\nnic[7] up\n"},
			{observe: LinkSeen{up(7, "nic", noCarrier)}, want: "nic[7] out -1\neth0[3] barred -1\nvlan[4] barred -1\nlink.down eth0 by notification\n"},
		},
		"a child's own count of its parent's loss is no flap": {
			{observe: links(Initial, up(3, "eth0", on(7)), up(7, "nic")), want: "eth0[3] up\nnic[7] up\n"},
			{observe: LinkSeen{up(7, "nic", noCarrier)}, want: "nic[7] out -1\neth0[3] barred -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(7, "nic", lost(1))}, want: "nic[7] up\neth0[3] up\nlink.up eth0 by notification\n"},
			{observe: LinkSeen{up(3, "eth0", on(7), lost(1))}, want: "eth0[3] up\n"},
		},
		"whose parent went away waits for another": {
			{observe: links(Initial, up(3, "eth0", on(7)), up(7, "nic")), want: "eth0[3] up\nnic[7] up\n"},
			{observe: LinkGone{Index: 7}, want: "nic gone -1\neth0[3] barred -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(3, "eth0", on(7))}},
			{observe: LinkSeen{up(3, "eth0")}, want: "eth0[3] up\nlink.up eth0 by notification\n"},
		},
		"the confirmer is first, the notification is no news": {start, engaged,
			{observe: confirm(2, 1, false), want: "eth0[2] out -1\nlink.down eth0 by confirm\n"},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, want: "eth0[2] out\n"},
			{observe: confirm(2, 1, true), want: "eth0[2] up\nlink.up eth0 by confirm\n"},
		},
		"the notification is first, both must take it back": {start, engaged,
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
			{observe: confirm(2, 1, false)},
			{observe: confirm(2, 1, true)},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, want: "eth0[2] up\nlink.up eth0 by notification\n"},
		},
		"only the confirmer takes its report back": {start, engaged,
			{observe: confirm(2, 1, false), want: "eth0[2] out -1\nlink.down eth0 by confirm\n"},
			{observe: LinkSeen{up(2, "eth0", mtu(9000))}, want: "eth0[2] out\n"},
			{observe: links(Audit, up(2, "eth0", mtu(9000))), want: "link.resync audit links=1 differences=0\n"},
		},
		"a source that never reported up has no vote": {start,
			{observe: confirm(2, 1, false)},
			{observe: confirm(2, 1, true)},
			{observe: confirm(2, 1, false), want: "eth0[2] out -1\nlink.down eth0 by confirm\n"},
		},
		"an answer for a predecessor is ignored": {start, engaged,
			{observe: LinkGone{Index: 2}, want: "eth0 gone -1\nlink.removed eth0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0")}, want: "eth0[2] up\nlink.added eth0 by notification\nlink.up eth0 by notification\n"},
			{observe: confirm(2, 1, false)},
			{observe: confirm(2, 2, false)}, // the link that replaced it has not reported up either
			{observe: confirm(2, 2, true)},
			{observe: confirm(2, 1, false)},
			{observe: confirm(2, 2, false), want: "eth0[2] out -1\nlink.down eth0 by confirm\n"},
		},
		"a loss that left no message": {start,
			{observe: LinkSeen{up(2, "eth0", lost(2))}, want: "eth0[2] up -2\nlink.flapped eth0 by notification\n"},
			{observe: links(Audit, up(2, "eth0", lost(3))), want: "eth0[2] up -1\nlink.flapped eth0 by resync\nlink.resync audit links=1 differences=1\n"},
		},
		"a flap and a loss in one message": {start,
			{observe: LinkSeen{up(2, "eth0", lost(1), noCarrier)}, want: "eth0[2] out -2\nlink.down eth0 by notification\n"},
		},
		"a loss that the confirmer saw is no flap when it is counted": {start, engaged,
			{observe: confirm(2, 1, false), want: "eth0[2] out -1\nlink.down eth0 by confirm\n"},
			{observe: confirm(2, 1, true), want: "eth0[2] up\nlink.up eth0 by confirm\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, after: creditLasts, want: "eth0[2] up\n"},
			{observe: LinkSeen{up(2, "eth0", lost(2))}, want: "eth0[2] up -1\nlink.flapped eth0 by notification\n"},
		},
		"a loss that the kernel never counted hides no later flap": {start, engaged,
			{observe: confirm(2, 1, false), want: "eth0[2] out -1\nlink.down eth0 by confirm\n"},
			{observe: confirm(2, 1, true), want: "eth0[2] up\nlink.up eth0 by confirm\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, after: creditLasts + 1, want: "eth0[2] up -1\nlink.flapped eth0 by notification\n"},
		},
		"a loss that is announced when it is over hides no later flap": {start, engaged,
			{observe: confirm(2, 1, false), want: "eth0[2] out -1\nlink.down eth0 by confirm\n"},
			{observe: confirm(2, 1, true), want: "eth0[2] up\nlink.up eth0 by confirm\n"},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, want: "eth0[2] up\nlink.up eth0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0", lost(2))}, after: time.Second, want: "eth0[2] up -1\nlink.flapped eth0 by notification\n"},
		},
		"losses while down are not counted": {start,
			{observe: LinkSeen{up(2, "eth0", adminDown)}, want: "eth0[2] barred -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0", lost(3))}, want: "eth0[2] up\nlink.up eth0 by notification\n"},
		},
		"a message older than a dump is ignored": {start,
			{observe: links(Overrun, up(2, "eth0", noCarrier)), want: "eth0[2] out -1\nlink.down eth0 by resync\nlink.resync overrun links=1 differences=1\n"},
			{observe: LinkSeen{up(2, "eth0")}},
		},
		"renamed": {start,
			{observe: LinkSeen{up(2, "lan0")}, want: "eth0 gone -1\nlan0[2] up\nlink.renamed lan0 by notification was eth0\n"},
			{observe: LinkSeen{up(2, "eth0")}, want: "lan0 gone -1\neth0[2] up\nlink.renamed eth0 by notification was lan0\nlink.up eth0 by notification\n"},
		},
		"removed, and back with another index": {start, engaged,
			{observe: LinkGone{Index: 2}, want: "eth0 gone -1\nlink.removed eth0 by notification\n"},
			{observe: LinkGone{Index: 2}},
			{observe: LinkSeen{up(9, "eth0", adminDown)}, want: "eth0[9] barred\nlink.added eth0 by notification\n"},
			{observe: LinkSeen{up(9, "eth0")}, want: "eth0[9] up\nlink.up eth0 by notification\n"},
		},
		"another takes the name before the removal is announced": {start,
			{observe: LinkSeen{up(9, "eth0")}, want: "eth0 gone -1\neth0[9] up\nlink.removed eth0 by notification\nlink.added eth0 by notification\nlink.up eth0 by notification\n"},
			{observe: LinkGone{Index: 2}},
		},
		"a dump finds what was lost": {
			{watch: []string{"eth0", "eth1"}, observe: links(Initial, up(2, "eth0"), up(3, "eth1"), up(4, "x")), want: "eth0[2] up\neth1[3] up\nx[4] up\n"},
			{observe: links(Overrun, up(2, "eth0"), up(3, "eth1", noCarrier), up(5, "y")), want: "x gone -1\neth1[3] out -1\ny[5] up\nlink.down eth1 by resync\nlink.resync overrun links=3 differences=3\n"},
		},
		"two that exchanged their names, found by a dump": {
			{watch: []string{"eth0", "eth1"}, observe: links(Initial, up(2, "eth0"), up(3, "eth1")), want: "eth0[2] up\neth1[3] up\n"},
			{observe: links(Audit, up(2, "eth1"), up(3, "eth0")), want: "eth1 gone -1\neth0 gone -1\neth1[2] up\neth0[3] up\nlink.removed eth1 by resync\nlink.renamed eth1 by resync was eth0\nlink.up eth1 by resync\nlink.added eth0 by resync\nlink.up eth0 by resync\nlink.resync audit links=2 differences=4\n"},
		},
		"what is watched and absent is published at the start": {
			{watch: []string{"eth0", "eth1"}, observe: links(Initial), want: "eth0 gone\neth1 gone\n"},
			{observe: LinkSeen{up(2, "eth0", lowerDown)}, want: "eth0[2] barred\nlink.added eth0 by notification\n"},
		},
		"what is not watched is not logged": {start,
			{observe: LinkSeen{up(3, "br0")}, want: "br0[3] up\n"},
			{observe: LinkSeen{up(3, "br0", noCarrier)}, want: "br0[3] out -1\n"},
			{observe: LinkGone{Index: 3}, want: "br0 gone\n"},
		},
	} {
		t.Run(name, func(t *testing.T) { play(t, steps) })
	}
}

// play makes a table observe the steps and compares each outcome.
func play(t *testing.T, steps []observed) {
	t.Helper()
	watched, settings := steps[0].watch, plain
	if watched == nil {
		watched = []string{"eth0"}
	}
	if s := steps[0].set; s != (Settings{}) {
		settings = s
	}
	table, now := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: watched, Default: settings}), time.Unix(1000, 0)
	var seq uint64
	for i, s := range steps {
		now = now.Add(s.after)
		out := table.Observe(s.observe, now)
		if diff := cmp.Diff(s.want, lines(out)); diff != "" {
			t.Fatalf("step %d (-want +got):\n%s", i, diff)
		}
		seq = checkStamps(t, out, seq, now)
	}
}

// checkStamps requires that everything in one outcome has one cause, of its instant, and that Seq
// rises.
func checkStamps(t *testing.T, out Outcome, seq uint64, at time.Time) uint64 {
	t.Helper()
	var causes []event.Cause
	for _, f := range out.Facts {
		causes = append(causes, f.Cause)
		if f.Seq <= seq {
			t.Fatalf("seq %d after %d", f.Seq, seq)
		}
		seq = f.Seq
	}
	for _, e := range out.Events {
		causes = append(causes, e.When().Cause)
	}
	for _, c := range causes {
		if c.Trace == 0 || c != causes[0] || !c.At.Equal(at) {
			t.Fatalf("causes %v, want one of %v", causes, at)
		}
	}
	return seq
}

func address(index int, prefix string, change ...func(*Assigned)) Assigned {
	a := Assigned{Index: index, Prefix: netip.MustParsePrefix(prefix)}
	for _, c := range change {
		c(&a)
	}
	return a
}
