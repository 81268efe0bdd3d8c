package monitor

import (
	"fmt"
	"net/netip"
	"strings"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
)

// These are the reasons for the choice of a monitor.
const (
	byUnproven = "eth0 by mii: a transceiver answers, and the kernel has not yet announced a loss that agrees with it\n"
	byProof    = "eth0 by netlink: the kernel announced the loss that the transceiver saw\n"
	byRefuted  = "eth0 by mii: the transceiver saw a loss that the kernel did not announce\n"
)

// up returns a link without faults.
func up(index int, name string, change ...func(*link.Seen)) link.Seen {
	s := link.Seen{Index: index, Name: name, AdminUp: true, LowerUp: true, OperState: event.OperUp, UpCount: 1, DownCount: 1, MTU: 1500}
	for _, c := range change {
		c(&s)
	}
	return s
}

type change = func(*link.Seen)

func noCarrier(s *link.Seen) {
	s.LowerUp, s.OperState, s.DownCount = false, event.OperDown, s.DownCount+1
}
func dormant(s *link.Seen) { s.OperState = event.OperDormant }
func unknown(s *link.Seen) { s.OperState = event.OperUnknown }
func mtu(n int) change     { return func(s *link.Seen) { s.MTU = n } }
func on(n int) change      { return func(s *link.Seen) { s.Parent = n } }
func lost(n int) change {
	return func(s *link.Seen) { s.UpCount += uint32(n); s.DownCount += uint32(n) }
}

func address(index int, prefix string, change ...func(*link.Assigned)) link.Assigned {
	a := link.Assigned{Index: index, Prefix: netip.MustParsePrefix(prefix)}
	for _, c := range change {
		c(&a)
	}
	return a
}

func secondary(a *link.Assigned)  { a.Secondary = true }
func marked(a *link.Assigned)     { a.Marked = true }
func unready(a *link.Assigned)    { a.Unready = true }
func duplicate(a *link.Assigned)  { a.Duplicate = true }
func deprecated(a *link.Assigned) { a.Deprecated = true }
func hostScope(a *link.Assigned)  { a.Scope = 254 }

// lines formats an outcome as lines: "out" is without a carrier, "barred" is not usable for another
// reason, -n is the number of losses.
func lines(o link.Outcome) string {
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
