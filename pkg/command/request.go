package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Kind is the purpose of a program of the configuration.
type Kind string

// The kinds.
const (
	ForCheck         Kind = "check"
	ForInstance      Kind = "notify-instance"
	ForEveryInstance Kind = "notify-every" // the same, from the section notify of the whole file
	ForGroup         Kind = "notify-group"
	ForFence         Kind = "fence"
	ForFIFO          Kind = "fifo-reader"
	ForStartup       Kind = "startup"
	ForShutdown      Kind = "shutdown"
)

// These are the values of ID.When: the notify commands of an instance or a group.
const (
	WhenActive = "active"
	WhenBackup = "backup"
	WhenFault  = "fault"
	WhenStop   = "stop"
	WhenAny    = "any"
)

// ID is the name of a program of the configuration, by which another process is asked to run it.
type ID struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name,omitempty"` // of the check, the instance or the group
	When string `json:"when,omitempty"` // of a notify command
}

// String returns the name in a few words.
func (id ID) String() string {
	return strings.TrimSpace(string(id.Kind) + " " + strings.TrimSpace(id.Name+" "+id.When))
}

// Request is a program of the configuration to run once.
type Request struct {
	ID ID
	Command
}

// Runner runs programs of the configuration.
type Runner interface {
	// Run runs a program. It calls done once, as soon as the result is known, and returns when
	// nothing of the program is left, as Command.Run does.
	Run(ctx context.Context, r Request, done func(Result))
	// Check returns why a program cannot or must not be run.
	Check(ctx context.Context, r Request) error
}

// Local is the Runner that runs programs as children of this process.
type Local struct{}

// Run implements Runner.
func (Local) Run(ctx context.Context, r Request, done func(Result)) { r.Command.Run(ctx, done) }

// Check implements Runner.
func (Local) Check(_ context.Context, r Request) error { return r.Command.Check() }

// Check returns why the program cannot or must not be run.
func (c *Command) Check() error {
	if len(c.Argv) == 0 {
		return errors.New("the command is empty")
	}
	_, err := CheckExecutable(c.Argv[0], c.User)
	return err
}

// ErrLost is the error of a program that was not run, or whose result is unknown, because the
// process that runs programs is lost. It proves nothing about the program.
var ErrLost = errors.New("the process that runs programs is lost")

// Lost returns an error that is ErrLost, with the reason.
func Lost(reason string) error { return fmt.Errorf("%w: %s", ErrLost, reason) }
