package vrrp

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// Effect is something for others to carry out.
type Effect interface{ effect() }

// Advertise sends the advert of an instance at once and repeats it each
// interval. For an instance that is advertised already it replaces the frames.
type Advertise struct {
	Cause    event.Cause
	Instance *Instance
	Index    int        // of the link to send on
	Source   netip.Addr // of the adverts
	MAC      [6]byte    // of the link, where Source is not on this machine (Instance.IsForeign)
	Checksum wire.Checksum
	Priority uint8
	Interval time.Duration // between two adverts; 0: the instance's interval
}

// Arm has the engine ready for a takeover that has been verified: the first advert
// leaves at the instant At, unless a Disarm comes before, or an Advertise, which
// the takeover itself brings, takes its place.
type Arm struct {
	Advertise
	At time.Time
}

// Disarm takes an Arm back. If the advert has left already, it resigns.
type Disarm struct {
	Cause    event.Cause
	Instance *Instance
}

// AdvertiseNow sends the advert at once and counts the interval anew.
type AdvertiseNow struct {
	Cause    event.Cause
	Instance *Instance
}

// Resign sends priority 0 and falls silent.
type Resign struct {
	Cause    event.Cause
	Instance *Instance
}

// Mute falls silent.
type Mute struct {
	Cause    event.Cause
	Instance *Instance
}

// Probe sends one advert, of that priority, to find out whether adverts leave. It is
// for an instance that is in Fault since its sends failed, and answered by Probed.
type Probe struct {
	Cause    event.Cause
	Instance *Instance
	Index    int        // of the link to send on
	Source   netip.Addr // of the advert
	MAC      [6]byte    // as Advertise has it
	Checksum wire.Checksum
	Priority uint8
}

// Hold puts the addresses of all members on their links and announces them; or those of
// some members alone.
type Hold struct {
	Cause event.Cause
	Only  []*Instance // nil: all
}

// Release takes the addresses of all members off, or those of some alone.
type Release struct {
	Cause event.Cause
	Only  []*Instance // nil: all
}

// Reannounce announces the addresses of all members again, or those of some alone.
type Reannounce struct {
	Cause event.Cause
	Only  []*Instance // nil: all
}

// Verify asks the verifiers to look at what they watch and to answer the
// ticket when what they found has been published.
type Verify struct {
	Ticket     uint64
	Interfaces []string
}

// Ask asks the stations that are remembered on some links to answer, to prove
// that the segments forward. It comes again until one has (Forwards).
type Ask struct {
	Cause      event.Cause
	Interfaces []string
}

// Summarize has the receiver report now and then, with their number, those adverts for an
// instance that repeat the last one of its Active (On), or report each one as it comes. On, the
// receiver still reports at once whatever else comes, and that an advert is late.
type Summarize struct {
	Instance *Instance
	On       bool
}

// RunFence runs the fence command of a group. It is answered by Fenced.
type RunFence struct {
	Cause    event.Cause
	Ticket   uint64
	Fence    *Fence
	Group    string    // its name, or that of its only instance
	Instance *Instance // on which the Active fell silent
	Active   netip.Addr
}

// Report publishes an event.
type Report struct{ Event event.Event }

func (Advertise) effect()    {}
func (Disarm) effect()       {}
func (AdvertiseNow) effect() {}
func (Resign) effect()       {}
func (Mute) effect()         {}
func (Probe) effect()        {}
func (Hold) effect()         {}
func (Release) effect()      {}
func (Reannounce) effect()   {}
func (Verify) effect()       {}
func (Ask) effect()          {}
func (Summarize) effect()    {}
func (RunFence) effect()     {}
func (Report) effect()       {}
