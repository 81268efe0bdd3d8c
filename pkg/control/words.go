package control

import (
	"strings"

	"ripcord/pkg/event"
)

// Choice returns a sentence that lists the instances and groups, for a name that does not exist.
func Choice(instances, groups []string) string {
	switch {
	case len(instances) == 0:
		return "the daemon runs without any instance"
	case len(groups) == 0:
		return "there are the instances " + strings.Join(instances, ", ")
	}
	return "there are the instances " + strings.Join(instances, ", ") + " and the groups " + strings.Join(groups, ", ")
}

// faultText returns a sentence about a fault. trouble is the present state of its link, if it is
// the fault of a link; forwards reports whether the segment forwards, if it is a recovery.
func faultText(f Fault, trouble string, forwards bool) string {
	switch event.Reason(f.Reason) {
	case event.InterfaceDown:
		if trouble == "" {
			return f.Source + " cannot be used"
		}
		return f.Source + " cannot be used: " + trouble
	case event.NoPrimaryAddress:
		if f.Error != "" {
			return f.Error
		}
		return f.Source + " has no address from which to send adverts"
	case event.CheckFailed:
		if f.Error != "" {
			return "its check " + f.Source + " fails: " + f.Error
		}
		return "its check " + f.Source + " fails"
	case event.SendFailed:
		return "its adverts cannot be sent"
	case event.AddressLost:
		return "its addresses cannot be held"
	case event.Released:
		if f.Error != "" {
			return f.Error
		}
	case event.Recovery:
		text := f.Source + " has to prove that its segment forwards"
		if forwards {
			text = "the segment of " + f.Source + " forwards again; adverts of its Active are waited for"
		}
		if f.Until != nil {
			text += ", until " + f.Until.Local().Format("15:04:05 MST") + " at the latest"
		}
		return text
	case event.StalledLoop:
		return "the daemon did not run for a while"
	}
	if f.Error != "" {
		return f.Reason + ": " + f.Error
	}
	return f.Source + ": " + f.Reason
}

// waits are the words for the reasons of a Wait.
var waits = map[string]string{
	event.HoldCheck:        "waits for a check",
	event.HoldStartup:      "startup_delay",
	event.HoldGroup:        "waits for its group",
	event.HoldPreemptDelay: "preempt_delay",
	event.HoldVersion:      "another version is heard",
	event.HoldSkew:         "another clock is heard",
	event.HoldInvalid:      "invalid adverts are heard",
}
