package link

import (
	"fmt"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/nic"
)

// choice is the monitor of a link (the source that is polled for its state beside the kernel's
// notifications), with the evidence about whether these notifications can be trusted.
type choice struct {
	can      nic.Capabilities
	examined bool // can is known
	monitor  Mode
	polled   event.Source // the source that the poller asks; empty if none
	why      string       // for a person; empty until the first choice
	hinting  event.Hinting
	logged   string // the last line of the log about it

	// reports says that the operstate was known while the link was administratively up: the driver
	// reports its carrier.
	reports   bool
	trust     trust
	announced bool // the kernel has announced the present loss
	// missed is when the transceiver saw a loss that the kernel has not announced yet, zero if
	// there is none; downCount is the kernel's count at that time.
	missed    time.Time
	downCount uint32
	shown     bool // the transceiver has shown a loss, so its register does change
}

// trust is the evidence about whether a signal comes with each loss of a link.
type trust uint8

const (
	unproven trust = iota // no loss has shown it yet
	proven                // the signal came with a loss that another source saw too
	refuted               // a loss was seen without the signal
)

// describe compares a description of the link with the previous one.
func (c *choice) describe(was, now Seen) {
	c.reports = c.reports || now.AdminUp && now.OperState != event.OperUnknown
	if was.AdminUp != now.AdminUp { // a loss caused by an admin proves nothing
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

// compare compares the transceiver's last report with the kernel's announcements, and reports
// whether that settled the trust. A register that has never changed proves nothing: some NICs
// report "link" at all times (tulip, i82550). Only a loss proves something: drivers that never
// announce one do announce the carrier that they find after the link was set up.
func (c *choice) compare(seen Seen, v *vote) (settled bool) {
	c.shown = c.shown || seen.AdminUp && v.down
	if c.trust != unproven || !seen.AdminUp {
		return false
	}
	switch {
	case v.down && c.announced:
		c.trust = proven
	case !c.missed.IsZero():
		if v.at.Sub(c.missed) < creditLasts {
			return false // the kernel may still announce it
		}
		c.trust = refuted
		if seen.DownCount != c.downCount {
			c.trust = proven
		}
		c.missed = time.Time{}
	case v.down && seen.LowerUp:
		c.missed, c.downCount = v.at, seen.DownCount
	}
	return c.trust != unproven
}

// examine records the sources that can be asked about the link.
func (c *choice) examine(can nic.Capabilities) { c.can, c.examined = can, true }

// update chooses the monitor again; lower is the name of the link underneath, if there is one. It
// reports whether the choice or its reason has changed, and whether the poller has to ask another
// source.
func (c *choice) update(mode Mode, lower string) (changed, replan bool) {
	monitor, polled, why := c.choose(mode, lower)
	changed, replan = monitor != c.monitor || polled != c.polled || why != c.why, polled != c.polled
	c.monitor, c.polled, c.why = monitor, polled, why
	return changed, replan
}

// choose returns the configured monitor; for auto, the best of the sources that answer.
func (c *choice) choose(mode Mode, lower string) (monitor Mode, polled event.Source, why string) {
	mii := c.can.NoMII == ""
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
	case lower != "":
		return Netlink, "", "it is stacked on " + lower + ", which is watched too"
	case mii:
		return c.withTransceiver()
	}
	return c.withoutTransceiver()
}

// withTransceiver returns the best monitor of a link whose transceiver answers.
func (c *choice) withTransceiver() (monitor Mode, polled event.Source, why string) {
	silent := !c.reports
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

// withoutTransceiver returns the best monitor of a link without a transceiver that can be asked.
func (c *choice) withoutTransceiver() (monitor Mode, polled event.Source, why string) {
	silent := !c.reports
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

// describeAsking returns how often the link is asked, and with which request; flagged reports
// whether its driver answers from the kernel's flag alone.
func (c *choice) describeAsking(s Settings, flagged bool) string {
	question := "RTM_GETLINK (the driver has no ETHTOOL_GLINK)"
	if c.can.GLINK {
		question = "ETHTOOL_GLINK"
	}
	polled := ""
	if c.polled != "" && s.Poll > 0 {
		polled = fmt.Sprintf("polled every %v, and ", s.Poll)
	}
	every, hints := s.Confirm, ""
	switch {
	case c.hinting == event.HintsUsed && flagged:
		every, hints = max(s.Confirm, s.Poll), "when the kernel reports a change of its carrier flag, from which the driver answers"
	case c.hinting == event.HintsUsed:
		every, hints = max(s.Confirm, s.Poll), "when the kernel reports a change of its carrier flag, as it did before a loss was seen"
	case c.hinting == event.HintsUnproven:
		hints = "when the kernel reports a change of its carrier flag (no loss has shown yet whether it does so in time)"
	case c.hinting == event.HintsLate:
		hints = "when the kernel reports a change of its carrier flag (which it did not before asking showed a loss)"
	}
	if hints != "" {
		hints = ", and " + hints
	}
	if s.Confirm <= 0 {
		return polled + "asked by " + question + " before a group goes Active" + hints
	}
	return fmt.Sprintf("%sasked by %s every %v while an instance on it is Backup or Active%s", polled, question, every, hints)
}
