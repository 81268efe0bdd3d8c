package notify

import (
	"cmp"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// settleWithin is how long transitions wait until the addresses are added or removed, since commands
// expect that this has been done.
const settleWithin = 500 * time.Millisecond

// sequencer turns events into transitions in the order in which keepalived runs its notify scripts:
// when a group starts, the group, then the members; later the member that caused the transition,
// the others in their order, then the group; when the daemon stops, all instances, then all groups.
// It emits a transition when the addresses of its instances, or of its group, have been added or
// removed. It is a value and has no clock.
type sequencer struct {
	emit func(Transition)
	// hasAddresses contains the instances that have addresses.
	hasAddresses map[string]bool

	pending  []*batch                      // in the order in which they began
	last     map[Subject]*known            // of each subject that had a transition
	order    []Subject                     // the same subjects, in the order of their first transition
	settled  map[string]event.AddressMoved // the last event of each instance
	stopping bool
	handover bool // the next daemon continues everything: nothing stops
}

// known is the last transition of a subject.
type known struct {
	Transition
	at       time.Time // of the transition
	resynced bool      // a snapshot showed it: its event may still come
	stopped  bool      // its stop was emitted
}

// batch consists of the transitions of a group that have one cause, or of one transition of an
// instance outside any group.
type batch struct {
	of          Subject
	transitions []Transition
	complete    bool            // it has the group's own transition, which is missing if an instance joins
	waits       map[string]bool // the instances whose addresses are not settled
	deadline    time.Time
}

func newSequencer(hasAddresses map[string]bool, emit func(Transition)) *sequencer {
	return &sequencer{
		emit: emit, hasAddresses: hasAddresses, last: make(map[Subject]*known), settled: make(map[string]event.AddressMoved),
	}
}

// handle processes the next event.
func (q *sequencer) handle(e event.Event) {
	switch e := e.(type) {
	case event.Daemon:
		q.stopping = q.stopping || e.Kind == event.DaemonStopping
		q.handover = q.handover || e.Kind == event.DaemonHandover
	case event.GroupAdopted:
		for _, t := range adopted(e) {
			q.record(known{Transition: t, at: e.At})
		}
	case event.InstanceTransition:
		t := Transition{
			Kind: Instance, Name: e.Virtual.Name, From: e.From, To: e.To, Reason: e.Reason, Priority: e.Priority,
			Interface: e.Interface, VRID: e.VRID, Cause: e.Cause,
		}
		owner := t.subject()
		if e.Group != "" {
			owner = Subject{Group, e.Group}
		}
		q.add(e.Stamp, owner, t, e.Alone || e.Group == "")
	case event.GroupTransition:
		t := Transition{Kind: Group, Name: e.Group, From: e.From, To: e.To, Reason: e.Reason, Cause: e.Cause}
		q.add(e.Stamp, t.subject(), t, true)
	case event.AddressMoved:
		q.settle(e)
	}
}

// adopted returns the transitions by which an adopted group became Active. The previous daemon has
// emitted them.
func adopted(e event.GroupAdopted) (all []Transition) {
	for _, v := range e.Members {
		all = append(all, Transition{
			Kind: Instance, Name: v.Name, To: event.Active, Priority: e.Priority, Interface: v.Interface, VRID: v.VRID, Cause: e.Cause,
		})
	}
	if name := e.Members[0].Group; name != "" {
		all = append(all, Transition{Kind: Group, Name: name, To: event.Active, Cause: e.Cause})
	}
	return all
}

// add adds a transition to the batch of its owner: its group, or the instance itself. last reports
// whether the transition completes the batch.
func (q *sequencer) add(stamp event.Stamp, owner Subject, t Transition, last bool) {
	if before := q.last[t.subject()]; before != nil && before.resynced && !stamp.At.After(before.at) {
		return // the snapshot had it
	}
	stopped := t.To == event.Initialize
	q.record(known{Transition: t, at: stamp.At, stopped: stopped && !q.stopping})
	if stopped && q.stopping {
		return // finish emits it
	}
	q.emitEarlier(owner, &t)
	b := q.openBatch(owner, stamp.At)
	b.transitions = append(b.transitions, t)
	if t.Kind == Instance && q.awaits(&t) {
		b.waits[t.Name] = true
	}
	b.complete = last
	q.flush(stamp.At)
}

// record stores the last transition of a subject.
func (q *sequencer) record(k known) {
	of := k.subject()
	if q.last[of] == nil {
		q.order = append(q.order, of)
	}
	q.last[of] = &k
}

// openBatch returns the incomplete batch of an owner, or a new one. It emits a complete one, since
// another follows it.
func (q *sequencer) openBatch(owner Subject, now time.Time) *batch {
	for i, b := range q.pending {
		if b.of != owner {
			continue
		}
		if !b.complete {
			return b
		}
		q.pending = append(q.pending[:i:i], q.pending[i+1:]...)
		q.emitBatch(b)
		break
	}
	b := &batch{of: owner, waits: make(map[string]bool), deadline: now.Add(settleWithin)}
	q.pending = append(q.pending, b)
	return b
}

// emitEarlier emits the pending transitions of an instance that has another owner now: no later
// transition may overtake them.
func (q *sequencer) emitEarlier(owner Subject, t *Transition) {
	q.pending = slices.DeleteFunc(q.pending, func(b *batch) bool {
		earlier := b.of != owner && slices.ContainsFunc(b.transitions, func(o Transition) bool { return o.subject() == t.subject() })
		if earlier {
			q.emitBatch(b)
		}
		return earlier
	})
}

// awaits reports whether addresses of the instance still have to be added or removed.
func (q *sequencer) awaits(t *Transition) bool {
	if !q.hasAddresses[t.Name] || t.From != event.Active && t.To != event.Active {
		return false
	}
	a := q.settled[t.Name]
	return a.Cause.Trace != t.Cause.Trace || !settles(a.Kind, t.To)
}

// settles reports whether the addresses of an instance are as a state requires after an event of
// this kind.
func settles(kind event.AddressKind, in event.State) bool {
	switch kind {
	case event.AddressFailed:
		return true
	case event.AddressRemoved:
		return in != event.Active
	}
	return in == event.Active
}

// settle records that addresses were added or removed, or could not be.
func (q *sequencer) settle(e event.AddressMoved) {
	q.settled[e.Instance] = e
	k := q.last[Subject{Instance, e.Instance}]
	if k == nil || !settles(e.Kind, k.To) {
		return
	}
	for _, b := range q.pending {
		delete(b.waits, e.Instance)
	}
	q.flush(e.At)
}

// flush emits the batches that need not wait any more.
func (q *sequencer) flush(now time.Time) {
	var still []*batch
	for _, b := range q.pending {
		if b.complete && len(b.waits) == 0 || !now.Before(b.deadline) {
			q.emitBatch(b)
		} else {
			still = append(still, b)
		}
	}
	q.pending = still
}

// due returns when flush has to be called next; zero: not before the next event.
func (q *sequencer) due() (at time.Time) {
	for _, b := range q.pending {
		if at.IsZero() || b.deadline.Before(at) {
			at = b.deadline
		}
	}
	return at
}

// emitBatch emits the transitions of a batch. The member that caused it comes first; if a group
// starts, the group.
func (q *sequencer) emitBatch(b *batch) {
	slices.SortStableFunc(b.transitions, func(a, b Transition) int { return cmp.Compare(rank(&a), rank(&b)) })
	for _, t := range b.transitions {
		q.emit(t)
	}
}

// rank returns the position of a transition in its batch.
func rank(t *Transition) int {
	switch {
	case t.Kind == Group && t.From == event.Initialize:
		return 0
	case t.Kind == Group:
		return 3
	case t.Reason != event.GroupMoved:
		return 1
	}
	return 2
}

// resync takes over the states of all groups after events were lost. It emits pending transitions
// first.
func (q *sequencer) resync(groups []*vrrp.GroupStatus) {
	q.emitPending()
	for _, g := range groups {
		for i := range g.Members {
			s := &g.Members[i]
			v := &s.Instance.Virtual
			q.catchUp(s.Since, Transition{
				Kind: Instance, Name: v.Name, To: s.State, Reason: s.LastEvent, Priority: s.EffectivePriority,
				Interface: v.Interface, VRID: v.VRID,
			})
		}
		if g.Name != "" {
			q.catchUp(g.Since, Transition{Kind: Group, Name: g.Name, To: g.State, Reason: g.Reason})
		}
	}
}

// catchUp emits the transition that must have led to a state of a snapshot, if the last known state
// of its subject was another.
func (q *sequencer) catchUp(since time.Time, t Transition) {
	before := q.last[t.subject()]
	switch {
	case before != nil:
		t.From = before.To
	case t.To == event.Initialize:
		return // it has not begun
	}
	if before != nil && before.To == t.To {
		before.at, before.resynced = since, true
		return
	}
	q.record(known{Transition: t, at: since, resynced: true, stopped: t.To == event.Initialize})
	q.emit(t)
}

// recordAll takes over the states of all groups without notifications.
func (q *sequencer) recordAll(groups []*vrrp.GroupStatus) {
	emit := q.emit
	q.emit = func(Transition) {}
	q.resync(groups)
	q.emit = emit
}

// reload takes over the instances that have addresses now, and drops subjects that have stopped.
func (q *sequencer) reload(hasAddresses map[string]bool) {
	q.hasAddresses = hasAddresses
	q.order = slices.DeleteFunc(q.order, func(of Subject) bool {
		if !q.last[of].stopped {
			return false
		}
		delete(q.last, of)
		delete(q.settled, of.Name)
		return true
	})
}

func (q *sequencer) emitPending() {
	for _, b := range q.pending {
		q.emitBatch(b)
	}
	q.pending = nil
}

// finish emits the pending transitions and then the stop of every subject: the instances, then the
// groups, including those whose stop had no event because the router hung.
func (q *sequencer) finish() {
	q.emitPending()
	if q.handover {
		return
	}
	for _, kind := range []Kind{Instance, Group} {
		for _, of := range q.order {
			if k := q.last[of]; of.Kind == kind && !k.stopped {
				q.emit(k.stop())
			}
		}
	}
}

// stop returns the transition by which a subject stops.
func (k *known) stop() Transition {
	t := k.Transition
	if t.To != event.Initialize {
		t.From, t.To, t.Reason = t.To, event.Initialize, event.Shutdown
	}
	return t
}
