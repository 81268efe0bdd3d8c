package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// Input is a fact for a group to absorb.
type Input interface{ input() }

// Start begins the protocol: Startup of RFC 9568 §6.4.1.
type Start struct{ Cause event.Cause }

// Adopted is Start for a group that goes on as Active where a daemon that died, or handed
// over, has left off. What it holds as Active stands.
type Adopted struct {
	Cause    event.Cause
	Group    string    // its name, or that of its only instance
	Last     time.Time // when the last advert of that daemon left
	Until    time.Time // the next one comes too late after this: then it starts anew
	Since    time.Time // when the group became Active
	Priority uint8     // that it had
	Handover bool
}

// Stop ends it: Shutdown of RFC 9568 §6.4.
type Stop struct{ Cause event.Cause }

// Tick reports that the instant of the group's Deadline has come. Timers end only here, after
// all adverts that were heard until then.
type Tick struct{ Cause event.Cause }

// LinkSeen is the present state of a link.
type LinkSeen struct{ Link event.Link }

// Heard is a fully valid advert for one of our virtual routers. Cause.At is
// the instant at which the kernel received it. One of a version that the
// virtual router does not speak, or one that is Stale or Invalid, is nobody's Active to it,
// but holds a Backup back.
type Heard struct {
	Cause    event.Cause
	Instance string
	Source   netip.Addr
	Version  wire.Version
	Priority uint8
	Interval time.Duration
	Checksum wire.Checksum
	// Stale is set where it is authentic, but was rejected since its time is not ours:
	// its sender is on the air, and the clocks are apart.
	Stale bool
	// Invalid is set where it has no addresses, or the interval 0: its sender is on the
	// air, and nobody knows for how long.
	Invalid bool
	// Repeats is for how many adverts it stands, itself included, that repeated the one before
	// while the receiver was to summarize them (Summarize); 0: it was read as it came.
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

// Result is the answer of an executor to the orders it was given. Of each key only the latest
// is read.
type Result interface {
	Input
	Key() ResultKey
}

// ResultKey identifies a result: there is one for each subject and kind.
type ResultKey struct{ Kind, Subject string }

// Verifier is a part of the daemon that Verify asks.
type Verifier string

// The verifiers.
const (
	Receiver  Verifier = "receiver"  // has drained its sockets
	Confirmer Verifier = "confirmer" // has asked the kernel for the carrier
)

// Answered reports that everything is published that By found before it answered the ticket.
type Answered struct {
	Ticket uint64
	By     Verifier
}

// Key returns the verifier: a newer ticket's answer stands for an older one's.
func (a Answered) Key() ResultKey { return ResultKey{"answered", string(a.By)} }

// Stalled reports that the engine woke Gap late for an Active instance, more than
// Miss times its interval, sends nothing for one interval, and will then go on
// unless it gets another order.
type Stalled struct {
	Cause    event.Cause // At: when it woke
	Instance string
	Gap      time.Duration
}

// Key returns the instance.
func (s Stalled) Key() ResultKey { return ResultKey{"stalled", s.Instance} }

// Slept reports that the whole router did not run for Gap. Packets that were sent to it
// meanwhile may be lost.
type Slept struct {
	Cause event.Cause // At: when it went on
	Gap   time.Duration
}

// LeaseLost reports that the loop did not stamp the lease for Gap, so that the engine has
// resigned the instance and the worker releases its addresses.
type LeaseLost struct {
	Cause    event.Cause
	Instance string
	Gap      time.Duration
}

// Key returns the instance.
func (l LeaseLost) Key() ResultKey { return ResultKey{"lease", l.Instance} }

// Sends reports how sending to one destination goes: InRow adverts failed one after
// another, the last with Err; 0 reports that it works again.
type Sends struct {
	Cause    event.Cause
	Instance string
	To       netip.Addr // the group, or one of the peers
	InRow    int
	Err      string
}

// Key returns the instance and the destination.
func (s Sends) Key() ResultKey { return ResultKey{"sends", s.Instance + " " + s.To.String()} }

// Probed reports what became of a Probe, or of the first advert since an Advertise or
// Arm: the kernel took its copies but those to Refused, the last of them for Err.
type Probed struct {
	Cause    event.Cause
	Instance string
	Refused  []netip.Addr
	Err      string
}

// Key returns the instance.
func (p Probed) Key() ResultKey { return ResultKey{"probed", p.Instance} }

// Degree is how much is missing of what an instance should hold.
type Degree uint8

// The degrees.
const (
	Optional Degree = iota // nothing that it advertises: extra addresses, routes, rules
	Partial                // some of the addresses that it advertises
	Total                  // all of them
)

// Placed reports what an instance that is held lacks of what it should hold, some
// time after it was ordered; that it lacks nothing, if it was reported to lack
// something; or of one that is not held, that what it lacked may be tried again.
type Placed struct {
	Cause    event.Cause
	Instance string
	Missing  []string // each with the reason; empty: nothing
	Degree   Degree
	// Refused reports that the kernel refuses all of it for what it is: to try again does not
	// help until somebody has changed something, which is reported as an empty Missing.
	Refused bool
}

// Key returns the instance.
func (p Placed) Key() ResultKey { return ResultKey{"placed", p.Instance} }

// Condition reports that something which keeps an instance from serving has begun (On) or is
// over. It is a fault for as long as it lasts. Its reporter need not repeat it: a condition
// that is reported again only changes its Err.
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
	Change int    // what it adds to the priority, where it reports that itself
	Err    string // why it is down
}

// Key returns the check.
func (t Tracked) Key() ResultKey { return ResultKey{"tracked", t.Check} }

// Released is a person's order: the group hands over and takes no part (On), until a
// time if Until is set, or it takes part again.
type Released struct {
	Cause event.Cause
	Group string // its name, or that of its only instance
	On    bool
	Until time.Time // zero: until it is resumed
}

// Key returns the group.
func (r Released) Key() ResultKey { return ResultKey{"released", r.Group} }

// Err describes the release in status.
func (r Released) Err() string {
	if r.Until.IsZero() {
		return "released by hand (ripcord resume " + r.Group + " ends it)"
	}
	return fmt.Sprintf("released by hand until %s (ripcord resume %s ends it)", r.Until.Format("2006-01-02 15:04:05 MST"), r.Group)
}

// Rejoined reports that adverts for an instance could not be heard for a while, and
// can again since Cause.At: the silence before it proves nothing.
type Rejoined struct {
	Cause    event.Cause
	Instance string
}

// Key returns the instance.
func (r Rejoined) Key() ResultKey { return ResultKey{"rejoined", r.Instance} }

// Forwards reports that a station which was asked has answered since the Ask: the segment of the
// link forwards. Cause.At is when the answer was received.
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
	Err    string // empty: it succeeded
}

// Key returns the ticket.
func (f Fenced) Key() ResultKey { return ResultKey{"fenced", event.Trace(f.Ticket).String()} }

// Reconfigured gives a group a new configuration, with what is known of all links that
// it names.
type Reconfigured struct {
	Cause event.Cause
	Group Group
	Links []event.Link
}

func (Start) input()        {}
func (Adopted) input()      {}
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
