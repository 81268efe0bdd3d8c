package machine

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/heard"
	"ripcord/pkg/wire"
)

// member holds the facts about one virtual router of the group.
//
// Its timer is the Active_Down_Timer (RFC 9568 §6.1): it runs while the group waits, in Backup or
// in a recovery, and has no meaning while the group is Active.
type member struct {
	// Instance is the configuration. A reload replaces the pointer; no code writes to the value.
	*vrrp.Instance
	// Priority is the priority in force, which shadows that of the Instance. All members of a
	// group share it: the result of facts.priority.
	Priority uint8
	// impaired is the priority that the group advertises while it lacks something. It is so low
	// that every router that lacks nothing preempts it.
	impaired uint8
	// index is the position among the members. The first member decides a tie.
	index int

	// link is the last known state of the interface; its zero value means that the interface does
	// not exist.
	link event.Link
	// source is the source address of our adverts. It is zero if and only if the link has no
	// suitable address, which is a fault.
	source netip.Addr
	// recovery is set from the return of the link until its segment is proved to forward. The
	// group is in Fault meanwhile.
	recovery *recovery
	// flapped is when an Active last read of a loss that was already over: the segment has to be
	// proved to forward if the group yields. It is zero once it is proved.
	flapped time.Time

	// interval is the Active_Adver_Interval: that of the Active that is heard, or our own.
	interval time.Duration
	// downAt is when the Active_Down_Timer ends. The member's wait ends at due, which may be
	// later.
	downAt time.Time
	// waitBegan is when the timer was last restarted or postponed other than by an advert.
	// Adverts that arrived before it do not shorten the wait.
	waitBegan time.Time
	// resigned is the priority 0 that shortened the wait that ends at downAt; nil if there was
	// none. renew resets it.
	resigned *resignation
	// cascaded is the resignation on another member that shortened the wait; nil if there was
	// none.
	cascaded *cascade
	// dead is the cause of the report that the Active's machine is dead, which shortened the wait
	// that ends at downAt; nil if there was none. renew resets it.
	dead *event.Cause
	// watch is what is known of the machine of the Active. Members that have never watched one,
	// which are most, share the value unwatched, and no code writes to that.
	watch *watch
	// lastResign is the last priority 0 that was heard from the Active, at any time.
	lastResign resignation
	// preemptFrom is the end of preempt_delay: a lower-priority Active is not preempted before
	// it.
	preemptFrom time.Time
	// delayed reports whether it was logged that a lower-priority Active is not preempted during
	// that delay.
	delayed bool
	// holdReported reports whether instance.holding was logged for the present wait.
	holdReported bool
	alone        alone
	noActive     noActive

	// others are the other routers that were heard for the same virtual router.
	others heard.Others
	// summarized reports whether the receiver was last ordered to summarize their adverts.
	summarized bool
	// unheardBy is the rival of which a warning is in force, because it goes on although this
	// member answers; zero if there is none.
	unheardBy netip.Addr
	// peers are used to find a third router, with `routers: 2`.
	peers heard.Peers
	// unresigned are the Actives that were heard since this router was Active itself. One of them
	// that falls silent has to be fenced.
	unresigned heard.Unresigned
	// recorded are the Actives that were last recorded for the next daemon.
	recorded []vrrp.Advertiser
	// answered and answeredResign are when this member last answered a rival, and a resignation,
	// with an immediate advert. It answers each at most once in an interval.
	answered       time.Time
	answeredResign time.Time

	// ordered is the content of the adverts last ordered from the engine. It differs from
	// content() only within a step.
	ordered content
	// keptInterval is the interval of our adverts until keptUntil, in place of the configured
	// one, after a reload that made it longer; 0 if there is none.
	keptInterval time.Duration
	keptUntil    time.Time
	// checksum is the form of the checksum in the adverts that this member sends over IPv4.
	checksum wire.Checksum
	// sends records whether our adverts leave, and confirm whether the first one of a takeover
	// did.
	sends   sends
	confirm confirmation

	// lacks is set while an address or a route that the member should hold is missing, or may be;
	// reported is the last report of it.
	lacks    *shortfall
	reported reported

	// state is the last reported state and since its beginning. reason is the reason of the last
	// transition, and newActive why the member became Active (RFC 8347's new-master-reason);
	// NotActive while it is not.
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

// configure replaces the configuration of a member.
func (m *member) configure(in *vrrp.Instance, index int, now time.Time) {
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

// timing returns the values from which the intervals of a member are computed.
func (m *member) timing() vrrp.Timing { return m.Timing(m.Priority) }

// activeDown returns the Active_Down_Interval for an Active that advertises every interval.
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

// restart starts the Active_Down_Timer at the instant at, and keeps adverts received earlier from
// shortening it.
func (m *member) restart(at time.Time) {
	m.renew(at)
	m.waitBegan = at
}

// wouldShorten reports whether the Active_Down_Timer, started at the instant at, would shorten a
// wait that was restarted or postponed later than that.
func (m *member) wouldShorten(at time.Time) bool {
	return at.Before(m.waitBegan) && at.Add(m.activeDown(m.interval)).Before(m.downAt)
}

// waitForSecond postpones the end of the Active_Down_Timer to that of the second Active, if the
// member may not preempt it.
func (m *member) waitForSecond(now time.Time) {
	if a := m.others.Second; a != nil && !m.outranks(a.Priority, now) {
		m.waitUntil(a.Until(m.timing()))
	}
}

// waitUntil postpones the end of the Active_Down_Timer to the instant at, if that is later.
func (m *member) waitUntil(at time.Time) {
	if at.After(m.downAt) {
		m.downAt = at
	}
}

// silenced returns the Active that has to be fenced if the member's wait is over at the instant
// now; zero if there is none. It is the last one heard of those for which the member waited, or if
// it may preempt all of them, the last one heard.
func (m *member) silenced(now time.Time) netip.Addr {
	for _, a := range slices.Backward(m.unresigned) {
		if !m.outranks(a.Priority, now) {
			return a.Source
		}
	}
	if last := len(m.unresigned) - 1; last >= 0 {
		return m.unresigned[last].Source
	}
	return netip.Addr{}
}

// isGone reports whether the best Active counts as gone although it was heard within its
// Active_Down_Interval: its machine is dead, or it has resigned on another member.
func (m *member) isGone() bool {
	best := m.others.Best.Source
	return m.dead != nil && m.watch.taken.active == best || m.cascaded != nil && m.cascaded.source == best
}

// due returns the end of the member's own wait: of the Active_Down_Timer, and of the time for
// which incompatible adverts keep it in Backup.
func (m *member) due() time.Time {
	if holds := m.others.Incompatible.Holds; holds.After(m.downAt) {
		return holds
	}
	return m.downAt
}

// reportHoldAt returns the instant at which a member is reported as holding: half an interval
// after the end of its wait, so that members whose waits end together are not reported.
func (m *member) reportHoldAt() time.Time { return m.due().Add(m.interval / 2) }

// known reports whether another Active that speaks our version has been heard recently enough to
// count as present at the instant now.
func (m *member) known(now time.Time) bool {
	return m.others.Best.Known(now, m.timing())
}

// heard reports whether another Active, compatible or not, counts as present at the instant now.
func (m *member) heard(now time.Time) bool { return now.Before(m.heardUntil()) }

// heardUntil returns the instant until which another Active counts as present.
func (m *member) heardUntil() time.Time { return m.others.Until(m.timing()) }

// activeSource returns the address of an Active that the member hears, compatible or not.
func (m *member) activeSource(now time.Time) netip.Addr {
	if m.known(now) || !now.Before(m.others.Incompatible.Until) {
		return m.others.Best.Source
	}
	return m.others.Incompatible.Source
}

// outranks reports whether the member preempts an Active of the given priority at the instant at.
// The owner of the addresses always preempts (RFC 9568 §6.1), and a router that lacks nothing
// preempts an impaired one even if Preempt_Mode is False.
func (m *member) outranks(priority uint8, at time.Time) bool {
	preempts := (m.Preempt || priority <= m.impaired) && !at.Before(m.preemptFrom)
	return priority < m.Priority && (preempts || m.Priority == vrrp.Owner)
}

// delaysPreemption reports whether the member hears an Active that it leaves alone at the instant
// now for its preempt_delay.
func (m *member) delaysPreemption(now time.Time) bool {
	if !now.Before(m.preemptFrom) || !m.known(now) {
		return false
	}
	priority := m.others.Best.Priority
	return !m.outranks(priority, now) && m.outranks(priority, m.preemptFrom)
}

// preempts reports whether the member takes over from an Active that it hears at the instant now:
// from the best one, or if that is gone or has fallen silent from the second, unless that one has
// missed Miss adverts as well.
func (m *member) preempts(now time.Time) bool {
	if m.known(now) && !m.isGone() {
		return m.outranks(m.others.Best.Priority, now)
	}
	a := m.others.Second
	return a != nil && now.Before(a.At.Add(time.Duration(m.Miss)*a.Interval)) && m.outranks(a.Priority, now)
}

// displaces reports whether a takeover at the instant now would replace an Active that is heard.
func (m *member) displaces(now time.Time) bool {
	return m.heard(now) && m.resigned == nil && m.cascaded == nil && m.dead == nil
}

// loweredPriority reports whether an advert shows that the Active, whose priority was at least
// ours until then, has lowered it below ours.
func (m *member) loweredPriority(was heard.Active, h *vrrp.Heard) bool {
	return was.Source == h.Source && was.Priority >= m.Priority && h.Priority < m.Priority
}

// content is the variable part of a member's adverts.
type content struct {
	config       *vrrp.Instance
	keptInterval time.Duration
	priority     uint8
	index        int // index of the link
	source       netip.Addr
	mac          [6]byte
	checksum     wire.Checksum
}

func (m *member) content() content {
	return content{m.Instance, m.keptInterval, m.advertised(), m.link.Index, m.source, m.mac(), m.checksum}
}

// mac returns the MAC of the link if adverts leave as frames because their source address is not
// on this machine.
func (m *member) mac() [6]byte {
	if m.IsForeign(&m.link) {
		return m.link.HardwareAddr
	}
	return [6]byte{}
}

// advertised returns the priority in the member's adverts.
func (m *member) advertised() uint8 {
	if m.alone.serves {
		return vrrp.Impaired
	}
	return m.Priority
}

// advert returns the order to send the member's present advert.
func (m *member) advert(cause event.Cause) vrrp.Advertise {
	m.ordered = m.content()
	return vrrp.Advertise{
		Cause: cause, Instance: m.Instance,
		Index: m.ordered.index, Source: m.ordered.source, MAC: m.ordered.mac, Checksum: m.ordered.checksum, Priority: m.ordered.priority,
		Interval: m.ordered.keptInterval,
	}
}

// probe returns the order to send one advert that tests whether adverts leave.
func (m *member) probe(now time.Time, cause event.Cause) vrrp.Probe {
	probe := vrrp.Probe{Cause: cause, Instance: m.Instance, Index: m.link.Index, Source: m.source, MAC: m.mac(), Checksum: m.checksum, Priority: 1}
	if m.known(now) && m.others.Best.Priority <= 1 {
		probe.Priority = 0
	}
	return probe
}

// canSend reports whether packets sent on the member's link leave it. The port of another device
// sends, though it receives nothing.
func (m *member) canSend() bool {
	return m.link.Usable || m.link.Master != "" && m.link.AdminUp && m.link.Carrier
}

// tooLong reports whether the link refuses the member's adverts for their length. The kernel
// fragments an advert from a raw socket that is larger than the link's MTU. An advert that is
// sent as a frame has its own headers and is refused; then the other routers take over, and hear
// nothing from this one either. The configuration check knows only the common MTU, so the link's
// own is compared each time the link changes.
func (m *member) tooLong() bool {
	return (m.FromVirtualMAC() || m.IsForeign(&m.link)) && m.link.MTU > 0 && m.PacketLen() > m.link.MTU
}

// refusedTo returns how many adverts in a row to a router the kernel has refused.
func (m *member) refusedTo(router netip.Addr) int {
	return m.sends.refusedTo(router, len(m.Unicast.Peers) > 0)
}

// unreached returns how many adverts in a row to an Active that is heard the kernel has refused.
func (m *member) unreached(now time.Time) (refused int) {
	if m.known(now) {
		refused = m.refusedTo(m.others.Best.Source)
	}
	if i := &m.others.Incompatible; now.Before(i.Until) {
		refused = max(refused, m.refusedTo(i.Source))
	}
	return refused
}

// refusedProbe reports whether an advert did not leave to the router that must hear it: to the
// multicast group, or to the peer that is Active; while no Active is known, to any peer.
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

// addDeadlines adds the instants at which the facts about a member change without an input.
func (m *member) addDeadlines(next *deadline.Earliest) {
	if m.lacks != nil {
		next.Add(m.lacks.until)
	}
	if m.unheardBy.IsValid() {
		next.Add(m.others.Best.Until(m.timing()))
	}
	if m.peers.ThirdPresent() {
		next.Add(m.peers.Deadline())
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

// beganAlone reports whether the member served alone before this step, in which the group was in
// the given state.
func (m *member) beganAlone(group event.State) bool {
	return m.state == event.Active && group != event.Active
}
