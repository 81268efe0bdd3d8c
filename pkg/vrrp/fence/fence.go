// Package fence follows the fence of a takeover: a group with a fence runs a command before it
// takes over from an Active that was heard and fell silent, to make sure that the other
// router no longer serves (STONITH).
//
// A router that is cut off itself hears the same silence. So a station on the segment of every
// member has to answer first; then the command runs. A command that still runs for an earlier
// takeover, which was cancelled, is not interrupted: its result proves nothing about the present
// silence, and must be there before the next command runs.
package fence

import (
	"slices"
	"strings"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
)

const (
	// proofWait is the time in which a station on each segment must answer. After it the group
	// counts as possibly cut off.
	proofWait = 2 * time.Second
	// resultWait is how much longer than its timeout a command may take to be killed and
	// reported.
	resultWait = 10 * time.Second
)

// phase is the progress of the fence of a takeover.
type phase uint8

const (
	none    phase = iota
	proving       // the stations are asked
	queued        // the command for an earlier takeover must end first
	running       // the command runs
	passed        // the takeover may go on
)

// State is the fence of the takeover that is due. The zero value has not begun.
type State struct {
	phase    phase
	unproven []string  // links on which no station has answered yet
	since    time.Time // the instant of the first question
	ask      deadline.Backoff
	cutOff   bool // no station has answered in time
	// ticket is that of the running command; 0 if none runs. It outlives the takeover.
	ticket uint64
	limit  time.Time // the result is waited for until then
	err    string    // why the last command failed; empty if it did not, or after Forget
}

// Outcome is the result of a step of a fence.
type Outcome uint8

// The outcomes.
const (
	Pending Outcome = iota // no outcome yet
	CutOff                 // no station has answered in time on the links that Unproven returns
	Again                  // an earlier command has ended: the fence must begin again
	Failed                 // the command failed: Err returns why
	Done                   // the command succeeded
)

// Begun reports whether the fence of the takeover has begun and was not cancelled.
func (f *State) Begun() bool { return f.phase != none }

// Holds reports whether the fence keeps the takeover waiting.
func (f *State) Holds() bool {
	return f.phase == proving || f.phase == queued || f.phase == running
}

// Passed reports whether the fence lets the takeover go on.
func (f *State) Passed() bool { return f.phase == passed }

// Err returns why the last command failed; empty if it did not, or after Forget.
func (f *State) Err() string { return f.err }

// Unproven returns the links on which no station has answered yet.
func (f *State) Unproven() []string { return slices.Clone(f.unproven) }

// Deadline returns the next instant that needs a Tick, while the fence holds.
func (f *State) Deadline() time.Time {
	if f.phase != proving {
		return f.limit
	}
	if at := f.since.Add(proofWait); !f.cutOff && at.Before(f.ask.At()) {
		return at
	}
	return f.ask.At()
}

// Begin begins the fence of a takeover that is due: stations on all links must be asked.
func (f *State) Begin(now time.Time, links []string, first time.Duration) {
	f.phase, f.since, f.cutOff = proving, now, false
	f.unproven, f.ask = links, deadline.NewBackoff(now, first)
}

// Ask returns the links on which stations must be asked now; nil if there is none. The pause
// before the next question doubles up to maxPause.
func (f *State) Ask(now time.Time, maxPause time.Duration) []string {
	if f.phase != proving || !f.ask.Due(now) {
		return nil
	}
	f.ask.Tried(now, maxPause)
	return f.Unproven()
}

// Prove records that a station on a link has answered, at the instant at. It reports whether that
// was the last link and the caller must run the command and call Run. If an earlier command has
// to end first, it does not.
func (f *State) Prove(link string, at time.Time) (proved bool) {
	if f.phase != proving || at.Before(f.since) {
		return false
	}
	return f.drop(func(l string) bool { return l == link })
}

// Keep removes the links that are not among the given ones, because the group has lost them in a
// reload. It reports what Prove reports.
func (f *State) Keep(links []string) (proved bool) {
	if f.phase != proving {
		return false
	}
	return f.drop(func(l string) bool { return !slices.Contains(links, l) })
}

// drop removes the links that need no proof any more. It reports what Prove reports.
func (f *State) drop(proven func(link string) bool) (proved bool) {
	f.unproven = slices.DeleteFunc(f.unproven, proven)
	if len(f.unproven) > 0 {
		return false
	}
	if f.ticket != 0 {
		f.phase = queued
		return false
	}
	return true
}

// Run records that the command was ordered, with a ticket and a timeout.
func (f *State) Run(now time.Time, ticket uint64, timeout time.Duration) {
	f.phase, f.ticket, f.limit = running, ticket, now.Add(timeout+resultWait)
}

// Tick returns the outcome if an answer or the result did not come in time.
func (f *State) Tick(now time.Time) Outcome {
	switch {
	case f.phase == proving:
		if f.cutOff || now.Before(f.since.Add(proofWait)) {
			return Pending
		}
		f.cutOff = true
		return CutOff
	case now.Before(f.limit):
		return Pending
	case f.phase == queued:
		f.ticket = 0
		return Again
	}
	f.ticket = 0
	f.err = "the command ended without a result in time"
	return Failed
}

// Ended returns the outcome of the end of a command. A command for an earlier takeover proves nothing
// about the present silence.
func (f *State) Ended(ticket uint64, err string) Outcome {
	if ticket == 0 || ticket != f.ticket {
		return Pending
	}
	f.ticket = 0
	switch {
	case f.phase == queued:
		return Again
	case f.phase != running:
		return Pending
	}
	if f.err = err; err != "" {
		return Failed
	}
	return Done
}

// Pass lets the takeover go on.
func (f *State) Pass() { f.phase = passed }

// FailCutOff records, as the error of the fence, that no station answers.
func (f *State) FailCutOff() { f.err = f.cutOffError() }

// Cancel ends the fence of a takeover that is no longer due.
func (f *State) Cancel() { f.phase, f.unproven = none, nil }

// Forget forgets the failure of a command, because an Active was heard since or has resigned.
func (f *State) Forget() { f.err = "" }

func (f *State) cutOffError() string {
	return "no station answers on " + strings.Join(f.unproven, ", ") + ": this router may be the one that is cut off"
}

// Holding describes what keeps the takeover waiting; empty if nothing does.
func (f *State) Holding() string {
	switch f.phase {
	case proving:
		if f.cutOff {
			return event.HoldFence + ": " + f.cutOffError()
		}
		return event.HoldFence + ": waiting for an answer of a station on " + strings.Join(f.unproven, ", ")
	case queued, running:
		return event.HoldFence + ": the fence command runs"
	case none:
		if f.err != "" {
			return event.HoldFenceFailed + ": " + f.err
		}
	}
	return ""
}
