package daemon

import (
	"cmp"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/notify"
	"ripcord/pkg/vrrp"
)

// settleWithin is how long transitions wait for the addresses to be added or removed, which
// commands expect to be done.
const settleWithin = 500 * time.Millisecond

// moves turns events into transitions in the order in which keepalived runs its notify scripts:
// when a group starts, the group, then the members; later the member that caused the transition,
// the others in their order, then the group; when the daemon stops, all instances, then all groups.
// A transition is emitted when the addresses of its instances, or of its group, have been added or
// removed. moves is a value and has no clock.
type moves struct {
	emit func(notify.Transition)
	// holds contains the instances that have addresses.
	holds map[string]bool

	pending  []*move                       // in the order in which they began
	last     map[subject]*known            // of each subject that had a transition
	order    []subject                     // the same subjects, in the order of their first transition
	settled  map[string]event.AddressMoved // the last event of each instance
	stopping bool
	remains  bool // the next daemon continues everything: nothing stops
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
	found   bool      // it was in a snapshot: its event may still come
	stopped bool      // its stop was emitted
}

// move consists of the transitions of a group, or of an instance outside any group.
type move struct {
	of          subject
	transitions []notify.Transition
	complete    bool            // the group's own transition is there, which is missing if an instance joins
	waits       map[string]bool // the instances whose addresses are not settled
	deadline    time.Time
}

func newMoves(holds map[string]bool, emit func(notify.Transition)) *moves {
	return &moves{
		emit: emit, holds: holds, last: make(map[subject]*known), settled: make(map[string]event.AddressMoved),
	}
}

// handle processes the next event.
func (m *moves) handle(e event.Event) {
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

// adopted returns the transitions by which an adopted group became Active. The previous daemon has
// emitted them.
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

// add adds a transition to the move to which it belongs; last says that it is the last one.
func (m *moves) add(stamp event.Stamp, within, of subject, t notify.Transition, last bool) {
	if was := m.last[of]; was != nil && was.found && !stamp.At.After(was.at) {
		return // the snapshot had it
	}
	stopped := t.To == event.Initialize
	m.learn(of, known{Transition: t, at: stamp.At, stopped: stopped && !m.stopping})
	if stopped && m.stopping {
		return // finish emits it
	}
	m.emitEarlier(within, &t)
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

// open returns the incomplete move of a subject, or a new one. It emits a complete one, since
// another follows it.
func (m *moves) open(of subject, now time.Time) *move {
	for i, mv := range m.pending {
		if mv.of != of {
			continue
		}
		if !mv.complete {
			return mv
		}
		m.pending = append(m.pending[:i:i], m.pending[i+1:]...)
		m.emitAll(mv)
		break
	}
	mv := &move{of: of, waits: make(map[string]bool), deadline: now.Add(settleWithin)}
	m.pending = append(m.pending, mv)
	return mv
}

// emitEarlier emits the pending transitions of an instance that has another group now: no later
// transition may overtake them.
func (m *moves) emitEarlier(within subject, t *notify.Transition) {
	m.pending = slices.DeleteFunc(m.pending, func(mv *move) bool {
		earlier := mv.of != within && slices.ContainsFunc(mv.transitions, func(o notify.Transition) bool {
			return o.Kind == t.Kind && o.Name == t.Name
		})
		if earlier {
			m.emitAll(mv)
		}
		return earlier
	})
}

// awaits reports whether addresses of the instance still have to be added or removed.
func (m *moves) awaits(t *notify.Transition) bool {
	if !m.holds[t.Name] || t.From != event.Active && t.To != event.Active {
		return false
	}
	a := m.settled[t.Name]
	return a.Cause.Trace != t.Cause.Trace || !settles(a.Kind, t.To)
}

// settles reports whether an event says that the addresses of an instance are as a state requires.
func settles(kind event.AddressKind, in event.State) bool {
	switch kind {
	case event.AddressFailed:
		return true
	case event.AddressRemoved:
		return in != event.Active
	}
	return in == event.Active
}

// address records that addresses were added or removed, or could not be.
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

// flush emits the moves that need not wait any more.
func (m *moves) flush(now time.Time) {
	var still []*move
	for _, mv := range m.pending {
		if mv.complete && len(mv.waits) == 0 || !now.Before(mv.deadline) {
			m.emitAll(mv)
		} else {
			still = append(still, mv)
		}
	}
	m.pending = still
}

// due returns when flush has to be called next; zero: not before another event comes.
func (m *moves) due() (at time.Time) {
	for _, mv := range m.pending {
		if at.IsZero() || mv.deadline.Before(at) {
			at = mv.deadline
		}
	}
	return at
}

// emitAll emits the transitions of a move. The member that caused it comes first; if a group
// starts, the group.
func (m *moves) emitAll(mv *move) {
	slices.SortStableFunc(mv.transitions, func(a, b notify.Transition) int { return cmp.Compare(rank(&a), rank(&b)) })
	for _, t := range mv.transitions {
		m.emit(t)
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

// resync takes over the states of all groups after events were lost. It emits pending transitions
// first.
func (m *moves) resync(groups []*vrrp.GroupStatus) {
	m.emitRest()
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

// found emits the transition that must have led to a state, if the last known state of its subject
// was another.
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
	m.emit(t)
}

// learnAll takes over the states of all groups without notifications.
func (m *moves) learnAll(groups []*vrrp.GroupStatus) {
	emit := m.emit
	m.emit = func(notify.Transition) {}
	m.resync(groups)
	m.emit = emit
}

// reload takes over the instances that have addresses now, and drops subjects that have stopped.
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

func (m *moves) emitRest() {
	for _, mv := range m.pending {
		m.emitAll(mv)
	}
	m.pending = nil
}

// finish emits the pending transitions and then the stop of every subject: the instances, then the
// groups, including those whose stop had no event because the router hung.
func (m *moves) finish() {
	m.emitRest()
	if m.remains {
		return
	}
	for _, groups := range []bool{false, true} {
		for _, of := range m.order {
			if k := m.last[of]; of.group == groups && !k.stopped {
				m.emit(k.stop())
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
