package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// observer has seen everything that happened in a world, from outside. The invariants are judged
// by its records.
type observer struct {
	World      *World
	Violations []string
	Adopted    int // groups that were adopted after a daemon had died or handed over
	Alone      int // turns of a router with a member that served without its group
	Fenced     int // how often a fence command ran and succeeded
	Dead       int // how often the machine of an Active counted as dead
	Suspended  int // how often that was wrong

	routers []record       // by position
	actives [][2]int       // by segment and version, after the last turn
	since   [][2]time.Time // since when there are two of them; zero if there are not
}

// record is what is known of a router.
type record struct {
	life        int           // of the router
	adopted     int           // the life in which it was last adopted as Active; 0 if none
	active      bool          // at its last turn
	activeSince time.Time     // since when it is Active, if it is
	leftAt      time.Time     // when it last ceased to be Active
	leftWith    time.Duration // the shortest interval of all routers at that instant, which it may have learned
	faulty      bool          // in Initialize or Fault at its last turn
	ready       time.Time     // since when it is not, or when it yielded after a stall: its preempt_delay begins then
	raised      time.Time     // when its priority last rose: its preempt_delay may begin then, too
	rival       time.Time     // when it last reported an Active of another version
	priority    uint8         // at its last turn; 0 if it had none
	changed     time.Time     // when its priority last changed
	heard       [][]heard     // by instance and sender
	recalled    [][]heard     // what the previous daemon had heard, if this one counts it as heard
	fence       fencing
	dead        heard // the Active that last counted as dead; at: since when it was silent on all segments
}

// delayedSince returns the last instant at which the preempt_delay of a router may have begun.
func (rec *record) delayedSince() time.Time { return latest(rec.ready, rec.raised) }

// known returns what a router heard for the i-th instance, and what its previous daemon had heard of
// other senders.
func (rec *record) known(i int) []heard {
	all := slices.Clone(rec.heard[i])
	for _, o := range rec.recalled[i] {
		if !slices.ContainsFunc(rec.heard[i], func(by heard) bool { return by.source == o.source }) {
			all = append(all, o)
		}
	}
	return all
}

// heard is what a router heard of another one.
type heard struct {
	source   netip.Addr
	priority uint8         // of its last advert
	interval time.Duration // of that advert
	at       time.Time     // of that advert
	// These are when it last resigned or lowered its priority, and its priority until then.
	ended time.Time
	was   uint8
}

// fencing is what is known of the fence of a router.
type fencing struct {
	asking  time.Time // when it last began to ask stations
	running bool
	passed  time.Time    // when the command last succeeded
	failed  time.Time    // when it last failed, or stations did not answer in time
	why     event.Reason // of the last time that the router became Active
}

func newObserver(w *World) observer {
	k := observer{World: w, routers: make([]record, len(w.Routers)), actives: make([][2]int, len(w.Segments)), since: make([][2]time.Time, len(w.Segments))}
	for i, r := range w.Routers {
		k.routers[i].heard, k.routers[i].recalled = make([][]heard, len(r.all)), make([][]heard, len(r.all))
	}
	return k
}

// of returns the record of a router.
func (k *observer) of(r *Router) *record { return &k.routers[r.at] }

// begin returns the record of a router, without what the router itself knew before it was
// started, unless it has recalled that.
func (k *observer) begin(r *Router) *record {
	rec := k.of(r)
	if rec.life != r.life {
		rec.life, rec.fence = r.life, fencing{}
		for i := range rec.heard {
			before := rec.known(i)
			if rec.heard[i], rec.recalled[i] = rec.heard[i][:0], nil; r.memory.recalls {
				rec.recalled[i] = before
			}
		}
	}
	return rec
}

// note records since when a router is neither at its start nor in Fault. When its priority
// changes, what was heard of it before no longer counts.
func (k *observer) note(r *Router) {
	rec, s := k.of(r), r.group().State()
	faulty := s == event.Initialize || s == event.Fault
	if rec.faulty && !faulty {
		rec.ready = k.World.now
	}
	rec.faulty = faulty
	p := r.priority()
	if rec.priority != 0 && rec.priority != p {
		rec.changed = k.World.now
		if p > rec.priority {
			rec.raised = k.World.now
		}
		k.World.shift()
	}
	rec.priority = p
}

// move records whether a router is Active, and since when segments have two.
func (k *observer) move(r *Router, active bool) {
	rec, now := k.of(r), k.World.now
	switch {
	case active && !rec.active:
		rec.activeSince = now
	case rec.active && !active:
		rec.leftAt, rec.leftWith = now, k.World.shortest()
	}
	rec.active = active
	for i, s := range k.World.Segments {
		k.actives[i] = s.actives()
		for v, actives := range k.actives[i] {
			switch since := &k.since[i][v]; {
			case actives < 2:
				*since = time.Time{}
			case since.IsZero():
				*since = now
			}
		}
	}
}

// actives counts the routers that hold addresses on a segment and can be heard there, by version.
func (s *Segment) actives() (n [2]int) {
	for _, p := range s.ports {
		if r := p.router; !p.usable() || r.core == nil || r.paused {
			continue
		}
		for _, in := range p.instances {
			if in.placed {
				n[in.Version]++
			}
		}
	}
	return n
}

// heard records an advert that a router accepts.
func (k *observer) heard(r *Router, h vrrp.Heard) {
	in := r.instance(h.Instance)
	if h.Stale || h.Invalid || h.Version != in.Version {
		return
	}
	rec := k.of(r)
	all := &rec.heard[in.at]
	bySource := func(o heard) bool { return o.source == h.Source }
	if i := slices.IndexFunc(rec.recalled[in.at], bySource); i >= 0 && !slices.ContainsFunc(*all, bySource) {
		*all = append(*all, rec.recalled[in.at][i])
	}
	var o *heard
	for i := range *all {
		if (*all)[i].source == h.Source {
			o = &(*all)[i]
		}
	}
	switch {
	case o == nil && h.Priority == 0:
		return
	case o == nil:
		*all = append(*all, heard{source: h.Source})
		o = &(*all)[len(*all)-1]
	case o.at.After(h.Cause.At):
		return
	}
	if h.Priority < o.priority {
		o.ended, o.was = h.Cause.At, o.priority
	}
	o.priority, o.interval, o.at = h.Priority, h.Interval, h.Cause.At
}

// endedSince reports whether a router with the priority ours has heard the end of an Active that
// was at least as good as o, after it heard o.
func (k *observer) endedSince(r *Router, o heard, ours uint8) bool {
	for _, all := range k.of(r).heard {
		for _, by := range all {
			worse := by.priority <= r.groups[0].Impaired() || by.priority < ours
			if worse && by.was >= o.priority && !by.ended.Before(o.at) {
				return true
			}
		}
	}
	return false
}

// diedSince reports whether an Active counted as dead for a router that was at least as good as
// o, or is o itself on another segment, and whose machine fell silent after the router heard o.
// The last advert on a segment where the router was deaf since may have a higher priority, which
// the Active had before.
func (k *observer) diedSince(r *Router, o heard) bool {
	dead := k.of(r).dead
	return (dead.priority >= o.priority || k.oneMachine(dead.source, o.source)) && o.at.Before(dead.at)
}

// oneMachine reports whether two addresses belong to one router.
func (k *observer) oneMachine(a, b netip.Addr) bool {
	return slices.ContainsFunc(k.World.Routers, func(r *Router) bool { return r.owns(a) && r.owns(b) })
}

// outdone reports whether a better Active than o was heard on its instance after it, to which o
// yielded. That one is judged itself.
func outdone(o heard, all []heard) bool {
	return slices.ContainsFunc(all, func(by heard) bool { return by.priority > o.priority && by.at.After(o.at) })
}

// logged records an event that a router logs.
func (k *observer) logged(r *Router, e event.Event) {
	rec, now := k.of(r), k.World.now
	switch e := e.(type) {
	case event.InstanceHolding:
		if e.Reason == event.HoldFence {
			rec.fence.asking = now
		}
	case event.FenceUnproven:
		rec.fence.failed = now
	case event.ProbeDead:
		for _, o := range rec.heard[r.instance(e.Virtual.Name).at] {
			if o.source == e.Active {
				rec.dead = o
			}
		}
		watching := r.instances[0].Watching
		rec.dead.at = now.Add(-time.Duration(watching.Miss) * watching.Interval)
	case event.GroupAdopted:
		if e.Group == r.groups[0].Title() {
			rec.active, rec.adopted = true, r.life // it takes over from no other router
		}
	case event.GroupTransition:
		if e.To == event.Active {
			rec.fence.why = e.Reason
		}
		if e.Reason == event.StalledLoop {
			rec.ready = now
		}
	case event.AdvertRival:
		if e.Version != 0 {
			rec.rival = now
		}
	}
}

// ranFence records that a router runs its fence command.
func (k *observer) ranFence(r *Router) { k.of(r).fence.running = true }

// endedFence records the result of a fence command.
func (k *observer) endedFence(r *Router, in *vrrp.Fenced) {
	f := &k.of(r).fence
	f.running = false
	if in.Err == "" {
		f.passed = k.World.now
		k.Fenced++
	} else {
		f.failed = k.World.now
	}
}

// describe describes the routers, for a violation.
func (k *observer) describe() (all string) {
	for _, r := range k.World.Routers {
		if r.core == nil {
			all += fmt.Sprintf("; %s is off", r.Name)
			continue
		}
		all += fmt.Sprintf("; %s is %v with priority %d, healthy %v, holds %v, cannot place all %v", r.Name, r.group().State(), r.priority(), r.healthy(), r.holds(), r.lacks())
	}
	return all
}

// crossing is how long a preempted Active and its successor may both be Active at any time: until
// the first advert has crossed the segment.
const crossing = time.Millisecond

// Settle returns the longest Active_Down_Interval, that of an impaired router: the election may
// take that long after the LAN became quiet. After a spanning tree opened a port, the stations
// are asked first.
func (k *observer) Settle() time.Duration {
	in, longest := k.World.Routers[0].instances[0], k.World.longest()
	skew := vrrp.SkewTime(vrrp.Impaired, longest)
	if in.Version == wire.V2 {
		skew = vrrp.SkewTime(vrrp.Impaired, time.Second)
	}
	settle := time.Duration(in.Miss)*longest + skew
	if in.port.segment.Blocked > 0 {
		settle += again
	}
	return settle
}

// heardWithin returns how long a LAN has to be quiet until each router has heard the Active.
func (k *observer) heardWithin() time.Duration {
	return k.World.longest() + announced + crossing
}

// shifting reports whether no event that ends a service has happened for a long time: priorities
// may have changed.
func (k *observer) shifting() bool {
	w, r0 := k.World, k.World.Routers[0]
	for _, r := range w.Routers {
		if r.lacks() {
			return false // from time to time it becomes clear again which router is the best
		}
	}
	in := r0.instances[0]
	return w.calm() > 0 && !w.apart() && w.now.Sub(w.broken) > 4*k.Settle()+in.StartupDelay+in.PreemptDelay+announced+r0.fence.delays(k.Settle())
}
