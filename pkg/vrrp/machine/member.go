package machine

import (
	"cmp"
	"net/netip"
	"time"

	"ripcord/pkg/deadline"
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
	// impaired is the priority that its group advertises while it lacks something: low enough that
	// every router that lacks nothing preempts it.
	impaired uint8
	// index is the position among the members. The first one decides a tie.
	index int

	// link is the last known state of the interface; its zero value is an interface that does
	// not exist.
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
	// began is when it last began anew, or was put off, other than by an advert: those that came
	// before do not shorten it.
	began time.Time
	// resigned is the priority 0 that shortened the wait which ends at downAt; nil if none
	// did. renew forgets it.
	resigned *resignation
	// cascaded is the wait that another member's priority 0 shortened; nil if none did.
	cascaded *cascade
	// dead is the fact that the Active's machine is dead, which shortened the wait that ends at
	// downAt; nil if it did not. renew forgets it.
	dead *event.Cause
	// watch is what is known of the machine of its Active. It is unwatched, which nobody writes
	// to, until there is something: most members never watch one.
	watch *watch
	// lastResign is the last priority 0 that was heard from the Active, however long ago.
	lastResign resignation
	// preemptFrom is the end of the preempt_delay: a lower Active is not preempted before.
	preemptFrom time.Time
	// delayed reports whether a lower Active was left alone for that delay, and it was logged.
	delayed bool
	// holdReported reports whether instance.holding was logged for the present wait.
	holdReported bool
	alone        alone

	// others are the routers that were heard of the same virtual router.
	others heard.Others
	// summarized reports whether the receiver was last ordered to summarize their adverts.
	summarized bool
	// company is how many they are, as far as that matters with `routers: 2`.
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

func newMember(in *vrrp.Instance, index int, impaired uint8) *member {
	return &member{
		impaired: impaired, Instance: in, Priority: in.Priority, index: index, interval: in.Interval, checksum: in.Checksum, newActive: event.NotActive,
		watch: &unwatched,
	}
}

// follow gives a member its new configuration.
func (m *member) follow(in *vrrp.Instance, index int, now time.Time) {
	kept := cmp.Or(m.keptInterval, m.Instance.Interval)
	switch {
	case in.Interval <= kept:
		m.keptInterval = 0
	case in.Interval != m.Instance.Interval:
		m.keptInterval, m.keptUntil = kept, now.Add(time.Duration(m.Miss+1)*kept)
	}
	if m.interval == m.Instance.Interval {
		m.interval = in.Interval
	}
	if in.Version != m.Version {
		m.others = heard.Others{}
	}
	if !in.AutoChecksum || !m.AutoChecksum {
		m.checksum = in.Checksum
	}
	m.Instance, m.index, m.cascaded = in, index, nil
}

// timing returns what the intervals of a member follow from.
func (m *member) timing() vrrp.Timing { return m.Timing(m.Priority) }

// activeDown returns the Active_Down_Interval of a member whose Active advertises each interval.
func (m *member) activeDown(interval time.Duration) time.Duration {
	return m.timing().ActiveDownInterval(interval)
}

func (m *member) skew() time.Duration { return m.timing().SkewTime(m.interval) }

// renew starts the Active_Down_Timer at the instant at.
func (m *member) renew(at time.Time) {
	m.downAt = at.Add(m.activeDown(m.interval))
	m.resigned, m.dead = nil, nil
	m.holdReported = false
}

// restart starts the Active_Down_Timer at the instant at, whatever is read later of the time
// before.
func (m *member) restart(at time.Time) {
	m.renew(at)
	m.began = at
}

// waitForSecond puts the end of the Active_Down_Timer off to that of the second Active, if
// the member may not preempt it.
func (m *member) waitForSecond(now time.Time) {
	if a := m.others.Second; a != nil && !m.outranks(a.Priority, now) && a.Until(m.timing()).After(m.downAt) {
		m.downAt = a.Until(m.timing())
	}
}

// due returns the end of the member's own wait: of the Active_Down_Timer, and of the time
// for which incompatible adverts hold it back.
func (m *member) due() time.Time {
	if holds := m.others.Incompatible.Holds; holds.After(m.downAt) {
		return holds
	}
	return m.downAt
}

// reportHoldAt returns the instant at which a member is reported as holding: half an
// interval after the end of its wait, so that members which end together are not.
func (m *member) reportHoldAt() time.Time { return m.due().Add(m.interval / 2) }

// known reports whether another Active is on the air at the instant now, as
// far as was heard.
func (m *member) known(now time.Time) bool {
	return m.others.Best.Known(now, m.timing())
}

// heard reports whether another Active is on the air at the instant now, whether we
// understand it or not.
func (m *member) heard(now time.Time) bool { return now.Before(m.heardUntil()) }

// heardUntil returns the instant from which no other Active counts as heard.
func (m *member) heardUntil() time.Time { return m.others.Until(m.timing()) }

// outranks reports whether an Active of that priority is one to preempt at
// the instant at. The owner of the addresses always preempts (RFC 9568 §6.1), and
// whoever lacks nothing preempts one that is impaired, with Preempt_Mode False too.
func (m *member) outranks(priority uint8, at time.Time) bool {
	preempts := (m.Preempt || priority <= m.impaired) && !at.Before(m.preemptFrom)
	return priority < m.Priority && (preempts || m.Priority == vrrp.Owner)
}

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

// displaces reports whether a member takes over from an Active that it hears, at the
// instant now.
func (m *member) displaces(now time.Time) bool {
	return m.heard(now) && m.resigned == nil && m.cascaded == nil && m.dead == nil
}

// fell reports whether an advert shows that the Active, which was at least as good as
// this router until then, has lowered its priority below ours.
func (m *member) fell(was heard.Active, h *vrrp.Heard) bool {
	return was.Source == h.Source && was.Priority >= m.Priority && h.Priority < m.Priority
}

// content is the part of a member's adverts that may change.
type content struct {
	config       *vrrp.Instance
	keptInterval time.Duration
	priority     uint8
	index        int // of the link to send on
	source       netip.Addr
	mac          [6]byte
	checksum     wire.Checksum
}

func (m *member) content() content {
	return content{m.Instance, m.keptInterval, m.advertised(), m.link.Index, m.source, m.mac(), m.checksum}
}

// mac returns the MAC of the link where adverts leave as frames from an address that is not here.
func (m *member) mac() [6]byte {
	if m.IsForeign(&m.link) {
		return m.link.HardwareAddr
	}
	return [6]byte{}
}

// advertised returns the priority that its adverts bear.
func (m *member) advertised() uint8 {
	if m.alone.serves {
		return vrrp.Impaired
	}
	return m.Priority
}

// advert returns the order to send a member's present advert.
func (m *member) advert(cause event.Cause) vrrp.Advertise {
	m.ordered = m.content()
	return vrrp.Advertise{
		Cause: cause, Instance: m.Instance,
		Index: m.ordered.index, Source: m.ordered.source, MAC: m.ordered.mac, Checksum: m.ordered.checksum, Priority: m.ordered.priority,
		Interval: m.ordered.keptInterval,
	}
}

// probe returns the order to send one advert that finds out whether adverts leave.
func (m *member) probe(now time.Time, cause event.Cause) vrrp.Probe {
	probe := vrrp.Probe{Cause: cause, Instance: m.Instance, Index: m.link.Index, Source: m.source, MAC: m.mac(), Checksum: m.checksum, Priority: 1}
	if m.known(now) && m.others.Best.Priority <= 1 {
		probe.Priority = 0
	}
	return probe
}

// canSend reports whether what is sent on a member's link leaves it. A port of another
// device sends, though it hears nothing.
func (m *member) canSend() bool {
	return m.link.Usable || m.link.Master != "" && m.link.AdminUp && m.link.Carrier
}

// An advert that is larger than the link's MTU leaves in fragments, which the kernel makes of
// what a raw socket sends. An advert that leaves as a frame bears headers of its own and is
// refused; then the others take over, and hear nothing of us either. The configuration knows
// only the common MTU, so the link's own is compared, each time that the link changes.

// tooLong reports whether the link refuses the adverts of a member for their length.
func (m *member) tooLong() bool {
	return (m.FromVirtualMAC() || m.IsForeign(&m.link)) && m.link.MTU > 0 && m.PacketLen() > m.link.MTU
}

// refusedTo returns how many adverts in a row the kernel refused to send to a router.
func (m *member) refusedTo(router netip.Addr) int {
	return m.sends.refusedTo(router, len(m.Unicast.Peers) > 0)
}

// unreached returns how many adverts in a row the kernel refused to send to an Active that is
// heard.
func (m *member) unreached(now time.Time) (refused int) {
	if m.known(now) {
		refused = m.refusedTo(m.others.Best.Source)
	}
	if i := &m.others.Incompatible; now.Before(i.Until) {
		refused = max(refused, m.refusedTo(i.Source))
	}
	return refused
}

// refusedProbe reports whether an advert did not leave to those who must hear it: to the
// group, or to the peer that is Active; while none is known, to any peer.
func (m *member) refusedProbe(in vrrp.Probed) bool {
	if len(m.Unicast.Peers) == 0 {
		return len(in.Refused) > 0
	}
	known := false
	for _, active := range [...]netip.Addr{m.others.Best.Source, m.others.Incompatible.Source} {
		for _, to := range in.Refused {
			if active.IsValid() && to == active {
				return true
			}
		}
		known = known || active.IsValid()
	}
	return !known && len(in.Refused) == len(m.Unicast.Peers)
}

// addDeadlines adds the instants at which what is known of a member changes by itself.
func (m *member) addDeadlines(next *deadline.Earliest) {
	if m.lacks != nil {
		next.Add(m.lacks.until)
	}
	if m.company.Crowded() {
		next.Add(m.company.Deadline())
	}
	if m.keptInterval != 0 {
		next.Add(m.keptUntil)
	}
	if r := m.recovery; r != nil {
		next.Add(r.over(m.downAt))
		if !r.forwards {
			next.Add(r.ask.At())
		}
	}
}

// beganAlone reports whether a member served alone before this step, in which the group
// was in the given state.
func (m *member) beganAlone(group event.State) bool {
	return m.state == event.Active && group != event.Active
}
