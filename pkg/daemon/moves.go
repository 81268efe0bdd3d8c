package daemon

import (
	"cmp"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/notify"
	"ripcord/pkg/vrrp"
)

// settleWithin is how long transitions wait at most for the addresses to be added or
// removed, which commands expect to be done.
const settleWithin = 500 * time.Millisecond

// moves turns events into transitions in the order in which keepalived runs its notify
// scripts: of a group that starts the group, then the members; later the member that
// caused the transition, the others in their order, then the group; when the daemon stops
// all instances, then all groups. A transition is given when the addresses of its
// instances, or of its group, have been added or removed. It is a value and knows no
// clock.
type moves struct {
	give func(notify.Transition)
	// holds has the instances that have addresses.
	holds map[string]bool

	pending  []*move                       // in the order of their begin
	last     map[subject]*known            // of each that had a transition
	order    []subject                     // the same, in the order of their first transition
	settled  map[string]event.AddressMoved // the last of each instance
	stopping bool
	remains  bool // the next daemon goes on with all: nothing stops
}

// subject is an instance or a group.
type subject struct {
	group bool
	name  string
}

// known is the last transition of a subject.
type known struct {
	notify.Transition
	at      time.Time // of the transition
	found   bool      // in a snapshot: its event may yet come
	stopped bool      // its stop was given
}

// move is the transitions of a group, or of an instance outside any.
type move struct {
	of          subject
	transitions []notify.Transition
	complete    bool            // the group's own is there, which it lacks where an instance joins
	waits       map[string]bool // instances whose addresses are not settled
	deadline    time.Time
}

func newMoves(holds map[string]bool, give func(notify.Transition)) *moves {
	return &moves{
		give: give, holds: holds, last: make(map[subject]*known), settled: make(map[string]event.AddressMoved),
	}
}

// take takes the next event.
func (m *moves) take(e event.Event) {
	switch e := e.(type) {
	case event.Daemon:
		m.stopping = m.stopping || e.Kind == event.DaemonStopping
		m.remains = m.remains || e.Kind == event.DaemonHandover
	case event.GroupAdopted:
		for _, t := range adopted(e) {
			m.learn(subject{t.Kind == notify.Group, t.Name}, known{Transition: t, at: e.At})
		}
	case event.InstanceTransition:
		of := subject{name: e.Virtual.Name}
		within := of
		if e.Group != "" {
			within = subject{true, e.Group}
		}
		m.add(e.Stamp, within, of, notify.Transition{
			Kind: notify.Instance, Name: of.name, From: e.From, To: e.To, Reason: e.Reason, Priority: e.Priority,
			Interface: e.Interface, VRID: e.VRID, Cause: e.Cause,
		}, e.Alone || within == of)
	case event.GroupTransition:
		of := subject{true, e.Group}
		m.add(e.Stamp, of, of, notify.Transition{
			Kind: notify.Group, Name: e.Group, From: e.From, To: e.To, Reason: e.Reason, Cause: e.Cause,
		}, true)
	case event.AddressMoved:
		m.address(e)
	}
}

// adopted returns the transitions by which a group has come to be Active that was adopted. The
// daemon before has given them.
func adopted(e event.GroupAdopted) (all []notify.Transition) {
	for _, v := range e.Members {
		all = append(all, notify.Transition{
			Kind: notify.Instance, Name: v.Name, To: event.Active, Priority: e.Priority, Interface: v.Interface, VRID: v.VRID, Cause: e.Cause,
		})
	}
	if name := e.Members[0].Group; name != "" {
		all = append(all, notify.Transition{Kind: notify.Group, Name: name, To: event.Active, Cause: e.Cause})
	}
	return all
}

// add adds a transition to the move to which it belongs. It may be the last one of that.
func (m *moves) add(stamp event.Stamp, within, of subject, t notify.Transition, last bool) {
	if was := m.last[of]; was != nil && was.found && !stamp.At.After(was.at) {
		return // the snapshot had it
	}
	stopped := t.To == event.Initialize
	m.learn(of, known{Transition: t, at: stamp.At, stopped: stopped && !m.stopping})
	if stopped && m.stopping {
		return // finish gives it
	}
	m.giveEarlier(within, &t)
	mv := m.open(within, stamp.At)
	mv.transitions = append(mv.transitions, t)
	if t.Kind == notify.Instance && m.awaits(&t) {
		mv.waits[t.Name] = true
	}
	mv.complete = last
	m.flush(stamp.At)
}

func (m *moves) learn(of subject, k known) {
	if m.last[of] == nil {
		m.order = append(m.order, of)
	}
	m.last[of] = &k
}

// open returns the move of a subject that is not complete, a new one if need be. One that
// is complete is given now, since another follows it.
func (m *moves) open(of subject, now time.Time) *move {
	for i, mv := range m.pending {
		if mv.of != of {
			continue
		}
		if !mv.complete {
			return mv
		}
		m.pending = append(m.pending[:i:i], m.pending[i+1:]...)
		m.giveAll(mv)
		break
	}
	mv := &move{of: of, waits: make(map[string]bool), deadline: now.Add(settleWithin)}
	m.pending = append(m.pending, mv)
	return mv
}

// giveEarlier gives what pends of an instance that has another group now: no later
// transition may overtake it.
func (m *moves) giveEarlier(within subject, t *notify.Transition) {
	m.pending = slices.DeleteFunc(m.pending, func(mv *move) bool {
		earlier := mv.of != within && slices.ContainsFunc(mv.transitions, func(o notify.Transition) bool {
			return o.Kind == t.Kind && o.Name == t.Name
		})
		if earlier {
			m.giveAll(mv)
		}
		return earlier
	})
}

// awaits reports whether addresses of the instance have yet to be added or removed.
func (m *moves) awaits(t *notify.Transition) bool {
	if !m.holds[t.Name] || t.From != event.Active && t.To != event.Active {
		return false
	}
	a := m.settled[t.Name]
	return a.Cause.Trace != t.Cause.Trace || !settles(a.Kind, t.To)
}

// settles reports whether an event of addresses says that those of an instance are as
// they have to be in a state.
func settles(kind event.AddressKind, in event.State) bool {
	switch kind {
	case event.AddressFailed:
		return true
	case event.AddressRemoved:
		return in != event.Active
	}
	return in == event.Active
}

// address learns that addresses were added or removed, or could not be.
func (m *moves) address(e event.AddressMoved) {
	m.settled[e.Instance] = e
	k := m.last[subject{name: e.Instance}]
	if k == nil || !settles(e.Kind, k.To) {
		return
	}
	for _, mv := range m.pending {
		delete(mv.waits, e.Instance)
	}
	m.flush(e.At)
}

// flush gives the moves that need not wait any more.
func (m *moves) flush(now time.Time) {
	var still []*move
	for _, mv := range m.pending {
		if mv.complete && len(mv.waits) == 0 || !now.Before(mv.deadline) {
			m.giveAll(mv)
		} else {
			still = append(still, mv)
		}
	}
	m.pending = still
}

// due returns when flush has to be called next; zero: not until another event comes.
func (m *moves) due() (at time.Time) {
	for _, mv := range m.pending {
		if at.IsZero() || mv.deadline.Before(at) {
			at = mv.deadline
		}
	}
	return at
}

// giveAll gives the transitions of a move. The member that caused it comes first; of a
// group that starts, the group.
func (m *moves) giveAll(mv *move) {
	slices.SortStableFunc(mv.transitions, func(a, b notify.Transition) int { return cmp.Compare(rank(&a), rank(&b)) })
	for _, t := range mv.transitions {
		m.give(t)
	}
}

// rank returns the order of a transition in its move.
func rank(t *notify.Transition) int {
	switch {
	case t.Kind == notify.Group && t.From == event.Initialize:
		return 0
	case t.Kind == notify.Group:
		return 3
	case t.Reason != event.GroupMoved:
		return 1
	}
	return 2
}

// resync learns the states of all groups, once events were lost. Pending transitions are
// given first.
func (m *moves) resync(groups []*vrrp.GroupStatus) {
	m.giveRest()
	for _, g := range groups {
		for i := range g.Members {
			s := &g.Members[i]
			v := &s.Instance.Virtual
			m.found(subject{name: v.Name}, s.Since, notify.Transition{
				Kind: notify.Instance, Name: v.Name, To: s.State, Reason: s.LastEvent, Priority: s.EffectivePriority,
				Interface: v.Interface, VRID: v.VRID,
			})
		}
		if g.Name != "" {
			m.found(subject{true, g.Name}, g.Since, notify.Transition{Kind: notify.Group, Name: g.Name, To: g.State, Reason: g.Reason})
		}
	}
}

// found gives the transition that must have led to a state, if the last known state of its
// subject was another.
func (m *moves) found(of subject, since time.Time, t notify.Transition) {
	was := m.last[of]
	switch {
	case was != nil:
		t.From = was.To
	case t.To == event.Initialize:
		return // it has not begun
	}
	if was != nil && was.To == t.To {
		was.at, was.found = since, true
		return
	}
	m.learn(of, known{Transition: t, at: since, found: true, stopped: t.To == event.Initialize})
	m.give(t)
}

// learnAll learns the states of all groups, of which nobody is to be notified.
func (m *moves) learnAll(groups []*vrrp.GroupStatus) {
	give := m.give
	m.give = func(notify.Transition) {}
	m.resync(groups)
	m.give = give
}

// reload takes the instances that have addresses now, and forgets what has stopped.
func (m *moves) reload(holds map[string]bool) {
	m.holds = holds
	m.order = slices.DeleteFunc(m.order, func(of subject) bool {
		if !m.last[of].stopped {
			return false
		}
		delete(m.last, of)
		delete(m.settled, of.name)
		return true
	})
}

func (m *moves) giveRest() {
	for _, mv := range m.pending {
		m.giveAll(mv)
	}
	m.pending = nil
}

// finish gives the pending transitions, and then reports everything as stopped: the
// instances, then the groups, with those that stopped without an event since the router hung.
func (m *moves) finish() {
	m.giveRest()
	if m.remains {
		return
	}
	for _, groups := range []bool{false, true} {
		for _, of := range m.order {
			if k := m.last[of]; of.group == groups && !k.stopped {
				m.give(k.stop())
			}
		}
	}
}

// stop returns the transition by which a subject stops.
func (k *known) stop() notify.Transition {
	t := k.Transition
	if t.To != event.Initialize {
		t.From, t.To, t.Reason = t.To, event.Initialize, event.Shutdown
	}
	return t
}
