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

// facts are all that a group knows. Its state follows from them.
type facts struct {
	started  bool
	name     string // of the group, or of its only instance
	members  members
	trackers *tracker.List // what the group tracks
	// lastStanding lets sound members serve alone where nobody serves.
	lastStanding bool
	// startWaits is a start that waits for the first results of checks; nil: none does.
	startWaits *vrrp.Start
	// inherited is the priority of an adopted group until all checks have a result; 0: that
	// follows from what is known.
	inherited uint8
	// releasedUntil is when a release ends by itself; zero: it does not, or there is none.
	releasedUntil time.Time
	faults        faults
	// clock is the instant of the last Tick. A timer has ended if it is not later.
	clock   time.Time
	watches bool // a member watches the machine of its Active
	asked   verification
	// verified is set when all waits are over and the verifiers were heard on it. Whatever
	// begins a wait anew ends it (unverify).
	verified bool
	// listening is set while a stall is being judged.
	listening *stall
	armed     time.Time // the takeover that the engine is ready for; zero: none
	// confirmBy is until when the addresses wait for the first adverts to leave, as
	// Active; zero: they do not wait.
	confirmBy  time.Time
	outOfStep  pairs // of senders that a resignation does not connect
	impairment impairment
	fence      fence.State
	// graceGiven is when the Active was given more time since we did not run; zero: it was not,
	// or the waits have changed since.
	graceGiven    time.Time
	reannouncedAt time.Time // when the addresses were last announced again because of a rival
	tieEnds       time.Time // when a tie is decided; zero: there is none to decide
	startupEnds   time.Time // nothing is taken over before; zero: there is no delay
	// ownerWait is set while an address owner, which skips Backup, is verified.
	ownerWait *ownerWait
}

// ownerWait is the state in which an address owner waits instead of in Backup, and the
// trigger that brought it there.
type ownerWait struct {
	in    event.State
	cause trigger
}

// trigger may move the group: the reason, the member that bears it and the fact from
// which it follows.
type trigger struct {
	reason event.Reason
	member *member // nil: the whole group
	cause  event.Cause
}

// state derives the group's state from the facts. Nothing else does.
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

// impeded reports whether a fault, or a recovery, keeps the group from serving.
func (f *facts) impeded() bool { return len(f.faults) > 0 || f.members.recovering() }

// waiting reports whether the group could be Active, but for a wait that is not
// over or not verified. While it recovers it waits in Fault, else in Backup.
func (f *facts) waiting() bool {
	return f.started && len(f.faults) == 0 && !f.verified
}

// unadoptable returns why a group that has not started is not to be adopted at the instant now;
// empty if it is.
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

// priority returns the priority in force, which is one for all members of a group:
// it is advertised, sets Skew_Time, and is compared with that of others. It is the
// only place that derives it.
func (f *facts) priority() uint8 {
	if f.members.impaired(f.impairment.excused) {
		return f.members[0].impaired
	}
	return f.ownPriority()
}

// ownPriority returns the priority that the group has if it lacks nothing.
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

// minPriority bounds a priority with weights: 0 resigns.
const minPriority = 1

// forgetShortfalls forgets what the members lack, as at a start.
func (f *facts) forgetShortfalls() {
	f.impairment = impairment{}
	for _, m := range f.members {
		m.lacks = nil
	}
	for _, m := range f.members {
		m.Priority = f.priority()
	}
}

// deadline returns the next instant at which the facts change by themselves.
func (f *facts) deadline() (time.Time, bool) {
	var next deadline.Earliest
	for _, m := range f.members {
		if len(f.faults) > 0 {
			f.addFaultDeadlines(m, &next)
		}
		m.addDeadlines(&next)
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

// addFaultDeadlines adds the instants at which faults of a member's own making end, or are
// looked at.
func (f *facts) addFaultDeadlines(m *member, next *deadline.Earliest) {
	if m.sends.unproven && f.faults.has(m.sendFault()) {
		next.Add(m.sends.retryAt(m.heardUntil()))
	}
	if lost, on := f.faults[m.lostFault()]; on {
		next.Add(f.members.unheard(lost.since))
	}
}
