package vrrp

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// member holds the facts about one virtual router of the group.
type member struct {
	*Instance
	// Priority is the one in force, in place of that of the configuration.
	Priority     uint8
	index        int // among the members
	link         event.Link
	source       netip.Addr    // that our adverts bear; zero where the link has none
	interval     time.Duration // Active_Adver_Interval
	downAt       time.Time     // end of the Active_Down_Timer
	other        other         // the Active, or while we are Active the rival
	incompatible incompatible  // routers of the other version
	// resigned is set when a priority 0 shortened the wait that ends at downAt.
	resigned *resignation
	// cascaded is set when another member's priority 0 did.
	cascaded *cascade
	// silent is the Active that is to be fenced if it falls silent: the last that was heard
	// since we were Active ourselves, and that did not resign.
	silent netip.Addr
	// lacks is set while an address or route that it should hold is missing, or may be.
	lacks    *shortfall
	reported reported // of that
	// recovery is set from the return of the link until that has proved itself.
	recovery     *recovery
	ordered      content // of the adverts as they were last ordered
	sends        sends   // whether our adverts leave
	confirm      confirmation
	flapped      time.Time // when a loss was last read that was over by then, as Active
	answered     time.Time // when we last answered a rival at once
	preemptFrom  time.Time // a lower Active is not preempted before
	delayed      bool      // one was left alone for that, and it was reported
	holdReported bool      // instance.holding was reported for this wait
	// answeredResign is when we last answered a resignation at once.
	answeredResign time.Time
	// pace is the interval in place of that of the configuration until paceUntil.
	pace       time.Duration
	paceUntil  time.Time
	checksum   wire.Checksum
	lastResign resignation
	reason     event.Reason // of the last transition
	newActive  event.NewActiveReason
}

// other is another Active as it was last heard.
type other struct {
	source          netip.Addr
	interval        time.Duration
	since           time.Time // first of the adverts that came without a gap
	at              time.Time // last
	count           int       // adverts since then
	priority        uint8
	best            uint8 // the greatest of its priorities
	reported        bool  // reported as a rival
	reportedUnheard bool  // reported as a rival that goes on
}

// resignation is a priority 0 that was heard.
type resignation struct {
	source netip.Addr
	at     time.Time
	cause  event.Cause
}

// known reports whether another Active is on the air at the instant now, as
// far as was heard.
func (m *member) known(now time.Time) bool {
	return m.other.source.IsValid() && now.Before(m.other.at.Add(m.ActiveDownInterval(m.other.interval)))
}

// outranks reports whether an Active of that priority is one to preempt at
// the instant at. The owner of the addresses always preempts (RFC 9568 §6.1), and
// whoever lacks nothing preempts one that is impaired, with Preempt_Mode False too.
func (m *member) outranks(priority uint8, at time.Time) bool {
	preempts := (m.Preempt || priority == Impaired) && !at.Before(m.preemptFrom)
	return priority < m.Priority && (preempts || m.Priority == Owner)
}

func (m *member) skew() time.Duration { return m.SkewTime(m.interval) }

// content is the part of a member's adverts that may change.
type content struct {
	config   *Instance
	pace     time.Duration
	priority uint8
	index    int // of the link to send on
	source   netip.Addr
	checksum wire.Checksum
}

func (m *member) content() content {
	return content{m.Instance, m.pace, m.Priority, m.link.Index, m.source, m.checksum}
}

// renew starts the Active_Down_Timer at the instant at.
func (m *member) renew(at time.Time) {
	m.downAt = at.Add(m.ActiveDownInterval(m.interval))
	m.resigned = nil
	m.holdReported = false
}
