package event

import (
	"fmt"
	"time"
)

// DaemonHung reports that a part of the daemon makes no progress, or that it works again.
// Meanwhile the watchdog of the service manager is not notified.
type DaemonHung struct {
	Stamp
	Part string        // "router", "adverts", "addresses"
	Gap  time.Duration // since its last progress
	Fed  bool          // whether the service manager has a watchdog for this process
	Over bool          // it works again
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
		return fmt.Sprintf("the part %s works again, after it made no progress for %v", e.Part, e.Gap.Round(time.Millisecond))
	}
	next := "restart ripcord if this lasts"
	if e.Fed {
		next = "the service manager ends and restarts ripcord if this lasts"
	}
	return fmt.Sprintf("the part %s has made no progress for %v: %s", e.Part, e.Gap.Round(time.Millisecond), next)
}

func (e DaemonHung) Fields() []Field {
	return []Field{{"part", e.Part}, {"gap_us", e.Gap.Microseconds()}, {"over", e.Over}}
}
