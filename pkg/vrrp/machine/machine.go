package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/tracker"
)

// Machine is the state machine of one group. New returns one.
type Machine struct {
	cfg     vrrp.Group
	tickets *Tickets
	facts   facts
	since   time.Time    // when the present state began
	reason  event.Reason // of the last transition
	up      time.Time    // when the group left Initialize

	status *vrrp.GroupStatus  // the last snapshot
	faults []vrrp.FaultStatus // scratch space for comparing it with the present faults
}

// Tickets numbers the questions to the verifiers, over all groups of a router, so that the answer
// to a ticket also answers all earlier ones.
type Tickets struct{ last uint64 }

// Next returns the next number.
func (t *Tickets) Next() uint64 {
	t.last++
	return t.last
}

// New returns a group in Initialize that knows none of its links yet.
func New(cfg vrrp.Group, tickets *Tickets, now time.Time) *Machine {
	m := &Machine{cfg: cfg, tickets: tickets, since: now, reason: event.Startup}
	m.facts.faults = make(faults)
	for i := range cfg.Members {
		in := &cfg.Members[i]
		m.facts.members = append(m.facts.members, newMember(in, i, cfg.Impaired()))
		m.facts.faults[faultKey{in.Interface, event.InterfaceDown}] = fault{since: now}
	}
	m.facts.watches = m.facts.members.watch()
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

// Config returns the group's configuration.
func (m *Machine) Config() *vrrp.Group { return &m.cfg }

// State returns the group's state.
func (m *Machine) State() event.State { return m.facts.state() }

// Serving reports whether any member is Active, with its group or alone.
func (m *Machine) Serving() bool { return m.State() == event.Active || m.facts.anyAlone() }

// Priority returns the group's present priority.
func (m *Machine) Priority() uint8 { return m.facts.members[0].Priority }

// Deadline returns the instant at which the group next needs a Tick; false if never.
func (m *Machine) Deadline() (time.Time, bool) { return m.facts.deadline() }

// Armed returns the instant of the takeover for which the engine is armed; false if it is not
// armed. From that instant on the router counts as Active when it receives an advert.
func (m *Machine) Armed() (time.Time, bool) { return m.facts.armed, !m.facts.armed.IsZero() }

// Confirming reports whether the group is Active and its addresses wait until the first adverts
// are known to have left.
func (m *Machine) Confirming() bool { return !m.facts.confirmBy.IsZero() }

// Step absorbs one fact at the instant now and returns the effects that follow.
func (m *Machine) Step(now time.Time, in vrrp.Input) []vrrp.Effect {
	s := step{Machine: m, effects: effects{now: now}, f: &m.facts, silent: m.facts.listening != nil}
	before := m.facts.state()
	s.absorbInput(in)
	s.prepare(in)
	after := m.facts.state()
	if s.f.watches {
		liveness{&s}.follow()
	}
	alone := lastStanding{&s}.follow(before, after)
	summaries{&s}.follow()
	rivals{&s}.follow()
	unserved{&s}.follow(in)
	switch {
	case s.adopted != nil:
		s.continueAdopted()
	case after != before:
		s.transition(before, after)
	case alone:
		s.reportTransition(before, after)
	}
	s.reportJoined(in)
	s.f.waitAlone(now)
	fencing{&s}.follow()
	return s.list
}

// step is one call of Step. Its methods absorb an input into facts and list the effects, in four
// files: group.go handles what moves the group, advert.go adverts, timer.go timers, link.go links
// and the adverts sent on them. A concern of its own (fencing, say) is a type that acts on the
// step.
type step struct {
	*Machine
	effects
	f       *facts
	why     trigger       // the cause of the transition, if there is one
	tracker string        // the tracker whose change caused a fault or its end
	adopted *vrrp.Adopted // set if the group is adopted in this step
	silent  bool          // a group that leaves Active sends no priority 0: another router may be Active by now
}
