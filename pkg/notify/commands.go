package notify

import (
	"slices"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/event"
)

// DefaultTimeout is how long a notify command may run.
const DefaultTimeout = 60 * time.Second

// Command is a notify command as it is configured.
type Command struct {
	Argv []string
	// User is whom it runs as; nil is the daemon's own user.
	User *command.User
	// Timeout is how long it may run; zero is DefaultTimeout.
	Timeout time.Duration
}

// Commands are the notify commands of an instance or a group; nil where there is none.
type Commands struct {
	Active, Backup, Fault, Stop *Command
	// Any runs at each transition, after the one for the state, and gets keepalived's
	// four arguments after its own. The others get no more than their own.
	Any *Command
}

// of returns the commands for a transition, in keepalived's order.
func (c *Commands) of(t *Transition) (list []command.Command) {
	special := map[event.State]*Command{
		event.Active: c.Active, event.Backup: c.Backup, event.Fault: c.Fault, event.Initialize: c.Stop,
	}[t.To]
	if special != nil {
		list = append(list, special.with(t, nil))
	}
	if c.Any != nil {
		list = append(list, c.Any.with(t, t.Args()))
	}
	return list
}

// with returns the program that runs for a transition.
func (c *Command) with(t *Transition, args []string) command.Command {
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return command.Command{Argv: slices.Concat(c.Argv, args), User: c.User, Env: t.Env(), Timeout: timeout}
}
