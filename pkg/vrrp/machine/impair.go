package machine

import (
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// A router may be unable to put in place what it should hold: the kernel refuses an address,
// an interface is missing. The address worker reports what is missing (Placed), and the group
// is impaired: from then on it advertises priority 1. So it goes on serving what it can if
// nobody is better; every router that lacks nothing takes over from it within its Skew_Time;
// it preempts none; and of two impaired routers the one with the greater address serves.
//
// Missing addresses are known only while the group holds its addresses. When the group has
// given up, it stays impaired until a hold-off has passed, and then tries again with its own
// priority; each time in vain the hold-off doubles. A change of the links concerned ends it
// at once. Where the kernel refuses what is missing for what it is, time does not help, and
// there is no end but such a change: routers that try by turns would never come to rest.
//
// A router that holds none of the addresses which an instance advertises serves nobody: that
// is the fault address-lost, for the hold-off, or until no other Active is heard. If no
// healthy Active was heard since the last such fault, giving up has helped nobody: then the
// group stays Active, and the worker goes on trying. An impaired Active counts as healthy
// there if it goes on, since it holds something.
//
// Extra addresses, routes and rules, which are not advertised, impair nobody if the other
// routers cannot place them either. This shows when the group takes over from an Active that
// advertises priority 1 itself, and is not the better one of the two by their own priorities:
// it then keeps its own priority for as long as it is Active.

// Bounds of the hold-off, which doubles from the first to the last.
const (
	holdOffFirst = 10 * time.Second
	holdOffMost  = 5 * time.Minute
)

// servesAfter is the time after which an impaired Active that goes on counts as serving:
// one that holds nothing finds that out within a second.
const servesAfter = 2 * time.Second

// shortfall lists the addresses, routes and rules that a member should hold and lacks.
type shortfall struct {
	missing []string
	degree  vrrp.Degree
	refused bool // it is of no use to try again until somebody has changed something
	since   time.Time
	until   time.Time // when the hold-off is over; zero while Active (the worker reports), and if refused
}

// wait begins a hold-off.
func (l *shortfall) wait(now time.Time, holdOff time.Duration) {
	if l.until = now.Add(holdOff); l.refused {
		l.until = time.Time{}
	}
}

// reported remembers the last report of a shortfall.
type reported struct {
	lacks bool
	at    time.Time
}

// impairment sums up the shortfalls of a group, over all members.
type impairment struct {
	holdOff time.Duration // the last one; zero: there was none
	failed  bool          // something was missing since the group last became Active
	ended   time.Time     // when the group last ceased to lack anything, as far as it knew
	excused bool          // of what is not advertised, as long as it is Active
	// served: an address-lost fault has been served, and no Active that serves was
	// heard since.
	served bool
}

// impaired reports whether the group has to advertise priority 1.
func (f *facts) impaired() bool {
	for _, m := range f.members {
		if m.lacks != nil && !(m.lacks.degree == vrrp.Optional && f.impairment.excused) {
			return true
		}
	}
	return false
}

// lacking reports whether any member lacks anything.
func (f *facts) lacking() bool {
	return slices.ContainsFunc(f.members, func(m *member) bool { return m.lacks != nil })
}

// absorbPlaced takes the address worker's report of what an instance lacks.
func (s *step) absorbPlaced(in vrrp.Placed) {
	m := s.member(in.Instance)
	if m == nil || !s.f.started {
		return
	}
	if len(in.Missing) == 0 {
		s.complete(m, trigger{event.Recovered, m, in.Cause})
		return
	}
	if i := &s.f.impairment; !i.failed {
		i.lengthen(s.now, s.f.lacking())
	}
	news := m.lacks == nil || !slices.Equal(m.lacks.missing, in.Missing)
	if m.lacks == nil {
		m.lacks = &shortfall{since: s.now}
	}
	m.lacks.missing, m.lacks.degree, m.lacks.refused = in.Missing, in.Degree, in.Refused
	if !s.f.serves(m) {
		m.lacks.wait(s.now, s.f.impairment.holdOff)
	}
	s.judgePlaced(m, in)
	s.reprioritize(in.Cause)
	if news {
		s.reportImpaired(m, in.Cause)
	}
}

// judgePlaced makes it a fault that none of the advertised addresses is in place, once
// until a healthy Active was heard.
func (s *step) judgePlaced(m *member, in vrrp.Placed) {
	if in.Degree != vrrp.Total || !s.f.serves(m) || s.f.impairment.served {
		return
	}
	s.f.impairment.served = true
	s.raise(m.lostFault(), in.Missing[0], trigger{event.AddressLost, m, in.Cause})
}

// heardServing notes an Active that serves: one that is not impaired, or goes on for
// longer than one that holds nothing would.
func (s *step) heardServing(m *member, h vrrp.Heard) {
	goesOn := m.others.Best.Source == h.Source && h.Cause.At.Sub(m.others.Best.Since) > servesAfter
	if h.Priority > m.impaired || goesOn {
		s.f.impairment.served = false
	}
}

func (m *member) lostFault() faultKey { return faultKey{m.Name, event.AddressLost} }

// unheard returns the instant from which giving up since some instant has helped
// nobody: no other Active is heard, and each had the time to become it.
func (f *facts) unheard(since time.Time) time.Time {
	var last time.Time
	for _, m := range f.members {
		if at := since.Add(m.activeDown(m.Instance.Interval)); at.After(last) {
			last = at
		}
		if at := m.others.Until(m.timing()); at.After(last) {
			last = at
		}
	}
	return last
}

// complete ends the shortfall of a member: nothing is missing, or it can be tried
// again.
func (s *step) complete(m *member, why trigger) {
	if m.lacks != nil {
		m.lacks = nil
		if !s.f.lacking() {
			s.f.impairment.ended, s.f.impairment.failed = s.now, false
		}
		s.reprioritize(why.cause)
		s.reportImpaired(m, why.cause)
	}
	s.clear(m.lostFault(), why)
}

// lengthen chooses the hold-off after a try that failed: double the last one, unless
// the group lacked nothing for long.
func (i *impairment) lengthen(now time.Time, lacking bool) {
	i.failed = true
	if i.holdOff == 0 || !lacking && now.Sub(i.ended) > holdOffMost {
		i.holdOff = holdOffFirst
		return
	}
	i.holdOff = min(2*i.holdOff, holdOffMost)
}

// holdOff begins the hold-off of all members, as the group ceases to be Active.
func (s *step) holdOff() {
	for _, m := range s.f.members {
		if m.lacks != nil {
			m.lacks.wait(s.now, s.f.impairment.holdOff)
		}
	}
}

// endHoldOffs lets the group try again what it lacked; or sooner, but with priority 1,
// where nobody else serves.
func (s *step) endHoldOffs(in vrrp.Tick) {
	for _, m := range s.f.members {
		why := trigger{event.Recovered, m, in.Cause}
		if l := m.lacks; l != nil && !l.until.IsZero() && !s.now.Before(l.until) {
			s.complete(m, why)
		}
		if flt, on := s.f.faults[m.lostFault()]; on && !s.now.Before(s.f.unheard(flt.since)) {
			s.clear(m.lostFault(), why)
		}
	}
}

// forgetShortfalls forgets them all, as at a start.
func (f *facts) forgetShortfalls() {
	f.impairment = impairment{}
	for _, m := range f.members {
		m.lacks = nil
	}
	for _, m := range f.members {
		m.Priority = f.priority()
	}
}

// tryAgain begins a time as Active: what is missing is known from now on.
func (s *step) tryAgain() {
	s.f.impairment.excused, s.f.impairment.failed = s.f.excused(), false
	for _, m := range s.f.members {
		if m.lacks != nil {
			m.lacks.until = time.Time{}
		}
	}
}

// excused reports whether the group takes over from an Active that is impaired too,
// and does better: the one that has the greater priority of its own, or address.
func (f *facts) excused() bool {
	for _, m := range f.members {
		if a := &m.others.Best; a.Source.IsValid() {
			ours := m.Instance.Priority
			return a.Priority == m.impaired && (a.Highest < ours || a.Highest == ours && a.Source.Less(m.source))
		}
	}
	return false
}

// reportImpaired reports the addresses, routes and rules that a member lacks: at most once in
// the shortest hold-off if these change again and again. The end is reported only if the lack
// was.
func (s *step) reportImpaired(m *member, cause event.Cause) {
	r := &m.reported
	if over := m.lacks == nil; over && !r.lacks || !over && s.now.Sub(r.at) < holdOffFirst {
		return
	}
	if r.lacks = m.lacks != nil; r.lacks {
		r.at = s.now
	}
	s.report(event.InstanceImpaired{
		Stamp: s.stamp(cause), Virtual: m.Virtual, Missing: m.missing(), Priority: m.Priority,
	})
}

// missing returns the names of what a member lacks.
func (m *member) missing() []string {
	if m.lacks == nil {
		return nil
	}
	return m.lacks.missing
}
