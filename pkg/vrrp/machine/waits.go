package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// takeover returns the instant at which the waits of all members and startup_delay are over.
func (f *facts) takeover() time.Time {
	if last := f.members.due(); last.After(f.startupEnds) {
		return last
	}
	return f.startupEnds
}

// decided returns the instant of a takeover that is verified and that only a new fact can stop;
// zero if there is none, or if a member already serves alone.
func (f *facts) decided() time.Time {
	if at := f.takeover(); f.waiting() && !f.members.recovering() && f.asked.isAbout(at) && f.asked.answered() && !f.anyAlone() {
		return at
	}
	return time.Time{}
}

// lead returns how long before a takeover the verifiers are asked.
func (f *facts) lead() time.Duration { return min(verifyLead, f.members.shortest()/4) }

// takeoverReason returns the reason why the waits are over at the instant now. Its cause is the
// given one, unless an Active has resigned or its machine is dead.
func (f *facts) takeoverReason(now time.Time, cause event.Cause) trigger {
	if f.ownerWait != nil {
		return f.ownerWait.cause
	}
	m, reason := f.members.takeover(now)
	switch reason {
	case event.PeerResigned:
		cause = m.resigned.cause
	case event.PeerDead:
		cause = *m.dead
	}
	return trigger{reason, m, cause}
}

// needsFence reports whether a takeover of a group with a fence at the instant now needs the
// fence: an Active that has not resigned fell silent, and this router preempts no Active that is
// heard. An owner waits for no Active.
func (f *facts) needsFence(now time.Time) bool {
	return f.ownerWait == nil && !f.fence.Passed() && f.members.anyUnresigned() && !f.members.preempt(now)
}

// takenOver returns the reason of a takeover: FenceFailed if the fence failed and the group
// proceeds all the same.
func (f *facts) takenOver(why trigger) trigger {
	if f.fence.Passed() && f.fence.Err() != "" {
		why.reason = event.FenceFailed
	}
	return why
}

// holdReason returns the reason that is reported for a member whose own wait is over.
func (f *facts) holdReason() string {
	if f.takeover().Equal(f.startupEnds) {
		return event.HoldStartup
	}
	return event.HoldGroup
}

// waitsForGroup reports whether members whose own wait is over wait for the other members.
func (f *facts) waitsForGroup(state event.State) bool {
	return state == event.Backup && f.fence.Holding() == "" && f.holdReason() == event.HoldGroup
}

// holding describes what keeps a Backup whose waits are over from taking over; empty if nothing
// does, and in every other state.
func (f *facts) holding(state event.State) string {
	if state != event.Backup {
		return ""
	}
	return f.fence.Holding()
}

// wait returns the longest of the waits that status shows at the instant now, of those that the
// configuration demands, and of those for other routers, which have no known end.
func (f *facts) wait(state event.State, now time.Time) (longest vrrp.WaitStatus) {
	if state == event.Initialize && f.startWaits != nil {
		return vrrp.WaitStatus{Reason: event.HoldCheck}
	}
	if state != event.Backup || f.fence.Holding() != "" {
		return longest
	}
	if now.Before(f.startupEnds) {
		longest = vrrp.WaitStatus{Reason: event.HoldStartup, Until: f.startupEnds}
	}
	for _, m := range f.members {
		if i := &m.others.Incompatible; now.Before(i.Holds) {
			return vrrp.WaitStatus{Reason: i.Reason}
		}
		if m.delaysPreemption(now) && m.preemptFrom.After(longest.Until) {
			longest = vrrp.WaitStatus{Reason: event.HoldPreemptDelay, Until: m.preemptFrom}
		}
	}
	return longest
}

// restart restarts all waits, as at Startup (RFC 9568 §6.4.1), with our own interval unless an
// Active with another interval is heard. The owner of the addresses waits only to be verified,
// and stays in its present state meanwhile.
func (f *facts) restart(now time.Time, in event.State, why trigger) {
	f.unverify()
	f.members.delayPreemption(now)
	for _, m := range f.members {
		m.interval = m.Instance.Interval
		if m.known(now) && !m.outranks(m.others.Best.Priority, now) {
			m.interval = m.others.Best.Interval
		}
		m.restart(now)
		m.waitForSecond(now)
		m.cascaded = nil
		if m.Priority == vrrp.Owner {
			m.downAt = now
			f.ownerWait = &ownerWait{in, why}
		}
	}
}

// unverify discards the last verification: the next takeover is verified again.
func (f *facts) unverify() {
	f.verified, f.graceGiven = false, time.Time{}
	f.asked = verification{}
	f.listening = nil
	f.ownerWait = nil
	f.tieEnds = time.Time{}
	f.fence.Cancel()
}

// delayStart begins the startup_delay: the longest one of the members.
func (f *facts) delayStart(now time.Time) {
	var longest time.Duration
	for _, m := range f.members {
		longest = max(longest, m.StartupDelay)
	}
	f.startupEnds = time.Time{}
	if longest > 0 {
		f.startupEnds = now.Add(longest)
	}
}

// giveTime makes a group that waits, and did not run for gap, wait for at least one interval and
// Skew_Time more: adverts that the Active sent meanwhile may have been lost
// (docs/architecture.md#lease). It reports whether it does. A second time in a row it does not,
// or a daemon that sleeps again and again would never take over.
func (f *facts) giveTime(now time.Time, gap time.Duration) (given bool) {
	if !f.waiting() || gap <= f.members.shortest() || f.ownerWait != nil || !f.graceGiven.IsZero() {
		return false
	}
	for _, m := range f.members {
		if at := now.Add(m.interval + m.skew()); at.After(m.downAt) {
			m.downAt, m.waitBegan, given = at, now, true
		}
	}
	if given {
		f.unverify()
		f.graceGiven = now
	}
	return given
}

// dropConfirmations cancels the wait of all members for the report of their first advert.
func (f *facts) dropConfirmations() {
	f.confirmBy = time.Time{}
	for _, m := range f.members {
		m.confirm.drop()
	}
}
