package machine

import (
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// A router may be unable to put in place what it should hold: the kernel refuses an address,
// or an interface is missing. The address worker reports what is missing (Placed), and the group
// is impaired: from then on it advertises priority 1. So it goes on serving what it can if
// no other router is better; every router that lacks nothing takes over from it within its
// Skew_Time; it preempts none; and of two impaired routers the one with the greater address
// serves.
//
// Missing addresses are known only while the group holds its addresses. When the group has
// yielded, it stays impaired until a hold-off has passed, and then tries again with its own
// priority; each failure doubles the hold-off. A change of the links concerned ends it at
// once. If the kernel rejects the missing objects as invalid, trying again later does not help,
// and only such a change ends the hold-off: routers that try in turn would never come to rest.
//
// A router that holds none of the advertised addresses of an instance serves no host. That
// is the fault address-lost, for the hold-off, or until no other Active is heard. If no
// healthy Active was heard since the last such fault, yielding has helped no host: then the
// group stays Active, and the worker goes on trying. An impaired Active counts as healthy
// here if it goes on, since it holds something.
//
// Extra addresses, routes and rules, which are not advertised, do not impair the group if the
// other routers cannot place them either. This shows when the group takes over from an Active
// that advertises priority 1 itself, and would win against it by their own priorities: the
// group then keeps its own priority for as long as it is Active.

// The hold-off doubles from minHoldOff to maxHoldOff.
const (
	minHoldOff = 10 * time.Second
	maxHoldOff = 5 * time.Minute
)

// servesAfter is the time after which an impaired Active that goes on counts as serving: a router
// that holds nothing finds that out within a second.
const servesAfter = 2 * time.Second

// impairment sums up the shortfalls of a group, over all members.
type impairment struct {
	wait    time.Duration // the last hold-off; zero if there was none
	failed  bool          // something was missing since the group last became Active
	ended   time.Time     // when the group last ceased to lack anything it knew of
	excused bool          // missing objects that are not advertised do not count, while Active
	// yielded reports that the group was in the fault address-lost, and that no Active that
	// serves was heard since.
	yielded bool
}

// fail records that something is missing; lacking reports whether something was missing before.
// The first time since the group became Active it chooses the hold-off: double the last one,
// unless the group lacked nothing for a long time.
func (i *impairment) fail(now time.Time, lacking bool) {
	switch {
	case i.failed:
		return
	case i.wait == 0 || !lacking && now.Sub(i.ended) > maxHoldOff:
		i.wait = minHoldOff
	default:
		i.wait = min(2*i.wait, maxHoldOff)
	}
	i.failed = true
}

// end records that nothing is missing any more, as far as is known.
func (i *impairment) end(now time.Time) { i.ended, i.failed = now, false }

// enter begins a time as Active: from now on the worker reports what is missing.
func (i *impairment) enter(excused bool) { i.excused, i.failed = excused, false }

// mayYield reports whether the fault address-lost may be raised, and records that it is: once
// until an Active that serves is heard.
func (i *impairment) mayYield() bool {
	first := !i.yielded
	i.yielded = true
	return first
}

// hear records an advert of an Active that has been heard since the given instant; zero if it is
// not the best Active. The Active serves if it is not impaired, or if it goes on longer than a
// router that holds nothing would.
func (i *impairment) hear(h *vrrp.Heard, since time.Time, impaired uint8) {
	goesOn := !since.IsZero() && h.Cause.At.Sub(since) > servesAfter
	if h.Priority > impaired || goesOn {
		i.yielded = false
	}
}

// shortfall lists the addresses, routes and rules that a member should hold and lacks. It is nil
// if the member lacks nothing.
type shortfall struct {
	missing []string
	degree  vrrp.Degree
	refused bool      // trying again is useless until the configuration or a link changes
	until   time.Time // when the hold-off ends; zero while Active (the worker reports), and if refused
}

// names returns the names of the missing objects.
func (l *shortfall) names() []string {
	if l == nil {
		return nil
	}
	return l.missing
}

// note records what is missing, and reports whether that has changed.
func (l *shortfall) note(in vrrp.Placed) bool {
	news := !slices.Equal(l.missing, in.Missing)
	l.missing, l.degree, l.refused = in.Missing, in.Degree, in.Refused
	return news
}

// holdOff begins the hold-off; the zero time ends it.
func (l *shortfall) holdOff(until time.Time) {
	if l == nil {
		return
	}
	if l.until = until; l.refused {
		l.until = time.Time{}
	}
}

// over reports whether there is a shortfall whose hold-off is over.
func (l *shortfall) over(now time.Time) bool {
	return l != nil && !l.until.IsZero() && !now.Before(l.until)
}

// reported records the last report of a shortfall.
type reported struct {
	lacks bool
	at    time.Time
}

// due reports whether a change of the shortfall must be reported, and records that it is: at most
// once in the shortest hold-off if it keeps changing. The end is reported only if the beginning
// was.
func (r *reported) due(lacks bool, now time.Time) bool {
	if !lacks && !r.lacks || lacks && now.Sub(r.at) < minHoldOff {
		return false
	}
	if r.lacks = lacks; lacks {
		r.at = now
	}
	return true
}

// placement is the part of a step that concerns addresses, routes and rules that are not in
// place.
type placement struct{ *step }

// absorb absorbs the address worker's report of what an instance lacks.
func (s placement) absorb(in vrrp.Placed) {
	m := s.f.members.find(in.Instance)
	if m == nil || !s.f.started {
		return
	}
	if len(in.Missing) == 0 {
		s.complete(m, trigger{event.Recovered, m, in.Cause})
		return
	}
	s.f.impairment.fail(s.now, s.f.members.lacking())
	if m.lacks == nil {
		m.lacks = &shortfall{}
	}
	news := m.lacks.note(in)
	if !s.f.serves(m) {
		m.lacks.holdOff(s.now.Add(s.f.impairment.wait))
	}
	if in.Degree == vrrp.Total && s.f.serves(m) && s.f.impairment.mayYield() {
		s.raise(m.lostFault(), in.Missing[0], trigger{event.AddressLost, m, in.Cause})
	}
	s.reprioritize(in.Cause)
	if news {
		s.reportImpaired(m, in.Cause)
	}
}

// endHoldOffs lets the group try again after a hold-off, or earlier, but with priority 1, if no
// other router serves.
func (s placement) endHoldOffs(in vrrp.Tick) {
	for _, m := range s.f.members {
		why := trigger{event.Recovered, m, in.Cause}
		if m.lacks.over(s.now) {
			s.complete(m, why)
		}
		if lost, on := s.f.faults[m.lostFault()]; on && !s.now.Before(s.f.members.unheard(lost.since)) {
			s.clear(m.lostFault(), why)
		}
	}
}

// complete ends the shortfall of a member: nothing is missing, or it can be tried again.
func (s placement) complete(m *member, why trigger) {
	if m.lacks != nil {
		m.lacks = nil
		if !s.f.members.lacking() {
			s.f.impairment.end(s.now)
		}
		s.reprioritize(why.cause)
		s.reportImpaired(m, why.cause)
	}
	s.clear(m.lostFault(), why)
}

// reportImpaired reports the addresses, routes and rules that a member lacks.
func (s placement) reportImpaired(m *member, cause event.Cause) {
	if m.reported.due(m.lacks != nil, s.now) {
		s.report(event.InstanceImpaired{
			Stamp: s.stamp(cause), Virtual: m.Virtual, Missing: m.lacks.names(), Priority: m.Priority,
		})
	}
}
