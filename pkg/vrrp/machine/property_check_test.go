package machine

import (
	"net/netip"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

type checksumForm = wire.Checksum

// edges are the transitions in the diagram above event.State, and those of an address owner.
var edges = map[[2]event.State]bool{
	{event.Initialize, event.Backup}: true,
	{event.Initialize, event.Fault}:  true,
	{event.Backup, event.Active}:     true,
	{event.Backup, event.Fault}:      true,
	{event.Backup, event.Initialize}: true,
	{event.Active, event.Backup}:     true,
	{event.Active, event.Fault}:      true,
	{event.Active, event.Initialize}: true,
	{event.Fault, event.Backup}:      true,
	{event.Fault, event.Initialize}:  true,
}

var ownerEdges = map[[2]event.State]bool{
	{event.Initialize, event.Active}: true,
	{event.Fault, event.Active}:      true,
}

// dead reports whether a member's link keeps it from taking part.
func (w *world) dead(in *vrrp.Instance) bool {
	link := w.links[in.Interface]
	return !link.Usable || !link.Address(in.Family).IsValid()
}

// checkState compares the state with the observer's knowledge.
func (w *world) checkState(t *rapid.T) {
	state := w.m.State()
	dead := false
	status := w.m.Status(w.now)
	if d := cmp.Diff(w.m.snapshot(w.now), status, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("the status differs from the machine (-machine +status):\n%s", d)
	}
	for _, in := range status.Members {
		if in.LastStanding {
			w.checkAlone(t, &in, state)
		} else if in.State != state {
			t.Fatalf("member %s is %v, its group %v", in.Instance.Name, in.State, state)
		}
		if state == event.Active && len(in.Faults) > 0 {
			t.Fatalf("Active with faults: %v", in.Faults)
		}
		dead = dead || w.dead(in.Instance)
	}
	if f := &w.m.facts; f.verified && f.takeover().After(f.clock) && !f.impeded() {
		t.Fatalf("verified although a wait ends only in %v", f.takeover().Sub(f.clock))
	}
	switch {
	case !w.started && state != event.Initialize:
		t.Fatalf("the state is %v although the group was not started", state)
	case state == event.Active && w.now.Before(w.opens):
		t.Fatalf("Active %v before the startup_delay is over", w.opens.Sub(w.now))
	case w.started && dead && state != event.Fault:
		t.Fatalf("the group is %v although a link is dead", state)
	}
}

// provesDead reports whether an Active is silent while another station answers, or on two
// segments on which no other station is known.
func (w *world) provesDead() bool {
	links := make(map[string]bool)
	for _, in := range w.m.Config().Members {
		s, silent := w.silent[in.Name]
		switch {
		case silent && s.OtherStations == vrrp.OtherStationsAnswer:
			return true
		case silent && s.OtherStations == vrrp.NoOtherStation:
			links[in.Interface] = true
		}
	}
	return len(links) > 1
}

// checkAlone checks the invariants of a member that serves alone.
func (w *world) checkAlone(t *rapid.T, in *vrrp.InstanceStatus, group event.State) {
	switch {
	case !w.m.Config().LastStanding || in.State != event.Active || group != event.Fault && group != event.Backup:
		t.Fatalf("%s serves alone in state %v while the group is %v", in.Instance.Name, in.State, group)
	case w.dead(in.Instance) || len(in.Faults) > 0:
		t.Fatalf("%s serves alone with faults: %v", in.Instance.Name, in.Faults)
	case in.EffectivePriority != vrrp.Impaired || w.now.Before(w.opens):
		t.Fatalf("%s serves alone with priority %d, %v before the startup_delay is over", in.Instance.Name, in.EffectivePriority, w.opens.Sub(w.now))
	}
}

// checkEffects applies the effects, and checks that each one fits the state before it.
func (w *world) checkEffects(t *rapid.T, effects []vrrp.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case vrrp.Advertise:
			link := w.links[e.Instance.Interface]
			if w.dead(e.Instance) || e.Source != link.Address(e.Instance.Family) || e.Index != link.Index {
				t.Fatalf("%+v is advertised on the unusable link %+v", e, link)
			}
			w.sending[e.Instance.Name] = true
			delete(w.armed, e.Instance.Name)
		case vrrp.Arm:
			link, name := w.links[e.Instance.Interface], e.Instance.Name
			if w.dead(e.Instance) || e.Source != link.Address(e.Instance.Family) || e.Index != link.Index {
				t.Fatalf("%+v is armed on the unusable link %+v", e, link)
			}
			if !w.now.Before(e.At) || w.sending[name] || !w.armed[name].IsZero() {
				t.Fatalf("armed at %v for %v; advertised: %v; armed before: %v", w.now, e.At, w.sending[name], w.armed[name])
			}
			w.armed[name] = e.At
		case vrrp.Disarm:
			if w.armed[e.Instance.Name].IsZero() {
				t.Fatalf("%s is disarmed without having been armed", e.Instance.Name)
			}
			delete(w.armed, e.Instance.Name)
		case vrrp.AdvertiseNow:
			if !w.sending[e.Instance.Name] {
				t.Fatalf("AdvertiseNow for %s, which is not advertised", e.Instance.Name)
			}
		case vrrp.HoldBack:
			if !w.sending[e.Instance.Name] || !e.Until.After(w.now) {
				t.Fatalf("%s is held back until %v at %v; advertised: %v", e.Instance.Name, e.Until, w.now, w.sending)
			}
		case vrrp.Resign:
			if !w.links[e.Instance.Interface].Usable {
				t.Fatalf("%s resigns on a link that is not usable", e.Instance.Name)
			}
			w.fallSilent(t, e.Instance)
		case vrrp.Mute:
			w.fallSilent(t, e.Instance)
		case vrrp.Hold:
			w.hold(t, true, e.Only)
		case vrrp.Release:
			if len(w.held) > 0 || !w.confirming { // otherwise its first adverts were never confirmed
				w.hold(t, false, e.Only)
			}
		case vrrp.Reannounce:
			for _, name := range w.names(e.Only) {
				if !w.held[name] {
					t.Fatalf("the addresses of %s are announced although they are not held", name)
				}
			}
		case vrrp.Probe:
			link := w.links[e.Instance.Interface]
			if w.m.State() != event.Fault || w.dead(e.Instance) || e.Priority > 1 || e.Source != link.Address(e.Instance.Family) || e.Index != link.Index {
				t.Fatalf("%+v while the group is %v and the link is %+v", e, w.m.State(), link)
			}
		case vrrp.Summarize:
			name := e.Instance.Name
			if e.On == w.summarized[name] || e.On && w.m.State() != event.Backup {
				t.Fatalf("summarize %+v for %s after %v while the group is %v", e.On, name, w.summarized[name], w.m.State())
			}
			w.summarized[name] = e.On
		case vrrp.Watch:
			name := e.Instance.Name
			if e.Active == w.watching[name] && !e.Active.IsValid() || e.Active.IsValid() && w.m.State() != event.Backup {
				t.Fatalf("watch %v for %s after %v while the group is %v", e.Active, name, w.watching[name], w.m.State())
			}
			w.watching[name] = e.Active
		case vrrp.Report:
			if dead, ok := e.Event.(event.ProbeDead); ok && !w.provesDead() {
				t.Fatalf("%+v although the silent Actives are %+v", dead, w.silent)
			}
		case vrrp.Ask:
			if w.m.State() != event.Fault || len(e.Interfaces) == 0 || len(e.Interfaces) > len(w.links) {
				t.Fatalf("%+v while the group is %v", e, w.m.State())
			}
		case vrrp.Verify:
			if e.Ticket <= w.asked || len(e.Interfaces) != len(w.links) {
				t.Fatalf("after ticket %d: %+v", w.asked, e)
			}
			w.asked = e.Ticket
		}
	}
	w.confirming = w.m.Confirming()
	for _, in := range w.m.Status(w.now).Members {
		name, serving := in.Instance.Name, in.State == event.Active
		if w.sending[name] != serving || w.held[name] != serving && !w.confirming {
			t.Fatalf("%s is %v, the group %v; addresses held: %v; advertised: %v", name, in.State, w.m.State(), w.held, w.sending)
		}
	}
}

// names returns the names of the instances to which an order applies: nil stands for all.
func (w *world) names(only []*vrrp.Instance) (names []string) {
	for _, in := range only {
		names = append(names, in.Name)
	}
	for _, in := range w.m.Config().Members {
		if only == nil {
			names = append(names, in.Name)
		}
	}
	return names
}

// checkArmed checks that all members are armed or none, for an instant at which the group wakes
// and moves, unless it is disarmed first.
func (w *world) checkArmed(t *rapid.T, in vrrp.Input) {
	if n := len(w.armed); n != 0 && n != len(w.m.Config().Members) {
		t.Fatalf("only some members are armed: %v", w.armed)
	}
	for name, at := range w.armed {
		_, tick := in.(vrrp.Tick)
		if due, ok := w.m.Deadline(); !ok || due.After(at) || tick && !w.now.Before(at) {
			t.Fatalf("at %v, after %T, %s is armed for %v, while the group is %v and its deadline is %v", w.now, in, name, at, w.m.State(), due)
		}
	}
}

func (w *world) fallSilent(t *rapid.T, in *vrrp.Instance) {
	if !w.sending[in.Name] {
		t.Fatalf("%s falls silent twice", in.Name)
	}
	delete(w.sending, in.Name)
}

func (w *world) hold(t *rapid.T, on bool, only []*vrrp.Instance) {
	changed := 0
	for _, name := range w.names(only) {
		if w.held[name] != on {
			changed++
		}
		if w.held[name] = on; !on {
			delete(w.held, name)
		}
	}
	if changed == 0 || only != nil && changed != len(only) {
		t.Fatalf("with %v held, hold=%v is ordered for %v", w.held, on, w.names(only))
	}
}

// checkMove checks a transition: its edge, its reasons, and the order of its effects
// (docs/architecture.md#transitions).
func (w *world) checkMove(t *rapid.T, before event.State, effects []vrrp.Effect, in vrrp.Input) {
	after := w.m.State()
	moves, blamed := 0, 0
	for _, e := range effects {
		r, ok := e.(vrrp.Report)
		if !ok {
			if moves > 0 {
				t.Fatalf("%#v after a transition was published", e)
			}
			continue
		}
		if tr, ok := r.Event.(event.InstanceTransition); ok {
			if tr.Alone {
				w.checkMoveAlone(t, before, after, tr, in)
				continue
			}
			moves++
			stood := w.m.Config().LastStanding && tr.From == event.Active // it ceased to serve alone
			if tr.From != before && !stood || tr.To != after || tr.Reason == "" {
				t.Fatalf("%v>%v is reported as %+v", before, after, tr)
			}
			if tr.Reason != event.GroupMoved {
				blamed++
			}
		}
	}
	if before == after {
		if moves > 0 {
			t.Fatalf("%d transitions while the state is %v", moves, after)
		}
		return
	}
	n := len(w.m.Config().Members)
	edge, owner := [2]event.State{before, after}, w.m.Config().Members[0].Priority == vrrp.Owner
	switch {
	case !edges[edge] && !(owner && ownerEdges[edge]):
		t.Fatalf("%v>%v is not a transition of the diagram", before, after)
	case w.m.Config().LastStanding && moves < n && moves > 0: // the other members served alone
	case moves != n || blamed != 1 && blamed != n:
		t.Fatalf("%d members, %d of them moved, %d carry the reason", n, moves, blamed)
	}
	if _, tick := in.(vrrp.Tick); after == event.Active && !tick {
		t.Fatalf("%#v, which is not a Tick, ended a timer", in)
	}
	checkOrder(t, before, after, effects, n)
}

// checkMoveAlone checks the transition of a member that begins or ceases to serve alone.
func (w *world) checkMoveAlone(t *rapid.T, before, after event.State, tr event.InstanceTransition, in vrrp.Input) {
	_, tick := in.(vrrp.Tick)
	begins := tr.From == after && tr.To == event.Active && tr.Reason == event.LastStanding && tr.Priority == vrrp.Impaired && tick
	ends := tr.From == event.Active && tr.To == after && tr.Reason != "" && tr.Reason != event.LastStanding
	if before != after || !begins && !ends {
		t.Fatalf("%v>%v by %#v: %+v", before, after, in, tr)
	}
}

func last(orders []vrrp.Effect) vrrp.Effect {
	if len(orders) == 0 {
		return nil
	}
	return orders[len(orders)-1]
}

// checkOrder checks the order of the effects, starting from the first reported transition.
func checkOrder(t *rapid.T, before, after event.State, effects []vrrp.Effect, n int) {
	var orders []vrrp.Effect
	for _, e := range effects {
		_, report := e.(vrrp.Report)
		if _, again := e.(vrrp.AdvertiseNow); !report && !(again && after == event.Active) { // of a member that served alone before
			orders = append(orders, e)
		}
	}
	if before != event.Active && after != event.Active {
		return
	}
	if _, hold := last(orders).(vrrp.Hold); after == event.Active && !hold {
		orders = append(orders, vrrp.Hold{}) // it follows when the first adverts are confirmed
	}
	if len(orders) < n+1 {
		t.Fatalf("%v>%v with too few orders: %#v", before, after, orders)
	}
	orders = orders[len(orders)-n-1:]
	for i, e := range orders {
		ok := false
		switch e.(type) {
		case vrrp.Mute, vrrp.Resign:
			ok = before == event.Active && i < n
		case vrrp.Release:
			ok = before == event.Active && i == n
		case vrrp.Advertise:
			ok = after == event.Active && i < n
		case vrrp.Hold:
			ok = after == event.Active && i == n
		}
		if !ok {
			t.Fatalf("%v>%v orders %#v", before, after, orders)
		}
	}
}
