package event

import "fmt"

// InstanceFault reports that a condition which keeps an instance from serving has
// begun, or is over. The transition that may follow from it bears the same reason.
type InstanceFault struct {
	Stamp
	Virtual
	Reason Reason // one of Conditions
	Err    string // what is wrong, and what to do
	Over   bool
}

// Name returns instance.fault.
func (InstanceFault) Name() string { return "instance.fault" }

// Level is Error while the condition holds, Info when it is over.
func (e InstanceFault) Level() Level {
	if e.Over {
		return Info
	}
	return Error
}

// Message names the instance and what keeps it from serving.
func (e InstanceFault) Message() string {
	if e.Over {
		return fmt.Sprintf("%s: the fault %s is over", e.Instance, e.Reason)
	}
	return fmt.Sprintf("%s cannot serve (%s): %s", e.Instance, e.Reason, e.Err)
}

// Fields are those of the virtual router, the reason, whether it is over, and the error.
func (e InstanceFault) Fields() []Field {
	fields := append(e.Virtual.Fields(), Field{"reason", string(e.Reason)}, Field{"over", e.Over})
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}
