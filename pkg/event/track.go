package event

import (
	"fmt"
	"time"
)

// CheckChanged reports that the state of a check changed, or the change of the priority that it
// reports.
type CheckChanged struct {
	Stamp
	Check  string
	Result string // "up" or "down"
	Change int    // the change of the priority, for a check of a file
	Took   time.Duration
	Output string // its answer, truncated
	Err    string // why it is down
}

func (CheckChanged) Name() string { return "check.changed" }

// Level returns Warn while the check is down, or a file has no usable content.
func (e CheckChanged) Level() Level {
	if e.Err != "" {
		return Warn
	}
	return Info
}

func (e CheckChanged) Message() string {
	message := fmt.Sprintf("check %s is %s", e.Check, e.Result)
	if e.Change != 0 {
		message += fmt.Sprintf(" and adds %d to the priority", e.Change)
	}
	if e.Err != "" {
		message += ": " + e.Err
	}
	return message
}

func (e CheckChanged) Fields() []Field {
	fields := []Field{{"name", e.Check}, {"result", e.Result}, {"took_us", e.Took.Microseconds()}}
	if e.Change != 0 {
		fields = append(fields, Field{"change", e.Change})
	}
	if e.Output != "" {
		fields = append(fields, Field{"output", e.Output})
	}
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}
