package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// Input is a fact that a group absorbs.
type Input interface{ input() }

// Start begins the protocol: it is the Startup of RFC 9568 §6.4.1.
type Start struct{ Cause event.Cause }

// Adopted is Start for a group that goes on as Active after the previous daemon died or handed
// over. The addresses that the group holds as Active are in place.
type Adopted struct {
	Cause    event.Cause
	Group    string    // the group's name, or that of its only instance
	Last     time.Time // when the last advert of that daemon left
	Until    time.Time // if the next advert would be later than this, the group starts as usual
	Since    time.Time // when the group became Active
	Priority uint8     // the group's last priority
	Handover bool
}

// Recalled reports, before the Start, the Actives of an instance with a fence that the previous
// daemon heard and that had not resigned, in the order of their last adverts. It reports none that
// was heard while the instance was Active.
type Recalled struct {
	Cause    event.Cause
	Instance string
	Actives  []Advertiser
}

// Stop ends the protocol: it is the Shutdown of RFC 9568 §6.4.
type Stop struct{ Cause event.Cause }

// Tick reports that the instant of the group's Deadline has come. Timers end only in a Tick,
// after all adverts that were heard until then.
type Tick struct{ Cause event.Cause }

// LinkSeen is the present state of a link.
type LinkSeen struct{ Link event.Link }

// Heard is a fully valid advert for one of our virtual routers. Cause.At is the instant at which
// the kernel received it. An advert of a version that the virtual router does not speak, or one
// that is Stale or Invalid, does not make its sender the Active, but keeps a Backup waiting.
type Heard struct {
	Cause    event.Cause
	Instance string
	Source   netip.Addr
	Version  wire.Version
	Priority uint8
	Interval time.Duration
	Checksum wire.Checksum
	// Stale is set if the advert is authentic but was rejected because of its time: its sender is
	// present, and the clocks differ.
	Stale bool
	// Invalid is set if the advert has no addresses, or the interval 0: its sender is present,
	// but until when it will be cannot be computed.
	Invalid bool
	// Repeats is the number of repeated adverts that this one stands for, itself included, if
	// the receiver summarized them (Summarize); 0 if it was read as it arrived.
	Repeats int
}

// Sender identifies the adverts of one router for one instance.
type Sender struct {
	Instance string
	Source   netip.Addr
}

// Key returns the sender.
func (h Heard) Key() Sender { return Sender{h.Instance, h.Source} }

// HoldReason returns the reason that is reported while such an advert keeps a Backup waiting.
func (h Heard) HoldReason() string {
	switch {
	case h.Stale:
		return event.HoldSkew
	case h.Invalid:
		return event.HoldInvalid
	}
	return event.HoldVersion
}

// Result is the answer of an executor to its orders. Of each key only the latest is read.
type Result interface {
	Input
	Key() ResultKey
}

// ResultKey identifies a result by its subject and kind.
type ResultKey struct{ Kind, Subject string }

// Verifier is a part of the daemon that Verify asks.
type Verifier string

// The verifiers.
const (
	Receiver  Verifier = "receiver"  // has drained its sockets
	Confirmer Verifier = "confirmer" // has asked the kernel for the carrier
)

// Answered reports that By has published all its findings from before it answered the ticket.
type Answered struct {
	Ticket uint64
	By     Verifier
}

// Key returns the verifier: the answer to a newer ticket replaces that to an older one.
func (a Answered) Key() ResultKey { return ResultKey{"answered", string(a.By)} }

// Stalled reports that the engine woke Gap late for an Active instance, which is more than Miss
// times its interval. The engine sends nothing for one interval, and then goes on unless it
// receives another order.
type Stalled struct {
	Cause    event.Cause // At: when it woke
	Instance string
	Gap      time.Duration
}

// Key returns the instance.
func (s Stalled) Key() ResultKey { return ResultKey{"stalled", s.Instance} }

// Slept reports that the whole router did not run for Gap. Packets that were sent to it meanwhile
// may be lost.
type Slept struct {
	Cause event.Cause // At: when it ran again
	Gap   time.Duration
}

// LeaseLost reports that the loop did not renew the lease for Gap, so that the engine has
// resigned the instance, or the worker has released its addresses. Usually both do. After a pause
// of the process they may disagree, since each knows only its own wake-ups.
type LeaseLost struct {
	Cause    event.Cause
	Instance string
	Gap      time.Duration
	Resigned bool // by the engine; otherwise the worker reports that it has released the addresses
}

// Key returns the instance and which of the two reports.
func (l LeaseLost) Key() ResultKey {
	if l.Resigned {
		return ResultKey{"lease", l.Instance}
	}
	return ResultKey{"lease-addresses", l.Instance}
}

// Sends reports whether adverts to one destination leave: InRow adverts failed in a row, the last
// with Err; 0 reports that sending works again.
type Sends struct {
	Cause    event.Cause
	Instance string
	To       netip.Addr // the multicast group, or one of the peers
	InRow    int
	Err      string
}

// Key returns the instance and the destination.
func (s Sends) Key() ResultKey { return ResultKey{"sends", s.Instance + " " + s.To.String()} }

// Probed reports the outcome of a Probe, or of the first advert since an Advertise or Arm: the
// kernel accepted its copies except those to Refused, for which the last error was Err.
type Probed struct {
	Cause    event.Cause
	Instance string
	Refused  []netip.Addr
	Err      string
}

// Key returns the instance.
func (p Probed) Key() ResultKey { return ResultKey{"probed", p.Instance} }

// Degree is how much of the objects that an instance should hold is missing.
type Degree uint8

// The degrees.
const (
	Optional Degree = iota // nothing that is advertised: extra addresses, routes, rules
	Partial                // some of the advertised addresses
	Total                  // all of the advertised addresses
)

// Placed reports what an instance that is held lacks, some time after it was ordered; or that it
// lacks nothing any more; or, for an instance that is not held, that placing the missing objects
// may be tried again.
type Placed struct {
	Cause    event.Cause
	Instance string
	Missing  []string // each with the reason; empty if nothing is missing
	Degree   Degree
	// Refused reports that the kernel rejects all of Missing as invalid: trying again does not
	// help until the configuration or a link has changed, which is reported by an empty Missing.
	Refused bool
}

// Key returns the instance.
func (p Placed) Key() ResultKey { return ResultKey{"placed", p.Instance} }

// Condition reports that something which keeps an instance from serving has begun (On) or is
// over. It is a fault for as long as it lasts. It is reported once; a condition that is reported
// again only changes its Err.
type Condition struct {
	Cause    event.Cause
	Instance string
	Reason   event.Reason // one of event.Conditions
	Err      string       // what is wrong, and what to do
	On       bool
}

// Key returns the instance and the reason.
func (c Condition) Key() ResultKey { return ResultKey{string(c.Reason), c.Instance} }

// Tracked reports the state of a check that a group tracks.
type Tracked struct {
	Cause  event.Cause
	Check  string
	State  TrackerState
	Change int    // what the check adds to the priority, if it reports that itself
	Err    string // why the check is down
}

// Key returns the check.
func (t Tracked) Key() ResultKey { return ResultKey{"tracked", t.Check} }

// Released is an order of a person: with On the group hands over and takes no part, until the
// given time if Until is set; without On it takes part again.
type Released struct {
	Cause event.Cause
	Group string // the group's name, or that of its only instance
	On    bool
	Until time.Time // zero if it lasts until it is resumed
}

// Key returns the group.
func (r Released) Key() ResultKey { return ResultKey{"released", r.Group} }

// Err describes the release in `ripcord status`.
func (r Released) Err() string {
	if r.Until.IsZero() {
		return "released by hand (ripcord resume " + r.Group + " ends it)"
	}
	return fmt.Sprintf("released by hand until %s (ripcord resume %s ends it)", r.Until.Format("2006-01-02 15:04:05 MST"), r.Group)
}

// Rejoined reports that adverts for an instance could not be heard for a while, and can again
// since Cause.At: the silence before that proves nothing.
type Rejoined struct {
	Cause    event.Cause
	Instance string
}

// Key returns the instance.
func (r Rejoined) Key() ResultKey { return ResultKey{"rejoined", r.Instance} }

// Forwards reports that a station has answered since the Ask: the segment of the link forwards.
// Cause.At is when the answer was received.
type Forwards struct {
	Cause     event.Cause
	Interface string
}

// Key returns the link.
func (f Forwards) Key() ResultKey { return ResultKey{"forwards", f.Interface} }

// Fenced reports that the command of a RunFence has ended.
type Fenced struct {
	Cause  event.Cause
	Ticket uint64
	Err    string // empty if it succeeded
}

// Key returns the ticket.
func (f Fenced) Key() ResultKey { return ResultKey{"fenced", event.Trace(f.Ticket).String()} }

// Reconfigured gives a group a new configuration, with the present states of all links in it.
type Reconfigured struct {
	Cause event.Cause
	Group Group
	Links []event.Link
}

func (Start) input()        {}
func (Adopted) input()      {}
func (Recalled) input()     {}
func (Stop) input()         {}
func (Tick) input()         {}
func (LinkSeen) input()     {}
func (Heard) input()        {}
func (Answered) input()     {}
func (Stalled) input()      {}
func (Slept) input()        {}
func (LeaseLost) input()    {}
func (Sends) input()        {}
func (Probed) input()       {}
func (Placed) input()       {}
func (Condition) input()    {}
func (Tracked) input()      {}
func (Released) input()     {}
func (Rejoined) input()     {}
func (Forwards) input()     {}
func (Fenced) input()       {}
func (Reconfigured) input() {}
