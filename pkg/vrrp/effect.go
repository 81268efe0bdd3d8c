package vrrp

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// Effect is an action that the caller of a state machine must carry out.
type Effect interface{ effect() }

// Advertise sends the advert of an instance at once and repeats it every interval. For an
// instance that is already advertised it replaces the frames.
type Advertise struct {
	Cause    event.Cause
	Instance *Instance
	Index    int        // index of the link
	Source   netip.Addr // source address
	MAC      [6]byte    // of the link, if Source is not on this machine (Instance.IsForeign)
	Checksum wire.Checksum
	Priority uint8
	Interval time.Duration // between two adverts; 0 for the instance's interval
}

// Arm prepares the engine for a takeover that has been verified: the first advert leaves at the
// instant At, unless a Disarm arrives before, or the Advertise of the takeover itself replaces
// it.
type Arm struct {
	Advertise
	At time.Time
}

// Disarm cancels an Arm. If the advert has already left, the engine resigns.
type Disarm struct {
	Cause    event.Cause
	Instance *Instance
}

// AdvertiseNow sends the advert at once and restarts the interval.
type AdvertiseNow struct {
	Cause    event.Cause
	Instance *Instance
}

// HoldBack holds the adverts back until an instant.
type HoldBack struct {
	Cause    event.Cause
	Instance *Instance
	Until    time.Time
}

// Resign sends priority 0 and ends the adverts.
type Resign struct {
	Cause    event.Cause
	Instance *Instance
}

// Mute ends the adverts.
type Mute struct {
	Cause    event.Cause
	Instance *Instance
}

// Probe sends one advert with the given priority, to test whether adverts leave. It is used for
// an instance in Fault whose sends failed, and is answered by Probed.
type Probe struct {
	Cause    event.Cause
	Instance *Instance
	Index    int        // index of the link
	Source   netip.Addr // source address
	MAC      [6]byte    // as in Advertise
	Checksum wire.Checksum
	Priority uint8
}

// Hold adds the addresses of all members, or of some, to their links and announces them.
type Hold struct {
	Cause event.Cause
	Only  []*Instance // nil for all
}

// Release removes the addresses of all members, or of some.
type Release struct {
	Cause event.Cause
	Only  []*Instance // nil for all
}

// Reannounce announces the addresses of all members, or of some, again.
type Reannounce struct {
	Cause event.Cause
	Only  []*Instance // nil for all
}

// Verify asks the verifiers to examine what they watch, and to answer the ticket when their
// findings have been published.
type Verify struct {
	Ticket     uint64
	Interfaces []string
}

// Ask asks the known stations on some links to answer, to prove that the segments forward. It is
// repeated until one has answered (Forwards).
type Ask struct {
	Cause      event.Cause
	Interfaces []string
}

// Summarize lets the receiver report adverts for an instance that repeat the last one of its
// Active only at intervals, with their number (On), or makes it report each one as it arrives.
// With On the receiver still reports all other adverts at once, and also that an advert is late.
type Summarize struct {
	Instance *Instance
	On       bool
}

// RunFence runs the fence command of a group. It is answered by Fenced.
type RunFence struct {
	Cause    event.Cause
	Ticket   uint64
	Fence    *Fence
	Group    string    // the group's name, or that of its only instance
	Instance *Instance // the instance on which the Active fell silent
	Active   netip.Addr
}

// RecordActives records for the next daemon the Actives that were heard for an instance with a
// fence and have not resigned (Recalled). It replaces the last such record of the instance.
type RecordActives struct {
	Instance *Instance
	Actives  []Advertiser // read-only
}

// Report publishes an event.
type Report struct{ Event event.Event }

func (Advertise) effect()     {}
func (Disarm) effect()        {}
func (AdvertiseNow) effect()  {}
func (HoldBack) effect()      {}
func (Resign) effect()        {}
func (Mute) effect()          {}
func (Probe) effect()         {}
func (Hold) effect()          {}
func (Release) effect()       {}
func (Reannounce) effect()    {}
func (Verify) effect()        {}
func (Ask) effect()           {}
func (Summarize) effect()     {}
func (RunFence) effect()      {}
func (RecordActives) effect() {}
func (Report) effect()        {}
