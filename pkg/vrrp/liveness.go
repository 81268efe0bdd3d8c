package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

// Watching configures how the machine of an Active is watched: the Active's address is asked by ARP
// or neighbor discovery every Interval, and its machine is dead once Miss questions in a row
// were not answered (docs/probe.md). With the zero value it is not watched.
type Watching struct {
	Interval time.Duration
	Miss     int
}

// On reports whether Actives are watched.
func (w Watching) On() bool { return w.Interval > 0 }

// Watches reports whether the machine of the instance's Active is watched: adverts that may
// come through routers bear the address of a machine that nobody can ask.
func (in *Instance) Watches() bool {
	return in.Watching.On() && (len(in.Unicast.Peers) == 0 || in.Unicast.MinTTL == 255)
}

// Watch has the machine of an instance's Active watched in place of the one before. It is
// answered by Watched, again and again.
type Watch struct {
	Instance *Instance
	Active   netip.Addr // zero: no machine is watched any more
}

func (Watch) effect() {}

// Liveness classifies the answers of a machine.
type Liveness uint8

// The values of Liveness.
const (
	Unasked   Liveness = iota // nothing: it has not been asked, or never answered
	Irregular                 // it answers, too rarely or not for long enough to miss an answer
	Answering                 // it answers regularly
	Silent                    // it did, and does no more
)

// String returns the word that status shows.
func (l Liveness) String() string {
	return [...]string{"unasked", "irregular", "answering", "silent"}[l]
}

// Others tells whether other stations of the segment answered when a machine fell silent.
type Others uint8

// The values of Others.
const (
	NoOthers     Others = iota // none is known
	OthersSilent               // none of those that are known answered
	OthersAnswer               // one answered what it was asked in the same moment
)

// Watched reports what the answers of the Active that an instance watches show now.
type Watched struct {
	Cause    event.Cause
	Instance string
	Active   netip.Addr
	Liveness Liveness
	// Of one that is Silent: the instant of the first question that it did not answer, what
	// the others did, how many of its last questions before that it answered (Answered of
	// Asked), and how many it did not answer since.
	Since           time.Time
	Others          Others
	Answered, Asked int
	Unanswered      int
}

// Key returns the instance.
func (w Watched) Key() ResultKey { return ResultKey{"watched", w.Instance} }

func (Watched) input() {}

// WatchStatus is what is known of the Active's machine.
type WatchStatus struct {
	Active         netip.Addr // that is asked; zero: none is
	Liveness       Liveness
	SuspendedUntil time.Time // since it was taken for dead and was not; zero: it is not suspended
}

// Used reports whether the answers of the Active may move the group of an instance now.
func (w WatchStatus) Used() bool { return w.Liveness == Answering || w.Liveness == Silent }

// Describe returns a sentence about what is known of the Active's machine, and why that is not used
// in the given state of the instance; empty if the instance watches nobody.
func (w WatchStatus) Describe(in *Instance, state event.State) string {
	switch {
	case !in.Watching.On():
		return ""
	case !in.Watches():
		return "not in use: adverts may come through routers (unicast.min_ttl is less than 255)"
	case !w.SuspendedUntil.IsZero():
		return fmt.Sprintf("not in use until %s: the Active was taken for dead and was not", w.SuspendedUntil.Format(time.RFC3339))
	case state != event.Backup:
		return "not in use: the state is " + state.String()
	case !w.Active.IsValid():
		return "not in use: no Active is heard"
	}
	switch w.Liveness {
	case Irregular:
		return fmt.Sprintf("not in use yet: %s has not answered 95 %% of the last questions, and 20", w.Active)
	case Answering:
		return fmt.Sprintf("in use: %s answers", w.Active)
	case Silent:
		return fmt.Sprintf("in use: %s does not answer any more", w.Active)
	}
	return fmt.Sprintf("not in use: %s has not answered", w.Active)
}
