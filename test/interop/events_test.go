package interop

import (
	"slices"
	"time"

	"ripcord/pkg/lan"
)

const (
	// slack is how much a loaded machine may add to a takeover. Skew_Time plus slack is still below
	// the Active_Down_Interval at 400 ms, so that a resignation is not confused with silence.
	slack = 500 * time.Millisecond
	// noticing bounds the time until the kernel announces that a cable is back and ripcord has
	// proved it.
	noticing = 2 * time.Second
)

// event is something that happens to a router, and what must follow.
type event struct {
	name string // of the Active, in the table
	at   time.Time
	next router // Active from then on
	// Its first advert comes in these bounds after the event, and the client is
	// served then; throughout, if it takes over from one that is alive.
	least, most time.Duration
	alive       bool
}

// skew returns the Skew_Time of a router (RFC 9568 §6.1; in RFC 3768 §6.1 not scaled by the
// interval), and down its Active_Down_Interval.
func (s *scene) skew(r router) time.Duration {
	unit := s.interval()
	if s.version == 2 {
		unit = time.Second
	}
	return time.Duration(256-r.priority()) * unit / 256
}

func (s *scene) down(r router) time.Duration { return 3*s.interval() + s.skew(r) }

// playUnequal checks that the router of the higher priority is Active whenever it can be.
func (s *scene) playUnequal() {
	upper, lower := s.ours, s.theirs
	if lower.priority() > upper.priority() {
		upper, lower = lower, upper
	}
	s.begins(lower)
	s.preempts("is joined from above", upper.start(), upper, 0)
	s.stops(upper, lower)
	s.preempts("is back", upper.start(), upper, 0)
	s.dies(upper, lower)
	s.preempts("is back", s.restart(upper), upper, 0)
	s.cableOut(upper, lower)
	s.preempts("its cable is in", s.plug(upper), upper, noticing+2*s.interval())
	s.keeps("the Backup's cable is out", s.pull(lower), upper, time.Second+s.down(lower))
	s.backupBack(lower, upper)
}

// playEqual checks that the Active router stays Active as long as it can.
func (s *scene) playEqual() {
	joins := s.down(s.ours) + s.interval()
	s.begins(s.ours)
	s.keeps("is joined", s.theirs.start(), s.ours, joins)
	s.stops(s.ours, s.theirs)
	s.keeps("is joined", s.ours.start(), s.theirs, joins)
	s.dies(s.theirs, s.ours)
	s.keeps("is joined", s.restart(s.theirs), s.ours, joins)
	s.cableOut(s.ours, s.theirs)
	s.backupBack(s.ours, s.theirs)
	s.cableOut(s.theirs, s.ours)
	if s.theirs.blind() { // it never ceased to be Active: the greater address decides
		s.preempts("its cable is in", s.plug(s.theirs), s.theirs, noticing)
		return
	}
	s.backupBack(s.theirs, s.ours)
}

func (s *scene) begins(first router) {
	s.t.Helper()
	s.takes(event{name: "starts alone", at: first.start(), next: first, most: s.down(first) + first.late()})
}

// preempts: the one that the protocol prefers is there and takes over, in its
// Active_Down_Interval and what it takes to find its way.
func (s *scene) preempts(name string, at time.Time, upper router, more time.Duration) {
	s.t.Helper()
	s.takes(event{name: name, at: at, next: upper, most: more + s.down(upper) + upper.late(), alive: true})
}

// stops makes the Active resign, and expects the other to take over in its Skew_Time.
func (s *scene) stops(active, next router) {
	s.t.Helper()
	at := active.stop()
	zero, err := s.sniffer.WaitAdvert(2*time.Second, func(x lan.Advert) bool {
		return x.At.After(at) && x.Priority == 0 && s.sender(x) == active
	})
	if err != nil {
		s.t.Fatalf("%s was stopped and did not resign: %v", active.name(), err)
	}
	s.takes(event{name: "is stopped", at: zero.At, next: next, most: s.skew(next) + next.late()})
}

// dies kills the Active, and expects the other to take over after its Active_Down_Interval. The
// kernel of the killed router keeps the address, and answers.
func (s *scene) dies(active, next router) {
	s.t.Helper()
	at := active.kill()
	s.stale = active
	s.takes(event{name: "is killed", at: at, next: next, least: s.down(next) - s.interval(), most: s.down(next) + next.late()})
}

// restart starts a router that was killed. Its kernel has answered until then, and may for a moment
// more.
func (s *scene) restart(r router) time.Time {
	r.start()
	time.Sleep(slack / 2)
	s.stale = nil
	return time.Now()
}

func (s *scene) cableOut(active, next router) {
	s.t.Helper()
	at := s.pull(active)
	s.takes(event{name: "its cable is out", at: at, next: next, least: s.down(next) - s.interval(), most: s.down(next) + next.late()})
}

func (s *scene) backupBack(backup, active router) {
	s.t.Helper()
	at := s.plug(backup)
	if backup.blind() {
		s.stale = backup
	}
	s.keeps("the Backup's cable is in", at, active, noticing+s.down(backup))
}

func (s *scene) pull(r router) time.Time { return s.at(s.cable(r).Pull()) }
func (s *scene) plug(r router) time.Time { return s.at(s.cable(r).Plug()) }

func (s *scene) at(at time.Time, err error) time.Time {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return at
}

// takes waits for the first advert of the next Active, and judges the event.
func (s *scene) takes(e event) {
	s.t.Helper()
	first, err := s.speaks(e)
	if err != nil {
		s.t.Fatalf("%s: %s does not become Active: %v", e.name, e.next.name(), err)
	}
	stalled := s.stalled(e.at)
	if took := first.Sub(e.at); took < e.least-stalled-10*time.Millisecond || took > e.most+slack+stalled {
		s.t.Errorf("%s: %s becomes Active after %v, want %v to %v, and little more", e.name, e.next.name(), took, e.least, e.most)
	}
	time.Sleep(s.settling())
	s.judge(e, first)
}

// speaks waits for the first advert of the next Active; by unicast for its first
// answer, since a peer whose cable is out cannot be sent any.
func (s *scene) speaks(e event) (time.Time, error) {
	within := e.most + 5*time.Second
	if s.mode == unicast {
		a, err := s.watch.WaitAnswer(within, func(a lan.Answer) bool { return a.At.After(e.at) && a.MAC == e.next.mac() })
		return a.At, err
	}
	x, err := s.sniffer.WaitAdvert(within, func(x lan.Advert) bool {
		return x.At.After(e.at) && x.Priority > 0 && s.sender(x) == e.next
	})
	return x.At, err
}

// keeps judges an event that must change nothing.
func (s *scene) keeps(name string, at time.Time, active router, during time.Duration) {
	s.t.Helper()
	time.Sleep(time.Until(at.Add(during)) + s.settling())
	s.judge(event{name: name, at: at, next: active, alive: true}, at)
}

// settling is how long a test watches a new Active to see that it is alone.
func (s *scene) settling() time.Duration { return 3*s.interval() + slack }

// judge evaluates the time since an event and records a row of the table: who is Active now, how
// long the client had no answer, and how long two routers were Active.
func (s *scene) judge(e event, took time.Time) {
	s.t.Helper()
	stalled := s.stalled(e.at)
	timeline := s.watch.Timeline()
	s.alone(e)
	two := max(longest(s.contests(e.at)), s.bothAnswer(e.at))
	if two > s.interval()+slack+stalled {
		s.t.Errorf("%s: there are two Actives for %v, want at most an interval, %v, and little more", e.name, two, s.interval())
	}
	outage, most := s.outage(timeline, e, took), e.most
	if e.alive {
		most = s.interval() // and that only where a macvlan answers late
	}
	if outage > most+slack+stalled {
		s.t.Errorf("%s: no router serves for %v, want at most %v and little more", e.name, outage, most)
	}
	seen.add(row{s.cell, e.name, e.next.name(), outage, two})
}

// alone checks that in the last interval and a half only one router advertises and answers.
func (s *scene) alone(e event) {
	s.t.Helper()
	recently := time.Now().Add(-s.interval() * 3 / 2)
	for _, x := range s.sniffer.Adverts() {
		if x.At.After(recently) && s.sender(x) != e.next {
			s.t.Errorf("%s: %s should be Active alone; an advert of priority %d comes from %v", e.name, e.next.name(), x.Priority, x.Source)
			break
		}
	}
	if s.stale != nil {
		return
	}
	if slices.ContainsFunc(s.answers(), func(c claim) bool { return c.at.After(recently) && c.by != e.next }) {
		s.t.Errorf("%s: %s should serve alone; the other answers too", e.name, e.next.name())
	}
}

// outage returns how long the client got no answer.
func (s *scene) outage(timeline lan.Timeline, e event, took time.Time) time.Duration {
	if s.stale == nil {
		return timeline.LongestGap(e.at).Length()
	}
	if !took.After(e.at) {
		return 0
	}
	for _, c := range s.answers() {
		if c.by == e.next && c.at.After(e.at) {
			return c.at.Sub(e.at)
		}
	}
	return took.Sub(e.at)
}
