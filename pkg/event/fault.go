package event

import "fmt"

// InstanceFault reports that a condition which keeps an instance from serving has begun, or is
// over. A transition that follows from it has the same reason.
type InstanceFault struct {
	Stamp
	Virtual
	Reason Reason // one of Conditions
	Err    string // what is wrong, and what to do
	Over   bool
}

func (InstanceFault) Name() string { return "instance.fault" }

// Level returns Error while the condition lasts, Info when it is over.
func (e InstanceFault) Level() Level {
	if e.Over {
		return Info
	}
	return Error
}

func (e InstanceFault) Message() string {
	if e.Over {
		return fmt.Sprintf("%s: the fault %s is over", e.Virtual.Name, e.Reason)
	}
	return fmt.Sprintf("%s cannot serve (%s): %s", e.Virtual.Name, e.Reason, e.Err)
}

func (e InstanceFault) Fields() []Field {
	fields := append(e.Virtual.Fields(), Field{"reason", string(e.Reason)}, Field{"over", e.Over})
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}
