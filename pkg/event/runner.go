package event

import (
	"fmt"
	"strings"
	"time"
)

// RunnerReady reports that the process that runs the programs of the configuration is ready.
type RunnerReady struct {
	Stamp
	PID int
	Err string // why it runs no program; empty if it does
}

func (RunnerReady) Name() string { return "runner.ready" }

// Level returns Error if it runs no program.
func (e RunnerReady) Level() Level {
	if e.Err != "" {
		return Error
	}
	return Info
}

func (e RunnerReady) Message() string {
	if e.Err != "" {
		return fmt.Sprintf("ripcord runner (process %d) runs no check, notify or fence command: %s: correct this, then run `ripcord reload`", e.PID, e.Err)
	}
	return fmt.Sprintf("ripcord runner (process %d) is ready to run checks, notify and fence commands", e.PID)
}

func (e RunnerReady) Fields() []Field {
	fields := []Field{{"pid", e.PID}}
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}

// RunnerLost reports that the process that runs the programs of the configuration is not running.
type RunnerLost struct {
	Stamp
	Err      string
	UnderWay int           // programs that were running, and are stopped
	Pause    time.Duration // until the next attempt
}

func (RunnerLost) Name() string { return "runner.lost" }

func (RunnerLost) Level() Level { return Error }

func (e RunnerLost) Message() string {
	message := "checks keep their states and no command runs: ripcord runner is lost: " + e.Err
	if e.UnderWay > 0 {
		message += fmt.Sprintf("; %s under way", Count(e.UnderWay, "program"))
	}
	return fmt.Sprintf("%s; it is tried again in %v", message, e.Pause)
}

func (e RunnerLost) Fields() []Field {
	return []Field{{"error", e.Err}, {"under_way", e.UnderWay}, {"retry_us", e.Pause.Microseconds()}}
}

// RunnerUnkept reports that the process that would restart the runner has ended.
type RunnerUnkept struct {
	Stamp
	PID int // the runner's process; 0 if there is none
}

func (RunnerUnkept) Name() string { return "runner.unkept" }

func (RunnerUnkept) Level() Level { return Error }

func (e RunnerUnkept) Message() string {
	message := "the process that starts ripcord runner again has ended: restart ripcord"
	if e.PID != 0 {
		message += fmt.Sprintf("; until then checks, notify and fence commands run as long as process %d does", e.PID)
	}
	return message
}

func (e RunnerUnkept) Fields() []Field { return []Field{{"pid", e.PID}} }

// DaemonRights reports, once at the start, which rights the daemon has kept.
type DaemonRights struct {
	Stamp
	User         string
	Capabilities []string
	Err          string // why it has more than these, or may start programs
}

func (DaemonRights) Name() string { return "daemon.rights" }

// Level returns Warn if it has more.
func (e DaemonRights) Level() Level {
	if e.Err != "" {
		return Warn
	}
	return Info
}

func (e DaemonRights) Message() string {
	if e.Err != "" {
		return fmt.Sprintf("ripcord keeps rights that it does not need: %s", e.Err)
	}
	return fmt.Sprintf("ripcord runs as user %s with %s, and can start no program", e.User, strings.Join(e.Capabilities, ", "))
}

func (e DaemonRights) Fields() []Field {
	fields := []Field{{"user", e.User}, {"capabilities", e.Capabilities}}
	if e.Err != "" {
		fields = append(fields, Field{"error", e.Err})
	}
	return fields
}
