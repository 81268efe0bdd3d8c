package config

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/tree"
)

// Notify is what runs when an instance or group changes its state. Each command is a
// program by its absolute path, with its arguments; empty: none.
type Notify struct {
	Active, Backup, Fault, Stop []string
	Any                         []string // at each transition, with four more arguments
	Timeout                     time.Duration
	User, Group                 string // that they run as; empty: ScriptUser, and the user's group
}

// Subject is an instance or a group.
type Subject struct {
	Group bool
	Name  string
}

// argv reads a command: a program by its absolute path, and its arguments.
var argv = readsCommand(schema.Some(schema.Each(schema.As(schema.Description{Type: schema.TypeText, Range: "a program by its absolute path, and its arguments"}, argument))))

func readsCommand(f schema.Form[[]string]) schema.Form[[]string] {
	return schema.As(f.What, func(report *problem.Report, at problem.Place) ([]string, bool) {
		words, ok := f.Read(report, at)
		if !ok || len(words) < len(at.Node.Items) {
			return nil, false
		}
		if !strings.HasPrefix(words[0], "/") || strings.HasSuffix(words[0], "/") {
			report.Advise(at.Item(0), "command -v NAME shows where a program is", "%s is not the absolute path of a program", problem.Show(words[0]))
			return nil, false
		}
		return words, true
	})
}

// argument is one word of a command.
func argument(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := report.Word(at, "text")
	if ok && strings.ContainsRune(s, 0) {
		report.Fail(at, "%s has a zero byte, which no argument can have", problem.Show(s))
		return "", false
	}
	return s, ok
}

var accountPattern = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.-]*\$?$`)

// account is the name or number of a user or group. Whether there is such an account is
// known where the file is run.
func account(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := report.Word(at, "a name")
	if ok && !accountPattern.MatchString(s) {
		report.Fail(at, "%s is not the name of an account", problem.Show(s))
		return "", false
	}
	return s, ok
}

// absolutePath is where a file is.
func absolutePath(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := report.Word(at, "a path")
	if ok && (!strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") || strings.ContainsRune(s, 0)) {
		report.Fail(at, "%s is not the absolute path of a file", problem.Show(s))
		return "", false
	}
	return s, ok
}

// readFIFOReader reads the program that reads the FIFO, which has to be there.
func readFIFOReader(report *problem.Report, at problem.Place, d *document) bool {
	words, ok := argv.Read(report, at)
	if ok && d.fifo == "" {
		report.Warn(at, "give fifo, too", "has no effect: there is no FIFO to read")
	}
	d.fifoReader = words
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
	return len(n.Active)+len(n.Backup)+len(n.Fault)+len(n.Stop)+len(n.Any) == 0
}
