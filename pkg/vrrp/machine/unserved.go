package machine

import (
	"fmt"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/listing"
	"ripcord/pkg/vrrp"
)

// A router that may not serve still hears its segment. If it hears no Active there for so long
// that every Backup has had the time to take over, no router seems to serve the addresses. That
// is a warning until an Active is heard, this router serves, or its link is lost.
//
// It concerns a member whose group is in Fault, or waits for checks before it starts, and a
// member whose group holds it in Backup because another member still hears its Active. A Backup
// that only counts down needs no warning: the takeover follows. Neither does one that waits for a
// fence, which has events of its own.

// noActive records for how long a member has heard its segment without serving there.
type noActive struct {
	since  time.Time // zero if it serves, or would hear no Active
	warned bool      // the warning is in force
}

// observe updates the facts at the instant now. The member serves, or would not hear an Active,
// for as long as since is zero.
func (w *noActive) observe(f *facts, m *member, now time.Time) {
	receives := m.link.Usable && m.recovery == nil && (m.source.IsValid() || len(m.Unicast.Peers) == 0) && !f.faults.has(faultKey{m.Name, event.Deaf})
	switch hears := receives && (f.started || f.startWaits != nil) && !f.serves(m); {
	case !hears:
		w.since = time.Time{}
	case w.since.IsZero():
		w.since = now
	}
}

// wait returns how long no Active must be heard before the warning. The worst Backup takes over
// after less than Miss+1 intervals, and its first advert may be late.
func (w *noActive) wait(m *member) time.Duration {
	return time.Duration(m.Miss+2) * max(m.interval, m.Instance.Interval)
}

// due returns when the warning begins if no Active is heard until then; zero if it cannot begin
// now. The facts are those of the instant now.
func (w *noActive) due(f *facts, m *member, now time.Time) time.Time {
	if w.since.IsZero() || w.warned || f.fence.Holds() {
		return time.Time{}
	}
	at, margin := w.since.Add(w.wait(m)), 2*m.interval
	later := func(other time.Time) {
		if other.After(at) {
			at = other
		}
	}
	later(m.heardUntil().Add(margin))
	if begins, ok := f.aloneAt(m); ok {
		later(begins.Add(margin))
	}
	if f.waiting() && !f.impeded() {
		later(m.due().Add(margin))
		if f.members.hearing(m, now) == nil {
			later(f.members.due().Add(margin))
		}
		later(f.startupEnds.Add(margin))
	}
	return at
}

// addDeadlines adds the instants at which the Active of a member is no longer known, for the
// status of a group that waits for no takeover, and at which the warning begins.
func (w *noActive) addDeadlines(f *facts, m *member, next *deadline.Earliest) {
	if idle := f.startWaits != nil || f.state() == event.Fault; idle && m.known(f.clock) {
		next.Add(m.others.Best.Until(m.timing()))
	}
	next.Add(w.due(f, m, f.clock))
}

// hearing returns a member other than m that hears an Active at the instant now; nil if there is
// none.
func (l members) hearing(m *member, now time.Time) *member {
	for _, n := range l {
		if n != m && n.heard(now) {
			return n
		}
	}
	return nil
}

// unserved is the part of a step that concerns segments on which no router serves.
type unserved struct{ *step }

// follow begins and ends the warnings. They begin in a Tick alone: all facts are known then.
func (u unserved) follow(in vrrp.Input) {
	for _, m := range u.f.members {
		w := &m.noActive
		w.observe(u.f, m, u.now)
		if w.warned && (w.since.IsZero() || m.heard(u.now)) {
			u.end(m, u.over(m), event.Cause{})
		}
		switch in := in.(type) {
		case vrrp.Tick:
			u.judge(m, in.Cause)
		case vrrp.Slept, vrrp.Rejoined:
			u.restart(m) // adverts may have been lost
		}
	}
}

// restart restarts the wait of a member.
func (u unserved) restart(m *member) {
	if !m.noActive.since.IsZero() {
		m.noActive.since = u.now
	}
}

// judge begins the warning of a member if it is due. It waits once more if this process did not
// run at that instant: adverts may have been lost meanwhile.
func (u unserved) judge(m *member, cause event.Cause) {
	at := m.noActive.due(u.f, m, u.now)
	switch late := u.now.Sub(at); {
	case at.IsZero() || late < 0:
	case late > m.interval:
		u.restart(m)
	default:
		m.noActive.warned = true
		u.warn(m, event.WarnUnserved, u.text(m), cause)
	}
}

// text returns what is wrong, why this router does not serve, and what to do.
func (u unserved) text(m *member) string {
	silence := fmt.Sprintf("no Active has been heard on %s for VRID %d for %v", m.Interface, m.VRID, m.noActive.wait(m))
	state, advice := u.cause(m)
	served := "its addresses"
	if len(m.Addresses) > 0 {
		served = listing.First(1, listing.Texts(m.Addresses))
	}
	return fmt.Sprintf("no router seems to serve %s: %s, and %s: %s", served, state, silence, advice)
}

// cause returns why this router does not serve, and what to do.
func (u unserved) cause(m *member) (state, advice string) {
	_, reason := u.f.firstFault()
	other := u.f.members.hearing(m, u.now)
	switch {
	case u.f.startWaits != nil:
		return "this router waits for the first result of a check", "see the checks in `ripcord status`"
	case reason == event.Released:
		return "this router is released", fmt.Sprintf("run `ripcord resume %s`, or start another router", u.f.name)
	case reason != "":
		return fmt.Sprintf("this router is in Fault (%s)", reason), "see the faults in `ripcord status` on each router"
	case u.f.members.recovering():
		return "this router is in Fault (recovery)", "see the faults in `ripcord status` on each router"
	case other != nil:
		return fmt.Sprintf("this router waits because %s is Active for the group on %s", other.activeSource(u.now), other.Interface),
			fmt.Sprintf("configure the same VRID for %s on both routers, or find out why adverts of that router do not arrive there", m.Interface)
	}
	return "this router waits for its takeover", "see WHY in `ripcord status`"
}

// over returns why the warning of a member ends.
func (u unserved) over(m *member) string {
	switch {
	case m.heard(u.now):
		return fmt.Sprintf("%s is heard as Active", m.activeSource(u.now))
	case u.f.serves(m):
		return "this router serves"
	case !u.f.started && u.f.startWaits == nil:
		return absent
	}
	return "this router no longer receives adverts, and cannot know whether another one serves"
}

// end ends the warning of a member.
func (u unserved) end(m *member, why string, cause event.Cause) {
	m.noActive.warned = false
	u.endWarning(m, event.WarnUnserved, why, cause)
}

// remove ends the warning of a member that is removed.
func (u unserved) remove(m *member, cause event.Cause) {
	if m.noActive.warned {
		u.end(m, absent, cause)
	}
}

// absent is why the warnings of a member end that is removed, or whose group stops.
const absent = "this router no longer takes part"
