package config

import (
	"slices"
	"time"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/config/value"
	"ripcord/pkg/tree"
)

// Notify are the commands that run when an instance or group changes its state.
type Notify struct {
	Active, Backup, Fault, Stop Command
	Any                         Command // at each transition, with four more arguments
	Timeout                     time.Duration
	User, Group                 string // their account; empty: ScriptUser, and the user's group
}

// Command is a program by its absolute path, with its arguments; empty: none.
type Command struct {
	Argv        []string
	User, Group string // its account; empty: that of its Notify, or ScriptUser
}

// ownCommand parses a command: its words, or the map of commandKeys.
func ownCommand() schema.Form[Command] {
	what := schema.MapOf(commandKeys)
	what.Short = &value.Argv.What
	return schema.As(what, func(report *problem.Report, at problem.Place) (c Command, ok bool) {
		if at.Node.Kind != tree.Map {
			c.Argv, ok = value.Argv.Read(report, at)
			return c, ok
		}
		present := commandKeys.Fill(report, at, &c)
		return c, commandKeys.Sound(present)
	})
}

// Subject is an instance or a group.
type Subject struct {
	Group bool
	Name  string
}

// readFIFOReader reads the program that reads the FIFO, which must be configured.
func readFIFOReader(report *problem.Report, at problem.Place, d *document) bool {
	reader, ok := ownCommand().Read(report, at)
	if ok && d.fifo == "" {
		report.Warn(at, "set fifo, too", "has no effect: there is no FIFO to read")
	}
	d.fifoReader = reader
	return ok
}

// notifies reads a section notify, which has at least one command.
func notifies[T any](field func(*T) *Notify) schema.Value[T] {
	inner := schema.Section(field, notifyKeys)
	what := inner.What
	what.Least = 1
	return schema.Into(what, func(report *problem.Report, at problem.Place, into *T) bool {
		if !inner.Read(report, at, into) {
			return false
		}
		if !slices.ContainsFunc(at.Node.Entries, func(e tree.Entry) bool { return !slices.Contains([]string{"timeout", "user", "group"}, e.Key) }) {
			report.Fail(at, "needs at least one command")
			return false
		}
		return true
	})
}

// Empty reports whether there is no command.
func (n *Notify) Empty() bool {
	return len(n.Active.Argv)+len(n.Backup.Argv)+len(n.Fault.Argv)+len(n.Stop.Argv)+len(n.Any.Argv) == 0
}
