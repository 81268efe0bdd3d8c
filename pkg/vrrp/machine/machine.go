package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/tracker"
)

// Machine is the state machine of one group. Make it with New.
type Machine struct {
	cfg     vrrp.Group
	tickets *Tickets
	facts   facts
	since   time.Time    // of the state
	reason  event.Reason // of the last transition
	up      time.Time    // when Initialize was left

	status *vrrp.GroupStatus  // the last snapshot
	faults []vrrp.FaultStatus // compared with it, again and again
}

// Tickets numbers what verifiers are asked, over all groups of a router, so
// that the answer to a ticket answers all before it.
type Tickets struct{ last uint64 }

// Next returns the next number.
func (t *Tickets) Next() uint64 {
	t.last++
	return t.last
}

// New returns a group in Initialize, none of whose links is known.
func New(cfg vrrp.Group, tickets *Tickets, now time.Time) *Machine {
	m := &Machine{cfg: cfg, tickets: tickets, since: now, reason: event.Startup}
	m.facts.faults = make(map[faultKey]fault)
	for i := range cfg.Members {
		in := &cfg.Members[i]
		m.facts.members = append(m.facts.members, newMember(in, i, cfg.Impaired()))
		m.facts.faults[faultKey{in.Interface, event.InterfaceDown}] = fault{since: now}
	}
	m.facts.name = cfg.Title()
	m.facts.lastStanding = cfg.LastStanding
	m.facts.trackers = tracker.New(&cfg, now)
	for t := range m.facts.trackers.Fatal() {
		if m.facts.trackers.Faulty(t) {
			m.facts.faults[trackerKey(t)] = fault{since: now}
		}
	}
	for _, mb := range m.facts.members {
		mb.Priority, mb.since = m.facts.priority(), now
	}
	return m
}

// Config returns the configuration that the group was made of.
func (m *Machine) Config() *vrrp.Group { return &m.cfg }

// State returns the group's state.
func (m *Machine) State() event.State { return m.facts.state() }

// Serving reports whether any member is Active, with its group or alone.
func (m *Machine) Serving() bool { return m.State() == event.Active || m.facts.anyAlone() }

// Priority returns the priority that the group has now.
func (m *Machine) Priority() uint8 { return m.facts.members[0].Priority }

// Deadline returns the instant at which the group next needs a Tick; false if never.
func (m *Machine) Deadline() (time.Time, bool) { return m.facts.deadline() }

// Armed returns the instant of the takeover for which the engine is armed; false if it is
// not. An advert that is received later is received by an Active.
func (m *Machine) Armed() (time.Time, bool) { return m.facts.armed, !m.facts.armed.IsZero() }

// Confirming reports whether the group is Active, and its addresses wait until the first
// adverts are known to have left.
func (m *Machine) Confirming() bool { return !m.facts.confirmBy.IsZero() }

// Step absorbs one fact at the instant now and returns the effects that follow.
func (m *Machine) Step(now time.Time, in vrrp.Input) []vrrp.Effect {
	s := step{Machine: m, f: &m.facts, now: now, silent: m.facts.listening != nil}
	before := m.facts.state()
	s.absorb(in)
	s.prepare(in)
	after := m.facts.state()
	alone := s.followAlone(before, after)
	switch {
	case after != before:
		s.transition(before, after)
	case alone:
		s.reportTransition(before, after)
	}
	s.reportJoined(in)
	s.countAlone()
	return s.effects
}

// step is one Step under way.
type step struct {
	*Machine
	f       *facts
	now     time.Time
	effects []vrrp.Effect
	why     trigger // what moves the group, if it moves
	culprit string  // the tracker whose change is absorbed
	silent  bool    // leaving Active must send nothing: others may have moved on
}

func (s *step) emit(e ...vrrp.Effect) { s.effects = append(s.effects, e...) }

func (s *step) report(e event.Event) { s.emit(vrrp.Report{Event: e}) }

func (s *step) stamp(c event.Cause) event.Stamp { return event.Stamp{Cause: c, At: s.now} }

func (s *step) absorb(in vrrp.Input) {
	switch in := in.(type) {
	case vrrp.Start:
		s.absorbStart(in)
	case vrrp.Stop:
		s.f.started, s.f.startWaits = false, nil
		s.f.forgetRecoveries()
		s.why = trigger{reason: event.Shutdown, cause: in.Cause}
	case vrrp.Tick:
		s.absorbTick(in)
	case vrrp.LinkSeen:
		changed := s.trackLink(in.Link)
		s.absorbLink(in.Link)
		if changed {
			s.follow(in.Link.Name, in.Link.Cause)
		}
	case vrrp.Heard:
		s.absorbHeard(in)
	case vrrp.Answered:
		if s.f.asked.ticket != 0 && in.Ticket >= s.f.asked.ticket {
			s.f.asked.answers[in.By] = true
		}
	case vrrp.Stalled:
		s.absorbStall(in)
	case vrrp.Slept:
		s.absorbSlept(in)
	case vrrp.LeaseLost:
		s.absorbLease(in)
	case vrrp.Sends:
		s.absorbSends(in)
	case vrrp.Probed:
		s.absorbProbed(in)
	case vrrp.Placed:
		s.absorbPlaced(in)
	case vrrp.Condition:
		s.absorbCondition(in)
	case vrrp.Reconfigured:
		s.absorbReconfigured(in)
	case vrrp.Tracked:
		s.absorbTracked(in)
	case vrrp.Released:
		s.absorbReleased(in)
	case vrrp.Rejoined:
		s.absorbRejoined(in)
	case vrrp.Forwards:
		s.absorbForwards(in)
	case vrrp.Fenced:
		s.absorbFenced(in)
	}
}

func (s *step) absorbStart(in vrrp.Start) {
	if s.f.started {
		return
	}
	if s.f.trackers.Waiting() {
		s.waitForChecks(in)
		return
	}
	s.f.started = true
	s.f.forgetShortfalls()
	s.why = trigger{reason: event.Startup, cause: in.Cause}
	if m, reason := s.f.firstFault(); reason != "" {
		s.why = trigger{reason, m, in.Cause}
	}
	s.f.delayStart(s.now)
	s.f.restart(s.now, event.Initialize, s.why)
}

// member finds a member by its name; nil if it is not in this group.
func (s *step) member(name string) *member {
	for _, m := range s.f.members {
		if m.Name == name {
			return m
		}
	}
	return nil
}
