package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/fence"
	"ripcord/pkg/vrrp/tracker"
)

// facts are all that a group knows. Its state follows from them.
type facts struct {
	started  bool
	name     string // of the group, or of its only instance
	members  []*member
	trackers *tracker.List // what the group tracks
	// lastStanding lets sound members serve alone where nobody serves.
	lastStanding bool
	// startWaits is a start that waits for the first results of checks; nil: none does.
	startWaits *vrrp.Start
	// releasedUntil is when a release ends by itself; zero: it does not, or there is none.
	releasedUntil time.Time
	faults        map[faultKey]fault // nil where there are none, as there are for years
	// clock is the instant of the last Tick. A timer has ended if it is not later.
	clock    time.Time
	asked    asked
	verified bool // all waits are over, and the verifiers were heard on it
	// listening is set while a stall is being judged.
	listening *stall
	armed     time.Time // the takeover that the engine is ready for; zero: none
	// confirmBy is until when the addresses wait for the first adverts to leave, as
	// Active; zero: they do not wait.
	confirmBy time.Time
	// outOfStep holds the pairs of senders that a resignation does not connect,
	// and until when; nil where there never was one.
	outOfStep  map[pair]time.Time
	impairment impairment
	fence      fence.State
	// graceGiven is set when the Active was given more time since we did not run, until the
	// waits change.
	graceGiven    bool
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

// stall is a time in which the daemon did not run while Active.
type stall struct {
	cause event.Cause
	since time.Time
	until time.Time // when listening ends
}

// asked is the last question to the verifiers, and their answers.
type asked struct {
	ticket  uint64
	trace   event.Trace
	about   time.Time // the takeover that is being verified
	limit   time.Time // not waited for longer
	answers map[vrrp.Verifier]bool
}

// restart begins all waits anew, as at Startup (RFC 9568 §6.4.1), with our own
// interval unless an Active with another is on the air. The owner of the
// addresses waits for nothing but to be verified, and does so in the state in
// which it is.
func (f *facts) restart(now time.Time, in event.State, why trigger) {
	f.unverify()
	f.delayPreemption(now)
	for _, m := range f.members {
		m.interval = m.Instance.Interval
		if m.known(now) && !m.outranks(m.others.Best.Priority, now) {
			m.interval = m.others.Best.Interval
		}
		m.renew(now)
		m.waitForSecond(now)
		m.cascaded = nil
		if m.Priority == vrrp.Owner {
			m.downAt = now
			f.ownerWait = &ownerWait{in, why}
		}
	}
}

// unverify forgets what was verified: the next takeover is verified anew.
func (f *facts) unverify() {
	f.verified, f.graceGiven = false, false
	f.asked = asked{}
	f.listening = nil
	f.ownerWait = nil
	f.tieEnds = time.Time{}
	f.fence.Cancel()
}
