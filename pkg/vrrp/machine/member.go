package machine

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/heard"
	"ripcord/pkg/wire"
)

// member holds the facts about one virtual router of the group.
//
// Its timer is the Active_Down_Timer (RFC 9568 §6.1): it runs while the group waits, in
// Backup or in a recovery, and means nothing while the group is Active.
type member struct {
	// Instance is the configuration. A reload replaces it; nobody writes to it.
	*vrrp.Instance
	// Priority is the priority in force, which hides that of the Instance. All members of
	// a group have the same one, that of facts.priority.
	Priority uint8
	// impaired is the priority that its group advertises while it lacks something. Every
	// router that lacks nothing preempts it, and what is less.
	impaired uint8
	// index is the position among the members. The first one decides a tie.
	index int

	// link is the last that was learned of the interface; its zero value is an interface
	// that is not there.
	link event.Link
	// source is the address that our adverts bear. It is zero if and only if the link has
	// none to send from, which is a fault.
	source netip.Addr
	// recovery is not nil from the return of the link until its segment has proved that
	// it forwards. The group is in Fault meanwhile.
	recovery *recovery
	// flapped is when a loss was last read that was over by then, while Active: the
	// segment has to prove itself if the group yields. It is zero once it has.
	flapped time.Time

	// interval is the Active_Adver_Interval: that of the Active that is heard, or ours.
	interval time.Duration
	// downAt is when the Active_Down_Timer ends. It counts only if due is not later.
	downAt time.Time
	// resigned is the priority 0 that shortened the wait which ends at downAt; nil if none
	// did. renew forgets it.
	resigned *resignation
	// cascaded is the wait that another member's priority 0 shortened; nil if none did.
	cascaded *cascade
	// lastResign is the last priority 0 that was heard from the Active, however long ago.
	lastResign resignation
	// preemptFrom is the end of the preempt_delay: a lower Active is not preempted before.
	preemptFrom time.Time
	// delayed reports whether a lower Active was left alone for that delay, and it was logged.
	delayed bool
	// holdReported reports whether instance.holding was logged for the present wait.
	holdReported bool

	// alone reports whether it serves alone, and aloneFrom when it is to, if nobody is heard
	// until then; zero: it may not.
	alone     bool
	aloneFrom time.Time

	// others are the routers that were heard of the same virtual router.
	others heard.Others
	// company is the other routers, as far as they matter with `routers: 2`.
	company heard.Company
	// silent is the Active that is to be fenced if it falls silent: the last that was
	// heard since we were Active ourselves, and that did not resign.
	silent netip.Addr
	// answered and answeredResign are when a rival, and a resignation, were last answered
	// by an advert at once. Each is answered once in an interval at most.
	answered       time.Time
	answeredResign time.Time

	// ordered is the content of the adverts that the engine was last given. It differs
	// from content() only within a step.
	ordered content
	// keptInterval is the interval of our adverts in place of the configured one until keptUntil,
	// after a reload that made it longer; 0 if there is none.
	keptInterval time.Duration
	keptUntil    time.Time
	// checksum is the form of the checksum that we send over IPv4.
	checksum wire.Checksum
	// sends is whether our adverts leave, and confirm whether the first one did.
	sends   sends
	confirm confirmation

	// lacks is not nil while an address or a route that it should hold is missing, or may
	// be, and reported is what was last logged of that.
	lacks    *shortfall
	reported reported

	// state is the last that was reported, and since when. reason is that of the last
	// transition, and newActive why we became Active
	// (RFC 8347's new-master-reason); NotActive while we are not.
	state     event.State
	since     time.Time
	reason    event.Reason
	newActive event.NewActiveReason
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
	return m.others.Best.Known(now, m.timing())
}

// outranks reports whether an Active of that priority is one to preempt at
// the instant at. The owner of the addresses always preempts (RFC 9568 §6.1), and
// whoever lacks nothing preempts one that is impaired, with Preempt_Mode False too.
func (m *member) outranks(priority uint8, at time.Time) bool {
	preempts := (m.Preempt || priority <= m.impaired) && !at.Before(m.preemptFrom)
	return priority < m.Priority && (preempts || m.Priority == vrrp.Owner)
}

func (m *member) skew() time.Duration { return m.timing().SkewTime(m.interval) }

// preempts reports whether the member hears an Active at the instant now that it takes over
// from: the best one, or where that has fallen silent the second, if it has not missed as
// many adverts itself.
func (m *member) preempts(now time.Time) bool {
	if m.known(now) {
		return m.outranks(m.others.Best.Priority, now)
	}
	a := m.others.Second
	return a != nil && now.Before(a.At.Add(time.Duration(m.Miss)*a.Interval)) && m.outranks(a.Priority, now)
}

// content is the part of a member's adverts that may change.
type content struct {
	config       *vrrp.Instance
	keptInterval time.Duration
	priority     uint8
	index        int // of the link to send on
	source       netip.Addr
	checksum     wire.Checksum
}

func (m *member) content() content {
	return content{m.Instance, m.keptInterval, m.advertised(), m.link.Index, m.source, m.checksum}
}

// advertised returns the priority that its adverts bear.
func (m *member) advertised() uint8 {
	if m.alone {
		return vrrp.Impaired
	}
	return m.Priority
}

// waitForSecond puts the end of the Active_Down_Timer off to that of the second Active, if
// the member may not preempt it.
func (m *member) waitForSecond(now time.Time) {
	if a := m.others.Second; a != nil && !m.outranks(a.Priority, now) && a.Until(m.timing()).After(m.downAt) {
		m.downAt = a.Until(m.timing())
	}
}

// renew starts the Active_Down_Timer at the instant at.
func (m *member) renew(at time.Time) {
	m.downAt = at.Add(m.activeDown(m.interval))
	m.resigned = nil
	m.holdReported = false
}
