package sim

import (
	"net/netip"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
)

// Router is one router of the LAN, with one group.
type Router struct {
	Name string
	// Right is how far its wall clock is ahead when nobody sets it wrong.
	Right     time.Duration
	at        int // place among the routers of the world
	world     *World
	file      []vrrp.Group // what the next start or reload reads
	cfg       []vrrp.Group // in force
	all       []*instance  // that the group has or had
	instances []*instance  // that it has
	ports     []*Port      // theirs, by their order
	links     []*Port      // those, and those of other instances and that are tracked
	checks    []*check
	born      vrrp.Instance // the first instance, as the router was made
	weight    int           // of the first tracker of the group, as it was made
	ownFence  *vrrp.Fence   // of the group, as it was made
	released  bool          // by a person
	command   fenceCommand  // how its fence command ends
	lacked    time.Time     // when its group last had not all instances

	core   *router.Core // nil while it is off
	orders router.Orders
	minter *event.Minter
	plan   *advert.Plan
	judge  *validate.Acceptor
	packet validate.Packet // that is judged
	life   int             // counts starts and crashes: what an earlier life planned is void

	ahead     time.Duration // of its wall clock
	back      time.Time     // when that was last set back
	catchesUp time.Time     // when it shows again what it showed before

	// The whole process may be paused, or with its machine, that then loses what
	// is sent to it; or its loop alone may hang.
	paused  bool
	frozen  bool
	hung    time.Time     // since when; zero: it does not
	stopped time.Time     // since when it is paused
	resumed time.Time     // when it last went on
	slow    time.Duration // the interval that was in force until a reload while it was stopped; 0: there was none
	started time.Time
	awake   time.Duration // how long it had run when it was last paused
	queue   [classes][]func()
	reading bool     // of the queue: no timer ends before all is read
	asleep  []func() // what verifiers were asked, and could not do while paused
	wakeUp  *timer   // of the loop
	alarm   *timer   // of the engine
	seq     uint64

	worker worker
}

// class is a kind of what came in, in the order in which the loop reads.
type class int

const (
	links class = iota
	results
	adverts
	classes
)

// Attachment is the segment in which an interface is plugged, and the source address
// that it has.
type Attachment struct {
	Segment string
	Source  netip.Addr
}

// AddRouter makes a router with a port for each interface of its group. It is powered
// off.
func (w *World) AddRouter(name string, groups []vrrp.Group, links map[string]Attachment) *Router {
	r := &Router{Name: name, at: len(w.Routers), world: w, file: groups}
	r.wakeUp, r.alarm = w.newTimer(r.wake), w.newTimer(r.due)
	r.born, r.ownFence = groups[0].Members[0], groups[0].Fence
	if list := groups[0].Track; len(list) > 0 {
		r.weight = list[0].Weight
	}
	for i := range groups[0].Members {
		in := &instance{Instance: &groups[0].Members[i], router: r, at: i}
		if in.port = r.Port(in.Interface); in.port == nil {
			in.port = r.addPort(in.Interface, links[in.Interface])
		}
		in.port.instances = append(in.port.instances, in)
		r.all = append(r.all, in)
	}
	for t := range trackers(&groups[0]) {
		switch {
		case t.Kind == vrrp.TrackCheck && r.check(t.Name) == nil:
			r.checks = append(r.checks, &check{router: r, name: t.Name})
		case t.Kind == vrrp.TrackInterface && r.Port(t.Name) == nil:
			r.addPort(t.Name, links[t.Name])
		}
	}
	r.adopt()
	w.Routers = append(w.Routers, r)
	return r
}

func (r *Router) addPort(name string, at Attachment) *Port {
	s := r.world.Segment(at.Segment)
	p := &Port{router: r, name: name, segment: s, at: len(s.ports), plugged: true, own: at.Source, address: at.Source}
	s.ports, r.links = append(s.ports, p), append(r.links, p)
	return p
}

// Port returns the router's port of an interface; nil if it has none.
func (r *Router) Port(name string) *Port {
	for _, p := range r.links {
		if p.name == name {
			return p
		}
	}
	return nil
}

// Core returns the router's core; nil while it is off.
func (r *Router) Core() *router.Core { return r.core }

// group returns the state machine of the router's group. The router is on.
func (r *Router) group() *vrrp.Machine { return r.core.Group(0) }

// active reports whether the group of the router is Active.
func (r *Router) active() bool { return r.core != nil && r.group().State() == event.Active }

// Start powers the router on: it learns its links and begins.
func (r *Router) Start() {
	w := r.world
	w.disturb()
	r.life++
	r.adopt()
	r.minter = event.NewMinter(0)
	r.core = router.NewCore(r.cfg, r.minter, w.now)
	r.plan, r.judge = advert.NewPlan(r.wall), r.acceptor()
	r.queue, r.asleep = [classes][]func(){}, nil
	r.paused, r.frozen, r.hung, r.resumed, r.started = false, false, time.Time{}, time.Time{}, w.now
	r.worker = worker{}
	for _, in := range r.all {
		in.run = run{}
	}
	for _, p := range r.links {
		p.known, p.counted, p.met, p.noticed = false, p.downs, make([]bool, len(p.segment.ports)), false
		if p.filtered {
			p.noticeLater()
		}
	}
	for _, c := range r.checks {
		c.known = result{}
	}
	for _, p := range r.links {
		r.look(p)
	}
	if r.released { // a person's order outlives the daemon
		r.absorb(vrrp.Released{Cause: r.minter.Cause(w.now), Group: r.cfg[0].Name, On: true})
	}
	for _, c := range r.checks {
		c.reportLater(w.disturb)
	}
	r.absorb(vrrp.Start{Cause: r.minter.Cause(w.now)})
}

// Crash takes the power away.
func (r *Router) Crash() {
	r.world.disturb()
	r.life++
	r.core = nil
	r.wakeUp.stop()
	r.alarm.stop()
}

// Pause stops the process, as SIGSTOP does.
func (r *Router) Pause() {
	if r.core == nil || r.paused || !r.hung.IsZero() {
		return
	}
	r.world.disturb()
	r.paused, r.stopped, r.awake = true, r.world.now, r.world.now.Sub(r.resumed)
}

// Freeze stops the machine, as the pause of a VM does.
func (r *Router) Freeze() {
	if !r.paused {
		r.Pause()
		r.frozen = r.paused
	}
}

// Resume lets it go on: what came in meanwhile is read now.
func (r *Router) Resume() {
	if r.core == nil || !r.paused {
		return
	}
	r.world.disturb()
	r.paused, r.frozen, r.resumed = false, false, r.world.now
	r.forgetSlow()
	r.due() // the engine has a thread of its own
	for _, do := range r.asleep {
		r.world.After(r.world.between(50*time.Microsecond, time.Millisecond), do)
	}
	r.asleep = nil
	r.slept(r.stopped)
	r.read()
}

// slept lets the loop find out that it stood still since some instant: it meant to be awake
// a while after that.
func (r *Router) slept(since time.Time) {
	if late := r.world.now.Sub(since) - r.world.between(0, lease.StampEvery); late > 0 {
		r.core.Slept(r.world.now, late, r.collect())
		r.give()
	}
}

// Hang stops the loop alone: the engine goes on.
func (r *Router) Hang() {
	if r.core == nil || r.paused || !r.hung.IsZero() {
		return
	}
	r.world.disturb()
	r.hung = r.world.now
}

// Wake lets a loop that hung go on.
func (r *Router) Wake() {
	if r.core == nil || r.hung.IsZero() {
		return
	}
	r.world.disturb()
	hung := r.hung
	r.hung, r.resumed = time.Time{}, r.world.now
	r.forgetSlow()
	r.slept(hung)
	r.read()
}
