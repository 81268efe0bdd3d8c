package story

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// Outage is how long no router served, as far as this router can see.
type Outage struct {
	Subject string `json:"subject"` // a group, or an instance outside any group
	State   string `json:"state"`   // none, ended, begun
	// Since is the instant from which US counts: cause; timeout, the end of the
	// Active_Down_Interval in which no Active was heard; silence, the end of the time in which the
	// Active's machine did not answer; or stall, the beginning of the time in which this daemon
	// did not run.
	Since string `json:"since,omitempty"`
	// US is the time until this router served, or had released everything, in µs.
	US int64 `json:"us"`
}

// The values of Outage.State and Outage.Since.
const (
	none  = "none"
	ended = "ended"
	begun = "begun"

	sinceCause   = "cause"
	sinceTimeout = "timeout"
	sinceSilence = "silence"
	sinceStall   = "stall"
)

// Outages returns the outage of each group, and of each instance outside any group, that became
// or ceased to be Active.
func (s *Story) Outages() (all []Outage) {
	for _, l := range s.Lines {
		subject := l.subject()
		switch active := event.Active.String(); {
		case subject == "":
		case l.To == active:
			all = append(all, s.takeover(subject, event.Reason(l.Reason)))
		case l.From == active:
			all = append(all, s.handover(subject, event.Reason(l.Reason)))
		}
	}
	return all
}

// takeover returns the outage that ended with a takeover.
func (s *Story) takeover(subject string, why event.Reason) Outage {
	o := Outage{Subject: subject, State: none, Since: sinceCause, US: s.done(subject, "address.added", "first")}
	switch why {
	case event.PeerResigned:
		o.State = ended
	case event.ActiveTimeout, event.FenceFailed:
		o.State, o.Since = ended, sinceTimeout
	case event.PeerDead:
		o.State, o.Since = ended, sinceSilence
	}
	return o
}

// handover returns the outage that begins when this router ceases to serve, unless another one
// serves. After a stall it began with the stall, and has ended: another router was heard.
func (s *Story) handover(subject string, why event.Reason) Outage {
	o := Outage{Subject: subject, State: begun, Since: sinceCause, US: s.done(subject, "address.removed", "resign")}
	switch gap := s.stall(); {
	case why == event.HigherPriorityBackup:
		o.State = none
	case why == event.StalledLoop && gap > 0:
		o.State, o.Since, o.US = ended, sinceStall, gap+o.US
	}
	return o
}

// stall returns for how many µs the daemon had not run; 0 if the story has no stall.
func (s *Story) stall() (us int64) {
	for _, l := range s.Lines {
		if l.Event == "engine.stalled" {
			us = max(us, l.Gap)
		}
	}
	return us
}

// done returns the time from the cause until the addresses of a subject were moved; without
// addresses, until its adverts or its state changed.
func (s *Story) done(subject, moved, kind string) (us int64) {
	members := s.instances(subject)
	rank := 0
	for _, l := range s.Lines {
		at := 0
		switch {
		case l.subject() == subject:
			at = 1
		case !slices.Contains(members, l.Instance):
		case l.Event == "advert.sent" && l.Kind == kind:
			at = 2
		case l.Event == moved:
			at = 3
		}
		if at > 0 && at >= rank {
			rank, us = at, l.Elapsed
		}
	}
	return us
}

// MarshalJSON adds the text that String returns.
func (o Outage) MarshalJSON() ([]byte, error) {
	type fields Outage
	return json.Marshal(struct {
		fields
		Text string `json:"text"`
	}{fields(o), o.String()})
}

// String returns the outage as a sentence.
func (o Outage) String() string {
	after := span(o.US)
	switch {
	case o.State == none:
		return fmt.Sprintf("%s: none, another router served meanwhile; moved in %s", o.Subject, after)
	case o.State == begun:
		return fmt.Sprintf("%s: begins here, everything released after %s; the log of the next Active has its end", o.Subject, after)
	case o.Since == sinceStall:
		return fmt.Sprintf("%s: another router took over within the %s in which this one was silent; the log of that router has the instant", o.Subject, after)
	case o.Since == sinceSilence:
		return fmt.Sprintf("%s: the silence of the Active's machine, and %s until this router served", o.Subject, after)
	case o.Since == sinceTimeout:
		return fmt.Sprintf("%s: an Active_Down_Interval without an Active, and %s until this router served", o.Subject, after)
	}
	return fmt.Sprintf("%s: %s from the resignation until this router served", o.Subject, after)
}

// span returns a number of µs as ms or s.
func span(us int64) string {
	d := time.Duration(us) * time.Microsecond
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(us)/1000)
	}
	return d.Round(time.Millisecond).String()
}
