package notify

import (
	"slices"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/event"
)

const (
	// DefaultTimeout is how long a notify command may run.
	DefaultTimeout = time.Hour
	// YieldAfter is how long a command without a timeout of its own may delay the next transition:
	// keepalived lets its scripts run, but none of them waits for another.
	YieldAfter = time.Minute
)

// Command is a configured notify command.
type Command struct {
	Argv []string
	// User is the account of the command; nil is the daemon's own user.
	User *command.User
	// Timeout is how long it may run; zero is DefaultTimeout.
	Timeout time.Duration
}

// Commands are the notify commands of an instance or a group; nil if there is none.
type Commands struct {
	Active, Backup, Fault, Stop *Command
	// Any runs at each transition, after the command for the state, and gets keepalived's four
	// arguments after its own. The others get only their own.
	Any *Command
	// Every reports whether these commands run for every instance, beside its own.
	Every bool
}

// whens maps states to the values of command.ID.When for entering them.
var whens = map[event.State]string{
	event.Active: command.WhenActive, event.Backup: command.WhenBackup, event.Fault: command.WhenFault, event.Initialize: command.WhenStop,
}

// For returns the command for the state that is entered; nil if there is none.
func (c *Commands) For(when string) *Command {
	return map[string]*Command{
		command.WhenActive: c.Active, command.WhenBackup: c.Backup, command.WhenFault: c.Fault, command.WhenStop: c.Stop, command.WhenAny: c.Any,
	}[when]
}

// whensAll are the words for which there may be a command.
var whensAll = []string{command.WhenActive, command.WhenBackup, command.WhenFault, command.WhenStop, command.WhenAny}

// Requests returns the requests for all commands of an instance or a group, without the parts that
// depend on the transition.
func (c *Commands) Requests(of Kind, name string) (list []command.Request) {
	none := Transition{Kind: of, Name: name}
	for _, when := range whensAll {
		if own := c.For(when); own != nil {
			request := command.Request{ID: command.ID{Kind: none.kind(c.Every), Name: name, When: when}, Command: own.with(&none, nil)}
			request.Env = nil
			list = append(list, request)
		}
	}
	return list
}

// queued is a command of a transition.
type queued struct {
	command.Request
	// yields reports whether it has no timeout of its own, and makes room after YieldAfter.
	yields bool
}

// of returns the commands for a transition, in keepalived's order.
func (c *Commands) of(t *Transition) (list []queued) {
	add := func(when string, args []string) {
		if own := c.For(when); own != nil {
			id := command.ID{Kind: t.kind(c.Every), Name: t.Name, When: when}
			list = append(list, queued{command.Request{ID: id, Command: own.with(t, args)}, own.Timeout <= 0})
		}
	}
	add(whens[t.To], nil)
	add(command.WhenAny, t.Args())
	return list
}

// kind returns the kind of a program that runs for the transition.
func (t *Transition) kind(every bool) command.Kind {
	switch {
	case every:
		return command.ForEveryInstance
	case t.Kind == Group:
		return command.ForGroup
	}
	return command.ForInstance
}

// with returns the program that runs for a transition.
func (c *Command) with(t *Transition, args []string) command.Command {
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return command.Command{Argv: slices.Concat(c.Argv, args), User: c.User, Env: t.Env(), Timeout: timeout}
}
