package event

import "fmt"

// ControlPort reports that the TCP port of control.listen cannot be opened, or that it is open
// after a failure.
type ControlPort struct {
	Stamp
	Listen string // the address
	Err    string // why it cannot be opened; empty if it is open
}

func (e ControlPort) Name() string {
	if e.Err != "" {
		return string(ControlFailed)
	}
	return string(ControlListening)
}

// ControlKind is the kind of a ControlPort.
type ControlKind string

// The kinds, named as in the log.
const (
	ControlFailed    ControlKind = "control.failed"
	ControlListening ControlKind = "control.listening"
)

// Level returns Error if the port is not open.
func (e ControlPort) Level() Level {
	if e.Err != "" {
		return Error
	}
	return Info
}

func (e ControlPort) Message() string {
	if e.Err != "" {
		return fmt.Sprintf("%s; the router runs without it, and tries again every second", e.Err)
	}
	return fmt.Sprintf("metrics and status are available on %s", e.Listen)
}

func (e ControlPort) Fields() []Field {
	fields := []Field{{"listen", e.Listen}}
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}
