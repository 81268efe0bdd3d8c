package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

// Watching configures how the machine of an Active is watched: its address is asked by ARP or
// neighbor discovery every Interval, and the machine is dead once Miss questions in a row were
// not answered (docs/probe.md). With the zero value no machine is watched.
type Watching struct {
	Interval time.Duration
	Miss     int
}

// On reports whether Actives are watched.
func (w Watching) On() bool { return w.Interval > 0 }

// Watches reports whether the machine of the instance's Active is watched. It is not if adverts
// may arrive through routers: then their source address belongs to a machine on another segment,
// which does not answer here.
func (in *Instance) Watches() bool {
	return in.Watching.On() && (len(in.Unicast.Peers) == 0 || in.Unicast.MinTTL == 255)
}

// Watch orders that the machine of an instance's Active be watched instead of the previous one.
// It is answered by one Watched after another.
type Watch struct {
	Instance *Instance
	Active   netip.Addr // zero to watch no machine any more
}

func (Watch) effect() {}

// Liveness classifies the answers of a machine.
type Liveness uint8

// The values of Liveness.
const (
	Unasked   Liveness = iota // it has not been asked, or never answered
	Irregular                 // it answers, but too rarely, or not for long enough, to conclude from a missing answer
	Answering                 // it answers regularly
	Silent                    // it answered regularly, and no longer does
)

// String returns the word in `ripcord status`.
func (l Liveness) String() string {
	return [...]string{"unasked", "irregular", "answering", "silent"}[l]
}

// OtherStations is whether other stations of the segment answered when a machine fell silent.
type OtherStations uint8

// The values of OtherStations.
const (
	NoOtherStation      OtherStations = iota // no other station is known
	OtherStationsSilent                      // none of the known stations answered
	OtherStationsAnswer                      // a station answered a question of the same moment
)

// Watched reports the present liveness of the Active that an instance watches.
type Watched struct {
	Cause    event.Cause
	Instance string
	Active   netip.Addr
	Liveness Liveness
	// These are set if Liveness is Silent: the instant of the first question without an answer,
	// the answers of other stations, how many of the last Asked questions before that were
	// Answered, and how many remained Unanswered since.
	Since           time.Time
	OtherStations   OtherStations
	Answered, Asked int
	Unanswered      int
}

// Key returns the instance.
func (w Watched) Key() ResultKey { return ResultKey{"watched", w.Instance} }

func (Watched) input() {}

// WatchStatus is what is known of the Active's machine.
type WatchStatus struct {
	Active         netip.Addr // the Active that is asked; zero if none is
	Liveness       Liveness
	SuspendedUntil time.Time // because it wrongly counted as dead; zero if it is not suspended
}

// Used reports whether the answers of the Active may move the group of an instance now.
func (w WatchStatus) Used() bool { return w.Liveness == Answering || w.Liveness == Silent }

// Describe returns a sentence about the Active's machine, and why its answers are not used in the
// given state of the instance; empty if the instance has no probe.
func (w WatchStatus) Describe(in *Instance, state event.State) string {
	switch {
	case !in.Watching.On():
		return ""
	case !in.Watches():
		return "not in use: adverts may come through routers (unicast.min_ttl is less than 255)"
	case !w.SuspendedUntil.IsZero():
		return fmt.Sprintf("not in use until %s: the Active counted as dead although it was alive", w.SuspendedUntil.Format(time.RFC3339))
	case state != event.Backup:
		return "not in use: the state is " + state.String()
	case !w.Active.IsValid():
		return "not in use: no Active is heard"
	}
	switch w.Liveness {
	case Irregular:
		return fmt.Sprintf("not in use yet: %s has not yet answered 20 questions, and 95 %% of the last ones", w.Active)
	case Answering:
		return fmt.Sprintf("in use: %s answers", w.Active)
	case Silent:
		return fmt.Sprintf("in use: %s does not answer any more", w.Active)
	}
	return fmt.Sprintf("not in use: %s has not answered", w.Active)
}
