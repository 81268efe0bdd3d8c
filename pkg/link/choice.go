package link

import (
	"fmt"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/nic"
)

// choice is the monitor of a link: the source that is asked for its state beside the kernel's
// notifications, and what was seen of how far these can be trusted.
type choice struct {
	can      nic.Capabilities
	examined bool // can is known
	monitor  Mode
	polled   event.Source // which source the poller asks; empty if none
	why      string       // for a person; empty until the first choice
	hinting  event.Hinting
	logged   string // the last line of the log about it

	// reports: the operstate has been known while the link was administratively up,
	// so the driver reports its carrier.
	reports   bool
	trust     trust
	announced bool // the kernel has announced the loss that lasts
	// missed is when the transceiver saw a loss that the kernel has not announced yet,
	// zero if there is none; downCount is the kernel's count then.
	missed    time.Time
	downCount uint32
	shown     bool // the transceiver has shown a loss: its register is one that changes
}

// trust tells whether the kernel announces the losses of this link.
type trust uint8

const (
	unproven trust = iota // no loss has shown it yet
	proven                // it announced a loss that the transceiver saw too
	refuted               // the transceiver alone saw a loss
)

// describe compares a description of the link with the one before.
func (c *choice) describe(was, now Seen) {
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

// compare compares the transceiver's last report with what the kernel announces,
// and reports whether that settled the trust. A register that has never changed
// proves nothing: there are NICs that answer "link" at all times (tulip, i82550).
// Only a loss proves something: drivers that never announce one do announce
// the carrier that they find after the link was set up.
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

// examine takes in what can be asked about the link.
func (c *choice) examine(can nic.Capabilities) { c.can, c.examined = can, true }

// update chooses anew; lower is the name of the link underneath, if there is one. It
// reports whether the choice or its reason is another, and whether the poller has to
// ask another source.
func (c *choice) update(mode Mode, lower string) (changed, replan bool) {
	monitor, polled, why := c.choose(mode, lower)
	changed, replan = monitor != c.monitor || polled != c.polled || why != c.why, polled != c.polled
	c.monitor, c.polled, c.why = monitor, polled, why
	return changed, replan
}

// choose returns the configured monitor, and for auto the best of those that answer.
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
		return Netlink, "", "it stands on " + lower + ", which is watched too"
	case mii:
		return c.withTransceiver()
	}
	return c.withoutTransceiver()
}

// withTransceiver returns the best monitor where a transceiver answers.
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

// withoutTransceiver returns the best monitor where there is none.
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

// describeAsking returns how often and by which question the link is asked; flagged reports
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
