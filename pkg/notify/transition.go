package notify

import (
	"fmt"
	"strconv"

	"ripcord/pkg/event"
)

// Kind is the kind of a subject: an instance or a group.
type Kind uint8

// The kinds.
const (
	Instance Kind = iota
	Group
)

// String returns keepalived's word.
func (k Kind) String() string { return [...]string{"INSTANCE", "GROUP"}[k] }

// Subject names an instance or a group. The commands of one subject run in order.
type Subject struct {
	Kind Kind
	Name string
}

// Transition is a change of the state of an instance or a group. To is Initialize if it is stopped:
// at shutdown, or when it is removed.
type Transition struct {
	Kind     Kind
	Name     string
	From, To event.State
	Reason   event.Reason
	// Priority is the effective priority. The priority of a group is not used: keepalived
	// writes 0.
	Priority uint8
	// Interface and VRID are those of an instance; a group has none.
	Interface string
	VRID      uint8
	Cause     event.Cause
}

// Word returns keepalived's word for the state of an instance.
func Word(s event.State) string {
	switch s {
	case event.Backup:
		return "BACKUP"
	case event.Active:
		return "MASTER"
	case event.Fault:
		return "FAULT"
	}
	return "INIT"
}

// State returns keepalived's word for the state that was entered.
func (t *Transition) State() string {
	if t.To == event.Initialize {
		return "STOP"
	}
	return Word(t.To)
}

// priority returns keepalived's text for the priority.
func (t *Transition) priority() string {
	if t.Kind == Group {
		return "0"
	}
	return strconv.Itoa(int(t.Priority))
}

// Args returns the arguments that a command for any transition gets after its own: INSTANCE or
// GROUP, the name, MASTER, BACKUP, FAULT or STOP, and the priority.
func (t *Transition) Args() []string {
	return []string{t.Kind.String(), t.Name, t.State(), t.priority()}
}

// Env returns the environment variables for every command. Those that do not apply to a group are
// empty.
func (t *Transition) Env() []string {
	vrid := ""
	if t.Kind == Instance {
		vrid = strconv.Itoa(int(t.VRID))
	}
	return []string{
		"RIPCORD_NAME=" + t.Name,
		"RIPCORD_STATE=" + t.State(),
		"RIPCORD_PREVIOUS=" + Word(t.From),
		"RIPCORD_REASON=" + string(t.Reason),
		"RIPCORD_PRIORITY=" + t.priority(),
		"RIPCORD_INTERFACE=" + t.Interface,
		"RIPCORD_VRID=" + vrid,
		"RIPCORD_TRACE=" + t.Cause.Trace.String(),
	}
}

// Line returns the line for the FIFO, as `INSTANCE "inside" MASTER 150`.
func (t *Transition) Line() string {
	return fmt.Sprintf("%s \"%s\" %s %s\n", t.Kind, t.Name, t.State(), t.priority())
}

// subject returns the instance or group that changed its state.
func (t *Transition) subject() Subject { return Subject{t.Kind, t.Name} }
