package machine

import (
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// members are the members of a group, in the order of its configuration.
type members []*member

// find returns the member of that name; nil if it is not in this group.
func (l members) find(name string) *member {
	for _, m := range l {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// due returns the instant at which the waits of all members are over.
func (l members) due() (last time.Time) {
	for _, m := range l {
		if at := m.due(); at.After(last) {
			last = at
		}
	}
	return last
}

// nextHolding returns the next member to be reported as holding: its own wait is over, and it
// waits for the others until the takeover at the instant at. It is nil if there is none.
func (l members) nextHolding(at time.Time) (first *member) {
	for _, m := range l {
		if m.holdReported {
			continue
		}
		if holds := m.reportHoldAt(); holds.Before(at) && (first == nil || holds.Before(first.reportHoldAt())) {
			first = m
		}
	}
	return first
}

// shortest returns the shortest Active_Adver_Interval of the members.
func (l members) shortest() time.Duration {
	least := l[0].interval
	for _, m := range l[1:] {
		least = min(least, m.interval)
	}
	return least
}

// delayPreemption restarts preempt_delay for all members.
func (l members) delayPreemption(now time.Time) {
	for _, m := range l {
		m.preemptFrom, m.delayed = now.Add(m.PreemptDelay), false
	}
}

// takeover returns the reason why all waits are over, and the member that best represents it: a
// resignation takes precedence over a lower-priority Active, that over a dead machine, and that
// over silence.
func (l members) takeover(now time.Time) (*member, event.Reason) {
	last := l[0]
	var resigned, dead, lower *member
	for _, m := range l {
		if m.dead != nil && dead == nil {
			dead = m
		}
		switch {
		case m.resigned != nil && resigned == nil:
			resigned = m
		case m.preempts(now) && lower == nil:
			lower = m
		}
		if m.due().After(last.due()) {
			last = m
		}
	}
	switch {
	case resigned != nil:
		return resigned, event.PeerResigned
	case lower != nil && lower.Priority == vrrp.Owner:
		return lower, event.OwnerPreempt
	case lower != nil && lower.delayed:
		return lower, event.PreemptHoldTimeout
	case lower != nil:
		return lower, event.LowerPriorityActive
	case dead != nil:
		return dead, event.PeerDead
	}
	return last, event.ActiveTimeout
}

// watch reports whether any member watches the machine of its Active.
func (l members) watch() bool {
	return slices.ContainsFunc(l, func(m *member) bool { return m.Watches() })
}

// resignationWait returns how long a member waits after its Active has resigned, has died, or has
// lowered its priority below ours: Skew_Time, or 0 if the router is the only Backup on all
// members.
func (l members) resignationWait(m *member) time.Duration {
	for _, n := range l {
		if n.Routers != 2 || n.peers.ThirdPresent() {
			return m.skew()
		}
	}
	return 0
}

// preempt reports whether any member takes over from an Active that it hears at the instant now.
func (l members) preempt(now time.Time) bool {
	return slices.ContainsFunc(l, func(m *member) bool { return m.preempts(now) })
}

// anyUnresigned reports whether any member has heard an Active that has not resigned.
func (l members) anyUnresigned() bool {
	return slices.ContainsFunc(l, func(m *member) bool { return len(m.unresigned) > 0 })
}

// fenced returns the member on which the Active fell silent: the one that carries the reason of
// the takeover if its Active did, otherwise the first.
func (l members) fenced(why trigger) *member {
	if why.member != nil && len(why.member.unresigned) > 0 {
		return why.member
	}
	for _, m := range l {
		if len(m.unresigned) > 0 {
			return m
		}
	}
	return l[0]
}

// outranking returns the members that hear an Active which they may preempt: its adverts do not
// renew their timers.
func (l members) outranking(now time.Time) (list members) {
	for _, m := range l {
		if m.known(now) && m.outranks(m.others.Best.Priority, now) {
			list = append(list, m)
		}
	}
	return list
}

// firstEqual returns the first member that hears a rival of our own priority.
func (l members) firstEqual(now time.Time) *member {
	for _, m := range l {
		if m.known(now) && m.others.Best.Priority == m.Priority {
			return m
		}
	}
	return nil
}

// losesTo reports whether the rival of member m is the only other router, and has the greater
// address on the first member, where it was heard earlier.
func (l members) losesTo(m *member) bool {
	peer := l[0].peers.Only()
	return l[0].Routers == 2 && m.Routers == 2 && !m.peers.ThirdPresent() && peer.IsValid() && l[0].source.Less(peer)
}

// outdated reports whether an advert ordered from the engine would have other content now.
func (l members) outdated() bool {
	return slices.ContainsFunc(l, func(m *member) bool { return m.ordered != m.content() })
}

// recovering reports whether a member's link has yet to prove that its segment forwards.
func (l members) recovering() bool {
	for _, m := range l {
		if m.recovery != nil {
			return true
		}
	}
	return false
}

func (l members) forgetRecoveries() {
	for _, m := range l {
		m.recovery = nil
	}
}

// prove records, for all members on a link, that a packet came through its segment at the instant
// at. A packet that was received before a loss and read after it proves nothing.
func (l members) prove(link string, at time.Time) {
	for _, m := range l {
		if m.Interface != link {
			continue
		}
		if !at.Before(m.flapped) {
			m.flapped = time.Time{}
		}
		if m.recovery != nil && m.recovery.prove(at) {
			m.renew(at)
		}
	}
}

// ask returns the links whose segments have not proved that they forward, and whose stations must
// be asked now.
func (l members) ask(now time.Time) (links []string) {
	for _, m := range l {
		if r := m.recovery; r != nil && r.asks(now) && !slices.Contains(links, m.Interface) {
			links = append(links, m.Interface)
		}
	}
	return links
}

// lacking reports whether any member lacks something that it should hold.
func (l members) lacking() bool {
	return slices.ContainsFunc(l, func(m *member) bool { return m.lacks != nil })
}

// impaired reports whether the shortfalls of the members impair the group.
func (l members) impaired(excused bool) bool {
	for _, m := range l {
		if m.lacks != nil && !(m.lacks.degree == vrrp.Optional && excused) {
			return true
		}
	}
	return false
}

// excused reports whether the group takes over from an Active that is impaired as well and would
// lose against it: this router has the greater own priority, or the greater address.
func (l members) excused() bool {
	for _, m := range l {
		if a := &m.others.Best; a.Source.IsValid() {
			ours := m.Instance.Priority
			return a.Priority == m.impaired && (a.Highest < ours || a.Highest == ours && a.Source.Less(m.source))
		}
	}
	return false
}

// holdOff begins the hold-off of all members that lack something; the zero time ends it.
func (l members) holdOff(until time.Time) {
	for _, m := range l {
		m.lacks.holdOff(until)
	}
}

// unheard returns the instant from which yielding since the given instant has helped no host: no
// other Active is heard, although each router had the time to become Active.
func (l members) unheard(since time.Time) (last time.Time) {
	for _, m := range l {
		for _, at := range [...]time.Time{since.Add(m.activeDown(m.Instance.Interval)), m.heardUntil()} {
			if at.After(last) {
				last = at
			}
		}
	}
	return last
}
