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

// witness has seen all that happened in a world, from outside. The invariants are judged by
// what it remembers.
type witness struct {
	World      *World
	Violations []string
	Adopted    int // groups that went on as Active where a daemon had died or handed over
	Alone      int // turns of a router with a member that served without its group
	Fenced     int // how often any ran its fence command, and it succeeded
	Dead       int // how often any took the machine of its Active for dead
	Suspended  int // and found that it was not

	routers []record       // by their places
	actives [][2]int       // by segment and version, after the last turn
	since   [][2]time.Time // since when there are two of them; zero: there are not
}

// record is what is known of a router.
type record struct {
	life        int       // of the router
	adopted     int       // the life in which it last went on as Active; 0: in none
	active      bool      // at its last turn
	activeSince time.Time // since when it is Active, if it is
	leftAt      time.Time // when it last ceased to be
	faulty      bool      // in Initialize or Fault at its last turn
	ready       time.Time // since when it is not, or has yielded after a stall: its preempt_delay begins then
	rival       time.Time // when it last reported an Active of another version
	priority    uint8     // at its last turn; 0: it had none
	changed     time.Time // when its priority last changed
	heard       [][]heard // by instance and sender
	fence       fencing
	dead        heard // the Active that it last took for dead; at: since when it was silent on all segments
}

// heard is what a router heard of another one.
type heard struct {
	source   netip.Addr
	priority uint8         // of its last advert
	interval time.Duration // of that
	at       time.Time     // of that
	// When it last resigned or lowered its priority, and the one that it had until then.
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

func newWitness(w *World) witness {
	k := witness{World: w, routers: make([]record, len(w.Routers)), actives: make([][2]int, len(w.Segments)), since: make([][2]time.Time, len(w.Segments))}
	for i, r := range w.Routers {
		k.routers[i].heard = make([][]heard, len(r.all))
	}
	return k
}

// of returns what is known of a router.
func (k *witness) of(r *Router) *record { return &k.routers[r.at] }

// begin returns what is known of a router, without what it knew itself before it was started.
func (k *witness) begin(r *Router) *record {
	rec := k.of(r)
	if rec.life != r.life {
		rec.life, rec.fence = r.life, fencing{}
		for i := range rec.heard {
			rec.heard[i] = rec.heard[i][:0]
		}
	}
	return rec
}

// note notes since when a router is neither at its start nor in Fault. When its priority
// changes, what was heard of it before counts no more.
func (k *witness) note(r *Router) {
	rec, s := k.of(r), r.group().State()
	faulty := s == event.Initialize || s == event.Fault
	if rec.faulty && !faulty {
		rec.ready = k.World.now
	}
	rec.faulty = faulty
	p := r.priority()
	if rec.priority != 0 && rec.priority != p {
		rec.changed = k.World.now
		k.World.shift()
	}
	rec.priority = p
}

// move notes whether a router is Active, and since when segments have two.
func (k *witness) move(r *Router, active bool) {
	rec, now := k.of(r), k.World.now
	switch {
	case active && !rec.active:
		rec.activeSince = now
	case rec.active && !active:
		rec.leftAt = now
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

// actives counts the routers that hold addresses on a segment and can be heard there, by
// version.
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

// heard notes an advert that a router believes.
func (k *witness) heard(r *Router, h vrrp.Heard) {
	in := r.instance(h.Instance)
	if h.Stale || h.Invalid || h.Version != in.Version {
		return
	}
	all := &k.of(r).heard[in.at]
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

// endedSince reports whether a router with the priority ours has heard the end of an Active
// that was at least as good as o, after it heard o.
func (k *witness) endedSince(r *Router, o heard, ours uint8) bool {
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

// diedSince reports whether a router has taken an Active for dead that was at least as good as o,
// or is o itself on another segment, and whose machine fell silent after it heard o. What it
// heard last on a segment where it was deaf since may be the higher priority that the Active had
// before.
func (k *witness) diedSince(r *Router, o heard) bool {
	dead := k.of(r).dead
	return (dead.priority >= o.priority || k.oneMachine(dead.source, o.source)) && o.at.Before(dead.at)
}

// oneMachine reports whether two addresses are those of one router.
func (k *witness) oneMachine(a, b netip.Addr) bool {
	return slices.ContainsFunc(k.World.Routers, func(r *Router) bool { return r.owns(a) && r.owns(b) })
}

// outdone reports whether a better Active than o was heard on its instance after it, to which
// o yielded. It is judged itself.
func outdone(o heard, all []heard) bool {
	return slices.ContainsFunc(all, func(by heard) bool { return by.priority > o.priority && by.at.After(o.at) })
}

// logged notes what a router logs.
func (k *witness) logged(r *Router, e event.Event) {
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
			rec.active, rec.adopted = true, r.life // it takes over from nobody
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

// ranFence notes that a router runs its fence command.
func (k *witness) ranFence(r *Router) { k.of(r).fence.running = true }

// endedFence notes the result of a fence command.
func (k *witness) endedFence(r *Router, in *vrrp.Fenced) {
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
func (k *witness) describe() (all string) {
	for _, r := range k.World.Routers {
		if r.core == nil {
			all += fmt.Sprintf("; %s is off", r.Name)
			continue
		}
		all += fmt.Sprintf("; %s is %v with priority %d, healthy %v, holds %v, cannot place all %v", r.Name, r.group().State(), r.priority(), r.healthy(), r.holds(), r.lacks())
	}
	return all
}

// crossing is how long a preempted Active and its successor may both be Active
// at any time: until the first advert has crossed the segment.
const crossing = time.Millisecond

// Settle returns the longest Active_Down_Interval, that of an impaired router: the election
// may take that long after the LAN became quiet. After a spanning tree opened a port, the
// stations are asked first.
func (k *witness) Settle() time.Duration {
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

// heardWithin returns how long a LAN has to be quiet until each router has heard who is Active.
func (k *witness) heardWithin() time.Duration {
	return k.World.longest() + announced + crossing
}

// shifting reports whether nothing has happened for long that ends a service: priorities
// may have changed.
func (k *witness) shifting() bool {
	w, r0 := k.World, k.World.Routers[0]
	for _, r := range w.Routers {
		if r.lacks() {
			return false // who serves best is yet to be found out, from time to time
		}
	}
	in := r0.instances[0]
	return w.calm() > 0 && !w.apart() && w.now.Sub(w.broken) > 4*k.Settle()+in.StartupDelay+in.PreemptDelay+announced+r0.fence.delays(k.Settle())
}
