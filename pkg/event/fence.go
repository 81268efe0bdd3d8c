package event

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// FenceRan reports that a fence command has ended.
type FenceRan struct {
	Stamp
	Subject string // the name of the instance or group
	Command string
	Active  netip.Addr // the Active that fell silent
	Result  NotifyResult
	Took    time.Duration
	Output  string // what the command printed, truncated
	Err     string // why the result is not NotifyDone
}

func (FenceRan) Name() string { return "fence.ran" }

// Level returns Error if the Active may still serve.
func (e FenceRan) Level() Level {
	if e.Err != "" {
		return Error
	}
	return Info
}

func (e FenceRan) Message() string {
	if e.Err != "" {
		return fmt.Sprintf("%s did not fence %s, the silent Active of %s: %s: correct the command, or switch that router off by hand", e.Command, e.Active, e.Subject, e.Err)
	}
	return fmt.Sprintf("%s has fenced %s, the silent Active of %s", e.Command, e.Active, e.Subject)
}

func (e FenceRan) Fields() []Field {
	fields := []Field{
		{"name", e.Subject}, {"command", e.Command}, {"active", e.Active.String()}, {"result", string(e.Result)}, {"took_us", e.Took.Microseconds()},
	}
	if e.Output != "" {
		fields = append(fields, Field{"output", e.Output})
	}
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}

// FenceUnproven reports that the fence is not run because no station answers on a segment.
type FenceUnproven struct {
	Stamp
	Virtual
	Links    []string // the links without an answer
	Proceeds bool     // the instance takes over nevertheless
}

func (FenceUnproven) Name() string { return "fence.unproven" }

func (FenceUnproven) Level() Level { return Error }

func (e FenceUnproven) Message() string {
	does := "it stays backup and keeps asking; check the link, or let another router take over"
	if e.Proceeds {
		does = "it takes over without the fence (on_failure: proceed); check the link"
	}
	return fmt.Sprintf("%s does not fence its silent Active: no station answers on %s, so this router may be the one that is cut off; %s",
		e.Virtual.Name, strings.Join(e.Links, ", "), does)
}

func (e FenceUnproven) Fields() []Field {
	done := "hold"
	if e.Proceeds {
		done = "proceed"
	}
	return append(e.Virtual.Fields(), Field{"interfaces", e.Links}, Field{"done", done})
}

// FenceRecalled reports an Active that the previous daemon had heard, and that had not resigned when
// that daemon ended.
type FenceRecalled struct {
	Stamp
	Virtual
	Active netip.Addr
	Age    time.Duration // since the end of that daemon
	Within time.Duration // the longest Age with which the Active counts as heard
}

func (FenceRecalled) Name() string { return "fence.recalled" }

func (e FenceRecalled) counts() bool { return e.Age >= 0 && e.Age <= e.Within }

// Level returns Warn if the Active does not count as heard.
func (e FenceRecalled) Level() Level {
	if e.counts() {
		return Info
	}
	return Warn
}

func (e FenceRecalled) Message() string {
	heard := fmt.Sprintf("the previous daemon had heard %s as Active of %s, and ended %v ago", e.Active, e.Virtual.Name, e.Age.Round(time.Millisecond))
	if e.counts() {
		return heard + ": if that Active stays silent, it is fenced before a takeover"
	}
	return fmt.Sprintf("%s: that is more than %v, so it is not fenced unless it is heard again", heard, e.Within)
}

func (e FenceRecalled) Fields() []Field {
	return append(e.Virtual.Fields(), Field{"active", e.Active.String()}, Field{"age_ms", e.Age.Milliseconds()}, Field{"counts", e.counts()})
}
