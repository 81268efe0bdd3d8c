package story

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/event"
)

// Story is the lines with a common cause.
type Story struct {
	Trace string // empty for a line without a cause
	Lines []Line // by the time since the cause, once the story is complete
	Limit int    // the maximum number of lines that MarshalJSON writes; 0 for all

	last time.Time // the time of its last line
}

func (s *Story) add(l Line) {
	if l.At.After(s.last) {
		s.last = l.At
	}
	s.Lines = append(s.Lines, l)
}

// sort sorts the lines by the order of the events: in the log the line of a group comes after
// those of its members, and lines of several goroutines are in the order of their arrival.
func (s *Story) sort() {
	slices.SortStableFunc(s.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Elapsed, b.Elapsed), cmp.Compare(rank(a), rank(b)))
	})
}

func rank(l Line) int {
	switch l.Event {
	case "group.transition":
		return 1
	case "instance.transition":
		return 2
	}
	if l.fact() {
		return 0
	}
	return 3
}

// worth reports whether the story is of interest to a person: a group or an instance changed its
// state, another daemon took it over, or there is a warning or an error.
func (s *Story) worth() bool {
	return slices.ContainsFunc(s.Lines, func(l Line) bool { return l.moved() || l.adopted() || l.serious() })
}

// At returns the instant of the fact.
func (s *Story) At() time.Time {
	first := s.Lines[0]
	return first.At.Add(-time.Duration(first.Elapsed) * time.Microsecond)
}

// Cause returns a sentence about the cause. isFirst reports whether it is the message of the
// first line.
func (s *Story) Cause() (sentence string, isFirst bool) {
	first := s.Lines[0]
	if first.fact() || s.Trace == "" {
		return first.Message, true
	}
	for _, l := range s.Lines {
		if l.moved() && l.Reason != string(event.GroupMoved) {
			return causeOf(l), false
		}
	}
	return first.Message, true
}

// causes are the facts for the reasons of transitions, for stories without a line about the fact.
var causes = map[event.Reason]string{
	event.Startup:              "the daemon started",
	event.Shutdown:             "the daemon was asked to stop",
	event.HigherPriorityBackup: "an Active was heard with a higher priority or address than this router",
	event.ActiveTimeout:        "no Active was heard for an Active_Down_Interval",
	event.PeerResigned:         "the Active resigned",
	event.LowerPriorityActive:  "the Active has a lower priority than this router",
	event.PreemptHoldTimeout:   "preempt_delay is over, and the Active has a lower priority than this router",
	event.OwnerPreempt:         "this router owns the addresses",
	event.Recovered:            "the fault is over",
	event.StalledLoop:          "the daemon did not run for a while",
	event.CheckFailed:          "a check failed",
	event.Released:             "a person released it",
	event.Resumed:              "a person resumed it",
	event.NoPrimaryAddress:     "the source address of adverts is gone",
	event.PrimaryAddress:       "there is a source address for adverts",
	event.InterfaceDown:        "a link was lost",
	event.InterfaceUp:          "a link returned",
	event.SendFailed:           "adverts could not be sent",
	event.AddressLost:          "none of its addresses could be put in place",
	event.PeerDead:             "the machine of the Active no longer answers",
	event.FenceFailed:          "the Active fell silent, and the fence failed",
}

func causeOf(l Line) string {
	sentence := causes[event.Reason(l.Reason)]
	if sentence == "" {
		sentence = l.Reason
	}
	if by := cmp.Or(l.Cause, l.Instance); by != "" {
		sentence += " (" + by + ")"
	}
	return sentence
}

// MarshalJSON writes the story with the original lines of the log. left_out is the number of
// lines beyond Limit.
func (s *Story) MarshalJSON() ([]byte, error) {
	cause, _ := s.Cause()
	written := s.Lines
	if s.Limit > 0 {
		written = written[:min(len(written), s.Limit)]
	}
	lines := make([]json.RawMessage, len(written))
	for i, l := range written {
		lines[i] = l.raw
	}
	outages := s.Outages()
	if outages == nil {
		outages = []Outage{}
	}
	return json.Marshal(struct {
		At      time.Time         `json:"at"`
		Trace   string            `json:"trace,omitempty"`
		Cause   string            `json:"cause"`
		Outages []Outage          `json:"outages"`
		Lines   []json.RawMessage `json:"lines"`
		LeftOut int               `json:"left_out,omitempty"`
	}{s.At().UTC(), s.Trace, cause, outages, lines, len(s.Lines) - len(written)})
}

// level returns the highest level of the lines.
func (s *Story) level() string {
	level := "info"
	for _, l := range s.Lines {
		if l.Level == "error" || l.Level == "warn" && level == "info" {
			level = l.Level
		}
	}
	return level
}

// subject returns the group, or the instance outside any group, whose state the line reports as
// changed; empty for other lines.
func (l Line) subject() string {
	switch {
	case l.Event == "group.transition":
		return "group " + l.Group
	case l.Event == "instance.transition" && l.Group == "":
		return l.Instance
	}
	return ""
}

// instances returns the names of the instances of a subject, according to the lines of the story.
func (s *Story) instances(subject string) (names []string) {
	group, grouped := strings.CutPrefix(subject, "group ")
	for _, l := range s.Lines {
		if l.Event == "instance.transition" && (grouped && l.Group == group || !grouped && l.Instance == subject) {
			names = append(names, l.Instance)
		}
	}
	return names
}
