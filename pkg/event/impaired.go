package event

import (
	"fmt"
	"strings"
)

// InstanceImpaired reports that a virtual router lacks something that it should hold while
// Active, or that it lacks nothing any more or is about to try again.
type InstanceImpaired struct {
	Stamp
	Virtual
	Missing  []string // the objects that could not be put in place, each with the reason; empty if none is known to be missing
	Priority uint8    // the priority that it advertises now
}

func (InstanceImpaired) Name() string { return "instance.impaired" }

// Level returns Error while something is missing.
func (e InstanceImpaired) Level() Level {
	if len(e.Missing) == 0 {
		return Info
	}
	return Error
}

func (e InstanceImpaired) Message() string {
	if len(e.Missing) == 0 {
		return fmt.Sprintf("%s lacks nothing any more, or tries again: it has priority %d", e.Virtual.Name, e.Priority)
	}
	return fmt.Sprintf("%s has priority %d and lacks %s: remove the cause, or take it out of the configuration", e.Virtual.Name, e.Priority, strings.Join(e.Missing, "; "))
}

func (e InstanceImpaired) Fields() []Field {
	return append(e.Virtual.Fields(), Field{"missing", append([]string{}, e.Missing...)}, Field{"priority", e.Priority})
}
