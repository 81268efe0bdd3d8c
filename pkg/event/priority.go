package event

import "fmt"

// InstancePriority reports that a tracker changed the priority in force of a group, or
// of an instance outside any group.
type InstancePriority struct {
	Stamp
	Virtual        // zero for a group
	Group   string // empty for an instance
	From    uint8
	To      uint8
	Tracker string // the link or the check that changed
}

func (InstancePriority) Name() string { return "instance.priority" }

// Level returns Info: the change of the tracker has an event of its own.
func (InstancePriority) Level() Level { return Info }

func (e InstancePriority) Message() string {
	name := e.Virtual.Name
	if e.Group != "" {
		name = "group " + e.Group
	}
	return fmt.Sprintf("%s has priority %d, was %d: %s changed", name, e.To, e.From, e.Tracker)
}

func (e InstancePriority) Fields() []Field {
	var fields []Field
	if e.Group != "" {
		fields = []Field{{"group", e.Group}}
	} else {
		fields = e.Virtual.Fields()
	}
	return append(fields, Field{"from", e.From}, Field{"to", e.To}, Field{"tracker", e.Tracker})
}
