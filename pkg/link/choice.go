package link

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/nic"
)

// choice is what watches a link beside the kernel's notifications, and what is
// known of how far these can be trusted.
type choice struct {
	can      nic.Capabilities
	examined bool // can is known
	monitor  Mode
	polled   event.Source // which source the poller asks; empty if none
	why      string

	// reports says that the operstate has been known while the link was
	// administratively up: the driver tells of its carrier.
	reports   bool
	trust     trust
	announced bool // the kernel has announced the loss that lasts
	// The loss that the transceiver saw and the kernel has not announced yet;
	// zero if none, and the kernel's count then.
	missed    time.Time
	downCount uint32
	shown     bool // the transceiver has shown a loss: its register is one that moves
}

// trust says whether the kernel announces on this link what happens to it.
type trust uint8

const (
	unproven trust = iota // nothing has happened yet
	proven                // it announced a loss that the transceiver saw too
	refuted               // the transceiver alone saw a loss
)

// heard compares a description with the one before.
func (c *choice) heard(was, now Seen) {
	c.reports = c.reports || now.AdminUp && now.OperState != event.OperUnknown
	if was.AdminUp != now.AdminUp { // what an admin does to the link proves nothing
		c.announced, c.missed = false, time.Time{}
		c.examined = c.examined && !now.AdminUp
		return
	}
	switch {
	case now.LowerUp:
		c.announced = false
	case was.LowerUp:
		c.announced = now.AdminUp
	}
}

// compare compares the transceiver's last word with what the kernel announces,
// and reports whether that settled something. A register that has never moved
// proves nothing: there are NICs that answer "link" for good (tulip, i82550).
// Only a loss proves something: drivers that never announce one do announce
// the carrier that they find after the link was set up.
func (c *choice) compare(seen Seen, w *word) (settled bool) {
	c.shown = c.shown || seen.AdminUp && w.down
	if c.trust != unproven || !seen.AdminUp {
		return false
	}
	switch {
	case w.down && c.announced:
		c.trust = proven
	case !c.missed.IsZero():
		if w.at.Sub(c.missed) < creditLasts {
			return false // the kernel may still announce it
		}
		c.trust = refuted
		if seen.DownCount != c.downCount {
			c.trust = proven
		}
		c.missed = time.Time{}
	case w.down && seen.LowerUp:
		c.missed, c.downCount = w.at, seen.DownCount
	}
	return c.trust != unproven
}

// examined takes in what a link's driver answers.
func (t *Table) examined(m Examined) {
	e := t.byIndex[m.Index]
	if e == nil || e.birth != m.ID {
		return
	}
	e.choice.can, e.choice.examined = m.Capabilities, true
	t.revision++
	if m.Known {
		t.answer(&Answer{Source: event.Confirm, Index: m.Index, Birth: m.ID, Up: m.Carrier})
	}
	t.settle(e, 0)
}

// decide decides anew what watches a link, and logs it if it is another thing
// or for another reason.
func (t *Table) decide(e *entry) {
	c := &e.choice
	if !c.examined || !e.seen.AdminUp {
		return
	}
	monitor, polled, why := t.chosen(e)
	if monitor == c.monitor && polled == c.polled && why == c.why {
		return
	}
	if polled != c.polled {
		t.revision++
	}
	c.monitor, c.polled, c.why = monitor, polled, why
	if !t.beneath(e) {
		return
	}
	if monitor != none {
		why += "; " + t.beside(e)
	}
	t.out.Events = append(t.out.Events, event.LinkMonitored{
		Stamp: t.stamp(), Interface: e.label(t), Monitor: string(monitor), Why: why,
	})
}

// chosen is what should watch the link: as configured, and under auto what
// serves best of all that answers.
func (t *Table) chosen(e *entry) (monitor Mode, polled event.Source, why string) {
	c := &e.choice
	mode, mii := t.settingsOf(e).Monitor, c.can.NoMII == ""
	switch {
	case mode == Netlink:
		return Netlink, "", "as configured"
	case mode == Ethtool && !c.can.GLINK:
		return Ethtool, event.Ethtool, "as configured; the driver has no ETHTOOL_GLINK, so the kernel's own flag is polled"
	case mode == Ethtool:
		return Ethtool, event.Ethtool, "as configured"
	case mode == ModeMII && mii:
		return ModeMII, event.MII, "as configured"
	case mode == ModeMII:
		return Netlink, "", "mii is configured, but no transceiver can be asked (" + c.can.NoMII + ")"
	}
	return t.automatic(e)
}

// automatic is what serves best.
func (t *Table) automatic(e *entry) (monitor Mode, polled event.Source, why string) {
	c := &e.choice
	if parent := t.byIndex[e.seen.Parent]; parent != nil {
		return Netlink, "", "it stands on " + parent.seen.Name + ", which is watched too"
	}
	silent := !c.reports
	if c.can.NoMII == "" {
		switch {
		case silent && c.shown:
			return ModeMII, event.MII, "the driver reports no carrier (operstate unknown), but the transceiver does"
		case silent:
			return ModeMII, event.MII, "the driver reports no carrier (operstate unknown), and the transceiver that answers has not shown a loss yet: " +
				"until it has, a pulled cable may stay unseen"
		case c.trust == refuted:
			return ModeMII, event.MII, "the transceiver saw a loss that the kernel did not announce"
		case c.trust == unproven:
			return ModeMII, event.MII, "a transceiver answers, and the kernel has not yet announced a loss that agrees with it"
		}
		return Netlink, "", "the kernel announced the loss that the transceiver saw"
	}
	switch {
	case c.can.AlwaysUp != "":
		return none, "", c.can.AlwaysUp + ": it is taken as up, and a pulled cable stays unseen"
	case silent && c.can.GLINK:
		return Ethtool, event.Ethtool, "the driver reports no carrier (operstate unknown) and no transceiver (" + c.can.NoMII + "), but answers ETHTOOL_GLINK"
	case silent:
		return none, "", "its driver reports no carrier (operstate unknown), has no ETHTOOL_GLINK, and no transceiver can be asked (" +
			c.can.NoMII + "): it is taken as up, and a pulled cable stays unseen"
	}
	return Netlink, "", "the driver reports its carrier"
}

// beside says how the link is asked beside what monitor says.
func (t *Table) beside(e *entry) string {
	how := "RTM_GETLINK (the driver has no ETHTOOL_GLINK)"
	if e.choice.can.GLINK {
		how = "ETHTOOL_GLINK"
	}
	s := t.settingsOf(e)
	polled := ""
	if e.choice.polled != "" && s.Poll > 0 {
		polled = fmt.Sprintf("polled every %v, and ", s.Poll)
	}
	if s.Confirm <= 0 {
		return polled + "asked by " + how + " before a group goes Active"
	}
	return fmt.Sprintf("%sasked by %s every %v while an instance on it is Backup or Active", polled, how, s.Confirm)
}

// beneath reports whether a watched link is e or stands on it.
func (t *Table) beneath(e *entry) bool { return e.top || t.bears(e, maxDepth) }

// bears reports whether a watched link stands on e.
func (t *Table) bears(e *entry, depth int) bool {
	if depth == 0 {
		return false
	}
	for _, child := range t.children[e.seen.Index] {
		if child != e && (child.top || t.bears(child, depth-1)) {
			return true
		}
	}
	return false
}

// relevant returns the watched links and what these stand on, by index.
func (t *Table) relevant() []*entry {
	var all []*entry
	t.visit++
	for _, name := range t.watched {
		e := t.byName[name]
		for i := 0; e != nil && e.met != t.visit && i <= maxDepth; i++ {
			e.met = t.visit
			all = append(all, e)
			e = t.byIndex[e.seen.Parent]
		}
	}
	slices.SortFunc(all, byIndex)
	return all
}

// tops returns the watched links, by index.
func (t *Table) tops() []*entry {
	return slices.DeleteFunc(t.relevant(), func(e *entry) bool { return !e.top })
}

// Choice is what watches the link of that index, and why.
func (t *Table) Choice(index int) (monitor, why string) {
	e := t.byIndex[index]
	switch {
	case e == nil:
		return event.Unmonitored, "there is no such link"
	case e.choice.why == "":
		return string(e.choice.monitor), "it is administratively down; what its driver can tell is found out when it is set up"
	}
	return string(e.choice.monitor), e.choice.why
}
