package event

import (
	"fmt"
	"time"
)

// LinkKind is the kind of a LinkChanged.
type LinkKind string

// The kinds, named as in the log.
const (
	LinkUp      LinkKind = "link.up"
	LinkDown    LinkKind = "link.down"
	LinkFlapped LinkKind = "link.flapped"
	LinkAdded   LinkKind = "link.added"
	LinkRemoved LinkKind = "link.removed"
	LinkRenamed LinkKind = "link.renamed"
	LinkReason  LinkKind = "link.reason" // why it has no carrier, if that was learned after LinkDown
)

// LinkChanged reports that a link changed, and which source reported that first.
type LinkChanged struct {
	Stamp
	Kind   LinkKind
	Link   Link
	Source Source
	Was    string // the former name, for LinkRenamed
	// Votes are the reports of all sources, for LinkUp, LinkDown and LinkFlapped.
	Votes []Vote
	// Hint is when the kernel last reported a change of the carrier flag of the link or of a link
	// below it; zero if it did not within the last second.
	Hint time.Time
}

// Vote is the last report of a source about a link. UpAt and DownAt are when the source last
// began to report up, and down; zero if it never did.
type Vote struct {
	Source       Source
	Up           bool
	UpAt, DownAt time.Time
}

// Since returns the instant at which the source began to report its present state.
func (v Vote) Since() time.Time {
	if v.Up {
		return v.UpAt
	}
	return v.DownAt
}

// document returns the vote for the log: what the source reports, and how long before the instant
// at it began to report up, and down.
func (v Vote) document(at time.Time) map[string]any {
	doc := map[string]any{"says": "down"}
	if v.Up {
		doc["says"] = "up"
	}
	for key, began := range map[string]time.Time{"up_us": v.UpAt, "down_us": v.DownAt} {
		if !began.IsZero() {
			doc[key] = at.Sub(began).Microseconds()
		}
	}
	return doc
}

func (e LinkChanged) Name() string { return string(e.Kind) }

// Level returns Warn for a loss.
func (e LinkChanged) Level() Level {
	switch e.Kind {
	case LinkDown, LinkFlapped, LinkRemoved:
		return Warn
	}
	return Info
}

func (e LinkChanged) Message() string {
	switch e.Kind {
	case LinkUp:
		return fmt.Sprintf("%s is usable", e.Link.Name)
	case LinkDown:
		return fmt.Sprintf("%s is not usable: %s", e.Link.Name, e.Link.Trouble())
	case LinkFlapped:
		return fmt.Sprintf("%s was down and is usable again", e.Link.Name)
	case LinkAdded:
		return fmt.Sprintf("%s was added", e.Link.Name)
	case LinkReason:
		return fmt.Sprintf("%s is not usable: %s", e.Link.Name, e.Link.Trouble())
	case LinkRenamed:
		return fmt.Sprintf("%s is now called %s", e.Was, e.Link.Name)
	}
	return fmt.Sprintf("%s was removed", e.Link.Name)
}

func (e LinkChanged) Fields() []Field {
	l := e.Link
	fields := []Field{
		{"interface", l.Name}, {"ifindex", l.Index}, {"source", string(e.Source)},
		{"admin_up", l.AdminUp}, {"carrier", l.Carrier}, {"operstate", l.OperState.String()},
		{"carrier_up_count", l.UpCount}, {"carrier_down_count", l.DownCount},
	}
	if l.Device != "" {
		fields = append(fields, Field{"device", l.Device})
	}
	if e.Kind == LinkRenamed {
		fields = append(fields, Field{"was", e.Was})
	}
	if (e.Kind == LinkDown || e.Kind == LinkReason) && l.Reason != "" {
		fields = append(fields, Field{"reason", l.Reason})
	}
	if len(e.Votes) > 0 {
		sources := make(map[string]any, len(e.Votes))
		for _, v := range e.Votes {
			sources[string(v.Source)] = v.document(e.At)
		}
		fields = append(fields, Field{"sources", sources})
	}
	if !e.Hint.IsZero() {
		fields = append(fields, Field{"hint_us", e.At.Sub(e.Hint).Microseconds()})
	}
	return fields
}

// Trouble describes briefly why the link is not usable.
func (l Link) Trouble() string {
	if l.Index != 0 && l.AdminUp && l.Reason != "" {
		return l.trouble() + " (" + l.Reason + ")"
	}
	return l.trouble()
}

func (l Link) trouble() string {
	switch {
	case l.Index == 0:
		return "there is no such interface"
	case l.Master != "":
		return "it is a port of " + l.Master + ", which takes all that arrives on it"
	case !l.AdminUp:
		return "administratively down"
	case !l.Carrier:
		return "no carrier"
	case l.OperState != OperUp && l.OperState != OperUnknown:
		return "operstate " + l.OperState.String()
	}
	return "its parent is down"
}

// LinkResync reports that the table of links was compared with a dump.
type LinkResync struct {
	Stamp
	Reason      string // "overrun", "audit"
	Links       int
	Differences int
}

func (LinkResync) Name() string { return "link.resync" }

// Level returns Warn if messages were lost, Debug for an audit that found no difference.
func (e LinkResync) Level() Level {
	if e.Reason == "overrun" || e.Differences > 0 {
		return Warn
	}
	return Debug
}

func (e LinkResync) Message() string {
	why := "periodically"
	if e.Reason == "overrun" {
		why = "because messages of the kernel were lost: more came than could be read"
	}
	return fmt.Sprintf("compared %s with the kernel, %s: %s", Count(e.Links, "link"), why, Count(e.Differences, "difference"))
}

func (e LinkResync) Fields() []Field {
	return []Field{{"reason", e.Reason}, {"links", e.Links}, {"differences", e.Differences}}
}

// LinkStretched reports that a link is asked less often than configured, because asking costs too
// much, or as often as configured again.
type LinkStretched struct {
	Stamp
	Interface string
	Period    time.Duration // between two questions, from now on
	Why       string
	Restored  bool // the period is the configured one again
}

func (LinkStretched) Name() string { return "link.stretched" }

// Level returns Warn if a loss may now be noticed later.
func (e LinkStretched) Level() Level {
	if e.Restored {
		return Info
	}
	return Warn
}

func (e LinkStretched) Message() string {
	late := ""
	if !e.Restored {
		late = ", so a loss of its carrier may be noticed that much later"
	}
	return fmt.Sprintf("%s is asked every %v%s: %s", e.Interface, e.Period.Round(time.Microsecond), late, e.Why)
}

func (e LinkStretched) Fields() []Field {
	return []Field{{"interface", e.Interface}, {"period_us", e.Period.Microseconds()}, {"why", e.Why}}
}

// Unmonitored is the monitor of a link whose loss no source can report.
const Unmonitored = "none"

// LinkMonitored reports which source watches a link, and why.
type LinkMonitored struct {
	Stamp
	Interface string
	Monitor   string
	Why       string
}

func (LinkMonitored) Name() string { return "link.monitor" }

// Level returns Warn if no source can report a loss.
func (e LinkMonitored) Level() Level {
	if e.Monitor == Unmonitored {
		return Warn
	}
	return Info
}

func (e LinkMonitored) Message() string {
	if e.Monitor == Unmonitored {
		return fmt.Sprintf("no source can report whether %s has a link: %s: track a check of a station behind it (`ping`)", e.Interface, e.Why)
	}
	return fmt.Sprintf("%s is watched by %s: %s", e.Interface, e.Monitor, e.Why)
}

func (e LinkMonitored) Fields() []Field {
	return []Field{{"interface", e.Interface}, {"monitor", e.Monitor}, {"why", e.Why}}
}

// LinkHints reports, once at the start, whether the kernel reports changes of its carrier flags
// by eBPF.
type LinkHints struct {
	Stamp
	Attachment string // how the programs are attached; empty if they are not
	Why        string // why they are not attached
}

func (LinkHints) Name() string { return "link.hints" }

func (LinkHints) Level() Level { return Info }

func (e LinkHints) Message() string {
	if e.Attachment == "" {
		return "the kernel does not report changes of its carrier flags by eBPF, so links are asked every `confirm`: " + e.Why
	}
	return "the kernel reports changes of its carrier flags at once, by eBPF programs (" + e.Attachment + ")"
}

func (e LinkHints) Fields() []Field {
	if e.Attachment == "" {
		return []Field{{"attachment", "none"}, {"why", e.Why}}
	}
	return []Field{{"attachment", e.Attachment}}
}
