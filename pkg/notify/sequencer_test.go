package notify

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// sequencerRig feeds a sequencer with events and keeps the lines of the transitions.
type sequencerRig struct {
	*sequencer
	now     time.Time
	trace   event.Trace
	lines   []string
	emitted []Transition
}

// newSequencerRig has a group edge of inside and outside, and the instance lone; all have addresses but
// lone.
func newSequencerRig() *sequencerRig {
	r := &sequencerRig{now: time.Now()}
	r.sequencer = newSequencer(map[string]bool{"inside": true, "outside": true}, func(t Transition) {
		r.lines = append(r.lines, strings.TrimSpace(t.Line()))
		r.emitted = append(r.emitted, t)
	})
	return r
}

// next begins another story, a millisecond later.
func (r *sequencerRig) next() { r.trace++; r.now = r.now.Add(time.Millisecond) }

func (r *sequencerRig) stamp() event.Stamp {
	return event.Stamp{Cause: event.Cause{Trace: r.trace, At: r.now}, At: r.now}
}

func (r *sequencerRig) lone(from, to event.State) {
	r.next()
	r.handle(event.InstanceTransition{Stamp: r.stamp(), Virtual: event.Virtual{Name: "lone", Interface: "eth2", VRID: 7}, From: from, To: to, Priority: 100})
}

func (r *sequencerRig) edge(from, to event.State) {
	r.next()
	r.edgeAgain(from, to)
}

func (r *sequencerRig) edgeAgain(from, to event.State) {
	for _, name := range []string{"inside", "outside"} {
		r.handle(event.InstanceTransition{Stamp: r.stamp(), Virtual: event.Virtual{Name: name, Group: "edge"}, From: from, To: to, Priority: 150})
	}
	r.handle(event.GroupTransition{Stamp: r.stamp(), Group: "edge", From: from, To: to})
}

func (r *sequencerRig) addresses(kind event.AddressKind, names ...string) {
	for _, name := range names {
		r.handle(event.AddressMoved{Stamp: r.stamp(), Kind: kind, Instance: name})
	}
}

// want checks the lines since the last call.
func (r *sequencerRig) want(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(r.lines, lines) {
		t.Errorf("emitted\n\t%s\nwant\n\t%s", strings.Join(r.lines, "\n\t"), strings.Join(lines, "\n\t"))
	}
	r.lines = nil
}

func edgeLines(state string) []string {
	return []string{`INSTANCE "inside" ` + state + ` 150`, `INSTANCE "outside" ` + state + ` 150`, `GROUP "edge" ` + state + ` 0`}
}

// TestSequencerOrder: the members of a group come first; a transition to or from Active waits until the
// addresses are added or removed, whichever event comes first.
func TestSequencerOrder(t *testing.T) {
	r := newSequencerRig()
	r.edge(event.Initialize, event.Backup)
	started := edgeLines("BACKUP")
	r.want(t, started[2], started[0], started[1])
	r.edge(event.Backup, event.Active)
	r.addresses(event.AddressAdded, "inside")
	r.want(t)
	r.lone(event.Initialize, event.Backup) // another subject does not wait for it
	r.want(t, `INSTANCE "lone" BACKUP 100`)
	r.addresses(event.AddressFailed, "outside")
	r.want(t, edgeLines("MASTER")...)

	r.next() // the worker was faster than the router's report
	r.addresses(event.AddressRemoved, "inside", "outside")
	r.edgeAgain(event.Active, event.Fault)
	r.want(t, edgeLines("FAULT")...)

	r.lone(event.Backup, event.Active)
	r.want(t, `INSTANCE "lone" MASTER 100`) // it has no addresses

	r.next()
	for name, reason := range map[string]event.Reason{"inside": event.GroupMoved, "outside": event.InterfaceUp} {
		r.handle(event.InstanceTransition{Stamp: r.stamp(), Virtual: event.Virtual{Name: name, Group: "edge"}, From: event.Fault, To: event.Backup, Reason: reason, Priority: 150})
	}
	r.handle(event.GroupTransition{Stamp: r.stamp(), Group: "edge", From: event.Fault, To: event.Backup, Reason: event.InterfaceUp})
	r.want(t, started[1], started[0], started[2])
}

// TestSequencerLastStanding: an instance that begins or ceases to serve alone does not wait for its
// group, which does not move, and comes before the group's next transition.
func TestSequencerLastStanding(t *testing.T) {
	r := newSequencerRig()
	r.edge(event.Backup, event.Fault)
	r.want(t, edgeLines("FAULT")...)
	alone := func(from, to event.State, priority uint8) {
		r.next()
		r.handle(event.InstanceTransition{
			Stamp: r.stamp(), Virtual: event.Virtual{Name: "inside", Group: "edge"}, From: from, To: to,
			Reason: event.LastStanding, Priority: priority, Alone: true,
		})
	}
	alone(event.Fault, event.Active, 1)
	r.want(t)
	r.addresses(event.AddressAdded, "inside")
	r.want(t, `INSTANCE "inside" MASTER 1`)
	alone(event.Active, event.Fault, 150)
	r.edge(event.Fault, event.Backup)
	r.want(t, append([]string{`INSTANCE "inside" FAULT 150`}, edgeLines("BACKUP")...)...)
}

// TestSequencerDeadline: addresses that do not come delay a transition only for a while, and the
// transition after it not at all.
func TestSequencerDeadline(t *testing.T) {
	r := newSequencerRig()
	r.edge(event.Backup, event.Active)
	r.flush(r.now.Add(settleWithin - 1))
	r.want(t)
	if due := r.due(); !due.Equal(r.now.Add(settleWithin)) {
		t.Errorf("due %v, want %v", due, r.now.Add(settleWithin))
	}
	r.flush(r.due())
	r.want(t, edgeLines("MASTER")...)

	r.edge(event.Active, event.Backup)
	r.edge(event.Backup, event.Fault)
	r.want(t, append(edgeLines("BACKUP"), edgeLines("FAULT")...)...)
	if due := r.due(); !due.IsZero() {
		t.Errorf("due %v though nothing is pending", due)
	}
}

// TestSequencerJoin: an instance that joins an Active group has a transition of its own.
func TestSequencerJoin(t *testing.T) {
	r := newSequencerRig()
	r.next()
	r.handle(event.InstanceTransition{Stamp: r.stamp(), Virtual: event.Virtual{Name: "inside", Group: "edge"}, To: event.Active, Priority: 150})
	r.flush(r.due())
	r.want(t, `INSTANCE "inside" MASTER 150`)
}

// TestSequencerLeave: an instance that a reload takes out of an Active group, and that is its own group
// from then on, is stopped before it begins again, though its addresses are still in place.
func TestSequencerLeave(t *testing.T) {
	r := newSequencerRig()
	r.edge(event.Backup, event.Active)
	r.flush(r.due())
	r.lines = nil
	r.next()
	stamp := r.stamp()
	inside := event.Virtual{Name: "inside"}
	r.handle(event.InstanceTransition{
		Stamp: stamp, Virtual: event.Virtual{Name: "inside", Group: "edge"}, From: event.Active, To: event.Initialize, Reason: event.Shutdown, Priority: 150, Alone: true,
	})
	r.want(t)
	r.handle(event.InstanceTransition{Stamp: stamp, Virtual: inside, From: event.Initialize, To: event.Backup, Reason: event.Startup, Priority: 150})
	r.want(t, `INSTANCE "inside" STOP 150`, `INSTANCE "inside" BACKUP 150`)
}

// TestSequencerStop: at the end all instances stop, then all groups, with the router's reason or
// without one; each once.
func TestSequencerStop(t *testing.T) {
	for _, hangs := range []bool{false, true} {
		r := newSequencerRig()
		r.edge(event.Initialize, event.Backup)
		r.lone(event.Initialize, event.Backup)
		r.edge(event.Backup, event.Active)
		r.lines = nil
		r.handle(event.Daemon{Stamp: r.stamp(), Kind: event.DaemonStopping})
		if !hangs {
			r.edge(event.Active, event.Initialize)
			r.lone(event.Backup, event.Initialize)
			r.want(t)
		}
		r.finish()
		r.want(t, slices.Concat(edgeLines("MASTER"), []string{
			`INSTANCE "inside" STOP 150`, `INSTANCE "outside" STOP 150`, `INSTANCE "lone" STOP 100`, `GROUP "edge" STOP 0`,
		})...)
		for _, g := range r.emitted[len(r.emitted)-4:] {
			if g.From == event.Initialize || g.To != event.Initialize {
				t.Errorf("hangs %t: from %v to %v", hangs, g.From, g.To)
			}
		}
	}
}

// TestSequencerRemoved: a subject that was stopped before the end does not stop again.
func TestSequencerRemoved(t *testing.T) {
	r := newSequencerRig()
	r.lone(event.Initialize, event.Backup)
	r.lone(event.Backup, event.Initialize)
	r.want(t, `INSTANCE "lone" BACKUP 100`, `INSTANCE "lone" STOP 100`)
	r.reload(nil)
	if len(r.order) != 0 || len(r.last) != 0 {
		t.Errorf("the sequencer still has %v", r.order)
	}
	r.handle(event.Daemon{Stamp: r.stamp(), Kind: event.DaemonStopping})
	r.finish()
	r.want(t)
}

// TestSequencerResync: after lost events the present states are emitted once, and an event that a
// snapshot contained is not emitted again.
func TestSequencerResync(t *testing.T) {
	r := newSequencerRig()
	r.edge(event.Initialize, event.Backup)
	r.lone(event.Initialize, event.Backup)
	r.lines = nil
	r.next()
	member := func(name string) vrrp.InstanceStatus {
		return vrrp.InstanceStatus{
			Instance:      &vrrp.Instance{Virtual: event.Virtual{Name: name, Group: "edge"}},
			InstanceState: vrrp.InstanceState{State: event.Fault, Since: r.now, EffectivePriority: 150},
		}
	}
	quiet := vrrp.InstanceStatus{
		Instance:      &vrrp.Instance{Virtual: event.Virtual{Name: "lone"}},
		InstanceState: vrrp.InstanceState{State: event.Backup, EffectivePriority: 100},
	}
	r.resync([]*vrrp.GroupStatus{
		{Name: "edge", State: event.Fault, Since: r.now, Members: []vrrp.InstanceStatus{member("inside"), member("outside")}},
		{State: event.Backup, Members: []vrrp.InstanceStatus{quiet}},
	})
	r.want(t, edgeLines("FAULT")...)
	if from := r.emitted[len(r.emitted)-1].From; from != event.Backup {
		t.Errorf("from %v", from)
	}
	r.edgeAgain(event.Backup, event.Fault) // it was in the backlog
	r.want(t)
	r.edge(event.Fault, event.Backup)
	r.want(t, edgeLines("BACKUP")...)
}
