package config

import (
	"regexp"
	"slices"
	"strings"
	"time"

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
var argv = readsCommand(some(each(as(Description{Type: Text, Range: "a program by its absolute path, and its arguments"}, argument))))

func readsCommand(f form[[]string]) form[[]string] {
	return as(f.what, func(l *loader, at place) ([]string, bool) {
		words, ok := f.read(l, at)
		if !ok || len(words) < len(at.node.Items) {
			return nil, false
		}
		if !strings.HasPrefix(words[0], "/") || strings.HasSuffix(words[0], "/") {
			l.advise(at.item(0), "command -v NAME shows where a program is", "%s is not the absolute path of a program", show(words[0]))
			return nil, false
		}
		return words, true
	})
}

// argument is one word of a command.
func argument(l *loader, at place) (string, bool) {
	s, ok := l.word(at, "text")
	if ok && strings.ContainsRune(s, 0) {
		l.fail(at, "%s has a zero byte, which no argument can have", show(s))
		return "", false
	}
	return s, ok
}

var accountPattern = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.-]*\$?$`)

// account is the name or number of a user or group. Whether there is such an account is
// known where the file is run.
func account(l *loader, at place) (string, bool) {
	s, ok := l.word(at, "a name")
	if ok && !accountPattern.MatchString(s) {
		l.fail(at, "%s is not the name of an account", show(s))
		return "", false
	}
	return s, ok
}

// absolutePath is where a file is.
func absolutePath(l *loader, at place) (string, bool) {
	s, ok := l.word(at, "a path")
	if ok && (!strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") || strings.ContainsRune(s, 0)) {
		l.fail(at, "%s is not the absolute path of a file", show(s))
		return "", false
	}
	return s, ok
}

// readFIFOReader reads the program that reads the FIFO, which has to be there.
func readFIFOReader(l *loader, at place, d *document) bool {
	words, ok := argv.read(l, at)
	if ok && d.fifo == "" {
		l.warn(at, "give fifo, too", "has no effect: there is no FIFO to read")
	}
	d.fifoReader = words
	return ok
}

// notifies reads a section notify, which has at least one command.
func notifies[T any](field func(*T) *Notify) value[T] {
	inner := section(field, notifyKeys)
	what := inner.what
	what.Least = 1
	return value[T]{what, func(l *loader, at place, into *T) bool {
		if !inner.read(l, at, into) {
			return false
		}
		if !slices.ContainsFunc(at.node.Entries, func(e tree.Entry) bool { return !slices.Contains([]string{"timeout", "user", "group"}, e.Key) }) {
			l.fail(at, "needs at least one command")
			return false
		}
		return true
	}}
}

// Empty reports whether there is no command.
func (n *Notify) Empty() bool {
	return len(n.Active)+len(n.Backup)+len(n.Fault)+len(n.Stop)+len(n.Any) == 0
}

// buildNotify fills in what runs for whom.
func (d *document) buildNotify(c *Config) {
	c.Notify = map[Subject]Notify{}
	add := func(s Subject, n Notify) {
		if !n.Empty() {
			c.Notify[s] = n
		}
	}
	for _, i := range d.instances {
		add(Subject{Name: i.Name}, i.notify)
	}
	for _, g := range d.groups {
		add(Subject{Group: true, Name: g.name}, g.notify)
	}
	c.NotifyAll, c.FIFO, c.FIFOReader = d.notify, d.fifo, d.fifoReader
}
