package event

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Daemon reports that the daemon is ready, is stopping or has stopped.
type Daemon struct {
	Stamp
	Kind      DaemonKind
	Version   string
	PID       int
	Instances int
	Err       string // for DaemonStopped: what failed or was left behind; empty if nothing was
}

// DaemonKind is the kind of a Daemon event.
type DaemonKind string

// The kinds, named as in the log.
const (
	DaemonReady    DaemonKind = "daemon.ready"
	DaemonStopping DaemonKind = "daemon.stopping"
	DaemonStopped  DaemonKind = "daemon.stopped"
	// DaemonHandover: the daemon stops without resigning.
	DaemonHandover DaemonKind = "daemon.handover"
)

func (e Daemon) Name() string { return string(e.Kind) }

// Level returns Info, and Error if the daemon ended with a failure or left something behind.
func (e Daemon) Level() Level {
	if e.Err != "" {
		return Error
	}
	return Info
}

func (e Daemon) Message() string {
	switch e.Kind {
	case DaemonReady:
		return fmt.Sprintf("ripcord %s runs with %s", e.Version, Count(e.Instances, "instance"))
	case DaemonStopping:
		return "stopping: all Active instances resign"
	case DaemonHandover:
		return "stopping without resigning: the next daemon goes on as Active"
	}
	if e.Err != "" {
		return fmt.Sprintf("stopped with errors; ripcord clean removes what may be left: %s", e.Err)
	}
	return "stopped"
}

func (e Daemon) Fields() []Field {
	fields := []Field{{"version", e.Version}, {"pid", e.PID}, {"instances", e.Instances}}
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}

// DaemonStatus is the answer to SIGUSR1: the same status document as in the control API.
type DaemonStatus struct {
	Stamp
	Document any
}

func (DaemonStatus) Name() string { return "daemon.status" }

func (DaemonStatus) Level() Level { return Info }

func (DaemonStatus) Message() string { return "status, as requested by SIGUSR1" }

func (e DaemonStatus) Fields() []Field { return []Field{{"status", e.Document}} }

// DaemonMemory reports, once at the start, whether the daemon's memory is locked.
type DaemonMemory struct {
	Stamp
	Err    string // why it is not; empty if it is
	Unread string // why not all of the program could be read into locked memory; empty if it was
}

func (DaemonMemory) Name() string { return "daemon.memory" }

func (DaemonMemory) Level() Level { return Info }

func (e DaemonMemory) Message() string {
	switch {
	case e.Unread != "":
		return "the daemon's memory is locked, but not all of its program could be read into memory: " +
			"a failover may wait for the disk on a machine that lacks memory (" + e.Unread + ")"
	case e.Err == "":
		return "the daemon's memory is locked: it is not swapped out"
	}
	return fmt.Sprintf("the daemon's memory is not locked: a failover may wait for the disk on a machine that swaps: "+
		"allow locking with LimitMEMLOCK=infinity or CAP_IPC_LOCK (%s)", e.Err)
}

func (e DaemonMemory) Fields() []Field {
	fields := []Field{{"locked", e.Err == ""}}
	if err := cmp.Or(e.Err, e.Unread); err != "" {
		fields = append(fields, Field{"error", err})
	}
	return fields
}

// ConfigLoaded reports which configuration is in force at the start.
type ConfigLoaded struct {
	Stamp
	File      string
	Instances int
	Groups    int
}

func (ConfigLoaded) Name() string { return "config.loaded" }

func (ConfigLoaded) Level() Level { return Info }

func (e ConfigLoaded) Message() string {
	return fmt.Sprintf("loaded %s: %s, %s", e.File, Count(e.Instances, "instance"), Count(e.Groups, "group"))
}

func (e ConfigLoaded) Fields() []Field {
	return []Field{{"file", e.File}, {"added", e.Instances}, {"changed", 0}, {"removed", 0}, {"groups", e.Groups}}
}

// ConfigRejected reports that a configuration was not applied, or only in part, and why.
type ConfigRejected struct {
	Stamp
	File   string
	Errors []string
	Partly bool // it was applied in part, before the error; the next reload applies all of it
}

func (ConfigRejected) Name() string { return "config.rejected" }

func (ConfigRejected) Level() Level { return Error }

// Message returns a sentence that names the file once.
func (e ConfigRejected) Message() string {
	errors := make([]string, len(e.Errors))
	for n, text := range e.Errors {
		errors[n] = text
		if at, found := strings.CutPrefix(text, e.File+":"); found {
			errors[n] = "line " + at
		}
	}
	if e.Partly {
		return fmt.Sprintf("%s was applied only in part, run `ripcord reload` again, which applies it to all parts: %s", e.File, strings.Join(errors, "; "))
	}
	return fmt.Sprintf("%s was not applied, the previous configuration stays in force: %s", e.File, strings.Join(errors, "; "))
}

func (e ConfigRejected) Fields() []Field {
	return []Field{{"file", e.File}, {"errors", e.Errors}}
}

// Count returns a number with its noun: "1 group", "2 groups".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// ReleasesUnread reports that the releases of the previous daemon cannot be read: all groups take
// part.
type ReleasesUnread struct {
	Stamp
	Err string
}

func (ReleasesUnread) Name() string { return "daemon.releases" }

func (ReleasesUnread) Level() Level { return Error }

func (e ReleasesUnread) Message() string {
	return "the list of released groups cannot be read, so all groups take part: release again those that should not: " + e.Err
}

func (e ReleasesUnread) Fields() []Field { return []Field{{"error", e.Err}} }

// ConfigReloaded reports that a new configuration is in force.
type ConfigReloaded struct {
	Stamp
	File                    string
	Added, Changed, Removed []string // names of instances and groups
	Notes                   []string // instances that start anew in another group, changes that need a restart, new warnings of the file
	Values                  []string // for changed ones: the name, the keys that changed, and some new and old values
}

func (ConfigReloaded) Name() string { return "config.reloaded" }

// Level returns Warn if there are notes.
func (e ConfigReloaded) Level() Level {
	if len(e.Notes) > 0 {
		return Warn
	}
	return Info
}

func (e ConfigReloaded) Message() string {
	if len(e.Added)+len(e.Changed)+len(e.Removed)+len(e.Notes) == 0 {
		return fmt.Sprintf("reloaded %s: nothing changed", e.File)
	}
	message := "reloaded " + e.File
	for _, part := range []struct {
		what  string
		names []string
	}{{"added", e.Added}, {"changed", e.Changed}, {"removed", e.Removed}} {
		if len(part.names) > 0 {
			message += fmt.Sprintf("; %s %s", part.what, strings.Join(part.names, ", "))
		}
	}
	for _, text := range slices.Concat(e.Values, e.Notes) {
		message += "; " + text
	}
	return message
}

func (e ConfigReloaded) Fields() []Field {
	fields := []Field{
		{"file", e.File}, {"added", append([]string{}, e.Added...)}, {"changed", append([]string{}, e.Changed...)}, {"removed", append([]string{}, e.Removed...)},
	}
	if len(e.Values) > 0 {
		fields = append(fields, Field{"values", append([]string{}, e.Values...)})
	}
	if len(e.Notes) > 0 {
		fields = append(fields, Field{"notes", append([]string{}, e.Notes...)})
	}
	return fields
}
