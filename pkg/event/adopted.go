package event

import (
	"fmt"
	"time"
)

// GroupAdopted reports that a group goes on as Active after the previous daemon died or handed
// over. That is not a transition.
type GroupAdopted struct {
	Stamp
	Group    string // the group's name, or that of its only instance
	Members  []Virtual
	Priority uint8
	Gap      time.Duration // since the last advert of that daemon
	Handover bool          // whether it handed over; otherwise it died
}

func (GroupAdopted) Name() string { return "group.adopted" }

// Level returns Warn if the previous daemon died.
func (e GroupAdopted) Level() Level {
	if e.Handover {
		return Info
	}
	return Warn
}

func (e GroupAdopted) Message() string {
	how := "died: report the crash, with the log before it"
	if e.Handover {
		how = "handed over"
	}
	return fmt.Sprintf("%s goes on as Active, %v after the last advert of the daemon that %s", e.Group, e.Gap.Round(time.Millisecond), how)
}

func (e GroupAdopted) Fields() []Field {
	return []Field{{"group", e.Group}, {"gap_ms", float64(e.Gap.Microseconds()) / 1000}, {"handover", e.Handover}}
}

// GroupUnadopted reports that a group does not go on as Active although it was Active in the
// previous daemon, and why.
type GroupUnadopted struct {
	Stamp
	Group    string
	Why      string
	Handover bool // whether the previous daemon handed over; otherwise it died
}

func (GroupUnadopted) Name() string { return "group.unadopted" }

func (GroupUnadopted) Level() Level { return Warn }

func (e GroupUnadopted) Message() string {
	return fmt.Sprintf("%s was Active when the previous daemon ended, but does not go on as Active, and starts anew: %s", e.Group, e.Why)
}

func (e GroupUnadopted) Fields() []Field {
	return []Field{{"group", e.Group}, {"why", e.Why}, {"handover", e.Handover}}
}

// DaemonRecord reports that the record of the previous daemon cannot be used (Kept), that no record
// can be written for the next daemon, or that it can be written now (Kept, without Err).
type DaemonRecord struct {
	Stamp
	Err  string
	Kept bool // a record is written from now on
}

func (DaemonRecord) Name() string { return "daemon.record" }

// Level returns Warn if the next daemon cannot adopt any group.
func (e DaemonRecord) Level() Level {
	if e.Kept {
		return Info
	}
	return Warn
}

func (e DaemonRecord) Message() string {
	switch {
	case !e.Kept:
		return fmt.Sprintf("no record can be written for the next daemon, so after a crash or a handover another router takes over: %s: free space in /run/ripcord, or make it writable", e.Err)
	case e.Err != "":
		return fmt.Sprintf("the record of the previous daemon cannot be used, so no group goes on as Active: %s", e.Err)
	default:
		return "a record is written for the next daemon again, so that it can go on as Active"
	}
}

func (e DaemonRecord) Fields() []Field {
	fields := []Field{{"kept", e.Kept}}
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}

// DaemonCrashes reports that the daemon was started so often that it waits before it takes part.
type DaemonCrashes struct {
	Stamp
	Count        int
	Window, Wait time.Duration
}

func (DaemonCrashes) Name() string { return "daemon.crashes" }

func (DaemonCrashes) Level() Level { return Error }

func (e DaemonCrashes) Message() string {
	return fmt.Sprintf("the daemon has started %d times in %v: it adopts no group and waits %v before it takes part; see the earlier log for why it ended", e.Count, e.Window, e.Wait)
}

func (e DaemonCrashes) Fields() []Field { return []Field{{"count", e.Count}} }
