package event

import (
	"fmt"
	"time"
)

// NotifyResult is how a notify or fence command ended.
type NotifyResult string

// The results.
const (
	NotifyDone   NotifyResult = "done"   // exit status 0
	NotifyFailed NotifyResult = "failed" // another exit status, or ended by a signal
	NotifyKilled NotifyResult = "killed" // its timeout expired
	NotifyUnrun  NotifyResult = "unrun"  // it was not started
)

// NotifyRan reports that a notify command has ended.
type NotifyRan struct {
	Stamp
	Subject string // the name of the instance or group
	Group   bool
	State   string // keepalived's word for the state that was entered
	Command string
	Result  NotifyResult
	Took    time.Duration
	Output  string // what the command printed, truncated
	Err     string // why the result is not NotifyDone
	Merged  int    // transitions with this name that were skipped before this one
}

func (NotifyRan) Name() string { return "notify.ran" }

// Level returns Error if the command did not run to its end, and Warn if it failed.
func (e NotifyRan) Level() Level {
	switch e.Result {
	case NotifyDone:
		return Info
	case NotifyFailed:
		return Warn
	}
	return Error
}

func (e NotifyRan) Message() string {
	of := "instance"
	if e.Group {
		of = "group"
	}
	message := fmt.Sprintf("%s for %s of %s %s", e.Command, e.State, of, e.Subject)
	switch e.Result {
	case NotifyDone:
		message += " succeeded"
	case NotifyFailed:
		message += " failed: " + e.Err
	case NotifyKilled:
		message += " was killed: " + e.Err
	case NotifyUnrun:
		message += " did not run: " + e.Err
	}
	if e.Merged > 0 {
		message += fmt.Sprintf("; %s before it skipped, because the commands are slower", Count(e.Merged, "transition"))
	}
	return message
}

func (e NotifyRan) Fields() []Field {
	fields := []Field{
		{"name", e.Subject}, {"state", e.State}, {"command", e.Command}, {"result", string(e.Result)}, {"took_us", e.Took.Microseconds()},
	}
	if e.Output != "" {
		fields = append(fields, Field{"output", e.Output})
	}
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	if e.Merged > 0 {
		fields = append(fields, Field{"merged", e.Merged})
	}
	return fields
}

// NotifyRefused reports, at the start, that a notify command cannot or must not be run.
type NotifyRefused struct {
	Stamp
	Command string
	Err     string
}

func (NotifyRefused) Name() string { return "notify.refused" }

func (NotifyRefused) Level() Level { return Warn }

func (e NotifyRefused) Message() string {
	return fmt.Sprintf("a notify command will not run until this is corrected: %s", e.Err)
}

func (e NotifyRefused) Fields() []Field {
	return []Field{{"command", e.Command}, {"error", e.Err}}
}

// NotifyUnfinished reports that notify commands had not ended when the daemon did.
type NotifyUnfinished struct {
	Stamp
	Err   string
	Unrun bool // they were not started, because the process that runs programs is lost
}

func (NotifyUnfinished) Name() string { return "notify.unfinished" }

func (NotifyUnfinished) Level() Level { return Error }

func (e NotifyUnfinished) Message() string {
	if e.Unrun {
		return fmt.Sprintf("%s; they were not started: the process that runs programs is lost", e.Err)
	}
	return fmt.Sprintf("%s; they are killed", e.Err)
}

func (e NotifyUnfinished) Fields() []Field { return []Field{{"error", e.Err}} }

// NotifyFIFO reports that the FIFO for transitions cannot be written, or can be written again.
type NotifyFIFO struct {
	Stamp
	Path string
	Err  string // empty if it can be written again
	Lost uint64 // lost lines since the start
}

func (NotifyFIFO) Name() string { return "notify.fifo" }

// Level returns Warn while the FIFO cannot be written.
func (e NotifyFIFO) Level() Level {
	if e.Err != "" {
		return Warn
	}
	return Info
}

func (e NotifyFIFO) Message() string {
	if e.Err != "" {
		return e.Err
	}
	return fmt.Sprintf("the FIFO %s can be written again; %s lost since the start", e.Path, Count(int(e.Lost), "line"))
}

func (e NotifyFIFO) Fields() []Field {
	fields := []Field{{"file", e.Path}, {"lost", e.Lost}, {"over", e.Err == ""}}
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}

// NotifyReader reports that the program that reads the FIFO has ended or did not start.
type NotifyReader struct {
	Stamp
	Command string
	Took    time.Duration
	Err     string
	Pause   time.Duration // until it is started again
}

func (NotifyReader) Name() string { return "notify.reader" }

func (NotifyReader) Level() Level { return Warn }

func (e NotifyReader) Message() string {
	return fmt.Sprintf("%s, which reads the FIFO, has ended: %s; it is started again in %v", e.Command, e.Err, e.Pause)
}

func (e NotifyReader) Fields() []Field {
	return []Field{{"command", e.Command}, {"took_us", e.Took.Microseconds()}, {"error", e.Err}}
}

// ProgramRan reports that a program that is run once has ended or did not start.
type ProgramRan struct {
	Stamp
	Program string // startup or shutdown
	Command string
	Result  NotifyResult
	Took    time.Duration
	Output  string
	Err     string
}

func (ProgramRan) Name() string { return "program.ran" }

// Level returns Error if it failed.
func (e ProgramRan) Level() Level {
	if e.Result == NotifyDone {
		return Info
	}
	return Error
}

func (e ProgramRan) Message() string {
	if e.Result == NotifyDone {
		return fmt.Sprintf("%s for the %s of ripcord succeeded", e.Command, e.Program)
	}
	return fmt.Sprintf("%s for the %s of ripcord failed: %s", e.Command, e.Program, e.Err)
}

func (e ProgramRan) Fields() []Field {
	fields := []Field{{"name", e.Program}, {"command", e.Command}, {"result", string(e.Result)}, {"took_us", e.Took.Microseconds()}}
	if e.Output != "" {
		fields = append(fields, Field{"output", e.Output})
	}
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}
