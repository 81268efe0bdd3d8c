package machine

import (
	"fmt"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/fence"
	"ripcord/pkg/vrrp/tracker"
)

// facts are everything that a group knows. Its state follows from them.
type facts struct {
	started  bool
	name     string // of the group, or of its only instance
	members  members
	trackers *tracker.List // what the group tracks
	// lastStanding allows healthy members to serve alone while no router serves.
	lastStanding bool
	// startWaits is a start that waits for the first results of checks; nil if none waits.
	startWaits *vrrp.Start
	// inherited is the priority of an adopted group until all checks have a result; 0 if the
	// priority follows from the facts.
	inherited uint8
	// releasedUntil is when a release ends by itself; zero if it does not, or if there is none.
	releasedUntil time.Time
	faults        faults
	// clock is the instant of the last Tick. A timer that is not later than it has ended.
	clock   time.Time
	watches bool // a member watches the machine of its Active
	asked   verification
	// verified is set when all waits are over and the verifiers have been asked about the
	// takeover. Each event that restarts a wait resets it (unverify).
	verified bool
	// listening is set while a stall is being judged.
	listening *stall
	armed     time.Time // the takeover for which the engine is armed; zero if it is not
	// confirmBy is until when the addresses of an Active wait for its first adverts to leave;
	// zero if they do not wait. confirmFor is the cause of the takeover that they complete.
	confirmBy  time.Time
	confirmFor event.Cause
	distinct   pairs // senders that are known to be different routers
	impairment impairment
	fence      fence.State
	// graceGiven is when the Active was given more time because this process had not run; zero if
	// it was not, or if the waits have changed since.
	graceGiven    time.Time
	reannouncedAt time.Time // when the addresses were last announced again because of a rival
	tieEnds       time.Time // when a tie is decided; zero if there is none
	startupEnds   time.Time // the end of startup_delay, before which the group takes nothing over; zero if there is no delay
	// ownerWait is set while an address owner, which skips Backup, is verified.
	ownerWait *ownerWait
}

// ownerWait is the state in which an address owner waits instead of Backup, and the trigger that
// put it there.
type ownerWait struct {
	in    event.State
	cause trigger
}

// trigger is the cause of a possible transition: the reason, the member that carries it, and the
// fact from which it follows.
type trigger struct {
	reason event.Reason
	member *member // nil for the whole group
	cause  event.Cause
}

// state derives the group's state from the facts. No other code does.
func (f *facts) state() event.State {
	switch {
	case !f.started:
		return event.Initialize
	case f.impeded():
		return event.Fault
	case !f.waiting():
		return event.Active
	case f.ownerWait != nil:
		return f.ownerWait.in
	}
	return event.Backup
}

// impeded reports whether a fault or a recovery keeps the group from serving.
func (f *facts) impeded() bool { return len(f.faults) > 0 || f.members.recovering() }

// waiting reports whether the group would be Active but for a wait that is not over or not
// verified. During a recovery it waits in Fault, otherwise in Backup.
func (f *facts) waiting() bool {
	return f.started && len(f.faults) == 0 && !f.verified
}

// unadoptable returns why a group that has not started cannot be adopted at the instant now;
// empty if it can.
func (f *facts) unadoptable(in vrrp.Adopted, now time.Time) string {
	m, reason := f.firstFault()
	switch {
	case now.After(in.Until):
		return fmt.Sprintf("its last advert left %v ago", now.Sub(in.Last).Round(time.Millisecond))
	case m != nil:
		return fmt.Sprintf("%s is at fault: %s", m.Name, reason)
	case f.impeded():
		return fmt.Sprintf("it is at fault: %s", reason)
	}
	return ""
}

// priority returns the priority in force, which all members of a group share: it is advertised,
// it determines Skew_Time, and it is compared with the priorities of others. No other function
// derives it.
func (f *facts) priority() uint8 {
	if f.members.impaired(f.impairment.excused) {
		return f.members[0].impaired
	}
	return f.ownPriority()
}

// ownPriority returns the priority of the group without the effect of missing addresses.
func (f *facts) ownPriority() uint8 {
	if f.inherited != 0 {
		return f.inherited
	}
	least := minPriority
	if f.lastStanding {
		least = vrrp.ImpairedLastStanding + 1
	}
	return f.trackers.Priority(f.members[0].Instance.Priority, least)
}

// minPriority is the lowest priority that weights can produce: 0 would resign.
const minPriority = 1

// forgetShortfalls clears the shortfalls of all members, as at a start.
func (f *facts) forgetShortfalls() {
	f.impairment = impairment{}
	for _, m := range f.members {
		m.lacks = nil
	}
	for _, m := range f.members {
		m.Priority = f.priority()
	}
}

// deadline returns the next instant at which the facts change without an input.
func (f *facts) deadline() (time.Time, bool) {
	var next deadline.Earliest
	for _, m := range f.members {
		if len(f.faults) > 0 {
			f.addFaultDeadlines(m, &next)
		}
		m.addDeadlines(&next)
		m.noActive.addDeadlines(f, m, &next)
	}
	next.Add(f.releasedUntil)
	if at, ok := f.nextAlone(); ok {
		next.Add(f.asked.deadline(at, f.lead(), f.clock))
	}
	switch {
	case f.members.recovering():
	case f.waiting() && f.fence.Holds():
		next.Add(f.fence.Deadline())
	case f.waiting():
		at := f.takeover()
		next.Add(f.asked.deadline(at, f.lead(), f.clock))
		if m := f.members.nextHolding(at); m != nil {
			next.Add(m.reportHoldAt())
		}
	case f.state() == event.Active:
		if f.listening != nil {
			next.Add(f.listening.until)
		}
		next.Add(f.tieEnds)
		next.Add(f.confirmBy)
	}
	return next.Get()
}

// addFaultDeadlines adds the instants at which the faults send-failed and address-lost of a
// member end or are examined.
func (f *facts) addFaultDeadlines(m *member, next *deadline.Earliest) {
	if m.sends.unproven && f.faults.has(m.sendFault()) {
		next.Add(m.sends.retryAt(m.heardUntil()))
	}
	if lost, on := f.faults[m.lostFault()]; on {
		next.Add(f.members.unheard(lost.since))
	}
}
