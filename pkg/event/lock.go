package event

import "fmt"

// DaemonLock reports, once at the start, that the lock against a second ripcord in the same
// network namespace could not be taken.
type DaemonLock struct {
	Stamp
	Err string // why not
	// Alone reports whether a second ripcord of root or of the same user would still be noticed.
	Alone bool
}

func (DaemonLock) Name() string { return "daemon.lock" }

// Level returns Error if two could run, and Warn otherwise.
func (e DaemonLock) Level() Level {
	if e.Alone {
		return Warn
	}
	return Error
}

func (e DaemonLock) Message() string {
	what := "a second ripcord in this network namespace would not be noticed, and the two would remove each other's addresses"
	if e.Alone {
		what = "a second ripcord in this network namespace would be noticed only if root or the same user starts it"
	}
	return fmt.Sprintf("%s: make /run/ripcord writable for ripcord (systemd: RuntimeDirectory=ripcord): %s", what, e.Err)
}

func (e DaemonLock) Fields() []Field { return []Field{{"error", e.Err}} }
