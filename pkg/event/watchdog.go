package event

import (
	"fmt"
	"time"
)

// DaemonHung reports that a part of the daemon has made no progress, or that it goes
// on. Meanwhile the watchdog of the service manager is not fed.
type DaemonHung struct {
	Stamp
	Part string        // "router", "adverts", "addresses"
	Gap  time.Duration // since it last made progress
	Fed  bool          // the service manager has a watchdog for this process
	Over bool          // it goes on
}

func (DaemonHung) Name() string { return "daemon.hung" }

// Level returns Error, and Info when it is over.
func (e DaemonHung) Level() Level {
	if e.Over {
		return Info
	}
	return Error
}

func (e DaemonHung) Message() string {
	if e.Over {
		return fmt.Sprintf("the part %s goes on, after it made no progress for %v", e.Part, e.Gap.Round(time.Millisecond))
	}
	next := "restart ripcord if it does not go on"
	if e.Fed {
		next = "the service manager ends and restarts ripcord if it does not go on"
	}
	return fmt.Sprintf("the part %s has made no progress for %v: %s", e.Part, e.Gap.Round(time.Millisecond), next)
}

func (e DaemonHung) Fields() []Field {
	return []Field{{"part", e.Part}, {"gap_us", e.Gap.Microseconds()}, {"over", e.Over}}
}
