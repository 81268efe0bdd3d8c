package notify

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/event"
)

// ResultOf returns the result of a command for the log, and its error.
func ResultOf(err error) (event.NotifyResult, string) {
	var exit *command.ExitError
	switch {
	case err == nil:
		return event.NotifyDone, ""
	case errors.Is(err, context.Canceled):
		return event.NotifyKilled, "ripcord stops, and another transition has followed"
	case errors.Is(err, command.ErrTimeout):
		return event.NotifyKilled, err.Error()
	case errors.Is(err, command.ErrLost):
		return event.NotifyUnrun, err.Error()
	case errors.As(err, &exit):
		return event.NotifyFailed, err.Error()
	}
	return event.NotifyUnrun, err.Error()
}

// ranEvent returns the event of a command that has ended.
func ranEvent(r Ran) event.Event {
	e := event.NotifyRan{
		Stamp: event.Stamp{Cause: r.Cause, At: time.Now()}, Subject: r.Name, Group: r.Kind == Group, State: r.State(),
		Command: r.Argv[0], Took: r.Took, Output: r.Output, Merged: r.Merged,
	}
	e.Result, e.Err = ResultOf(r.Err)
	return e
}

// fifoEvent returns the event of a FIFO that cannot be written, or can be again.
func fifoEvent(r FIFOReport) event.Event {
	e := event.NotifyFIFO{Stamp: event.Stamp{At: time.Now()}, Path: r.Path, Lost: r.Lost}
	if r.Err != nil {
		e.Err = r.Err.Error()
	}
	return e
}

// readerEvent returns the event of a reader that has ended.
func readerEvent(r ReaderReport) event.Event {
	e := event.NotifyReader{Stamp: event.Stamp{At: time.Now()}, Command: r.Argv[0], Took: r.Took, Err: "exit status 0", Pause: r.Pause}
	if r.Err != nil {
		e.Err = r.Err.Error()
	}
	return e
}

// Refusal is a program that cannot or must not be run.
type Refusal struct {
	Path string
	Err  error
}

// Refused returns the programs that cannot or must not be run, by path. A program that several users
// run is listed again if the reason differs.
func Refused(ctx context.Context, programs command.Runner, requests []command.Request) (all []Refusal) {
	type run struct {
		path     string
		uid, gid uint32
	}
	seen := make(map[run]bool)
	for _, r := range requests {
		as := run{path: r.Argv[0]}
		if r.User != nil {
			as.uid, as.gid = r.User.UID, r.User.GID
		}
		if seen[as] {
			continue
		}
		seen[as] = true
		if err := programs.Check(ctx, r); err != nil && !errors.Is(err, command.ErrLost) {
			all = append(all, Refusal{r.Argv[0], err})
		}
	}
	slices.SortFunc(all, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Err.Error(), b.Err.Error()))
	})
	return slices.CompactFunc(all, func(a, b Refusal) bool { return a.Path == b.Path && a.Err.Error() == b.Err.Error() })
}
