package sim

import (
	"net/netip"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
)

// Router is one router of the LAN.
type Router struct {
	Name string
	// Right is how far its wall clock is ahead when nobody sets it wrong.
	Right time.Duration
	world *World
	cfg   []vrrp.Group
	ports map[string]*Port
	addrs map[string]netip.Addr // source address by interface

	core   *router.Core // nil while it is crashed
	minter *event.Minter
	plan   *advert.Plan
	judge  *advert.Acceptor
	life   int           // counts starts: what an earlier life planned is void
	alarm  int           // of the engine, likewise
	ahead  time.Duration // of its wall clock
	back   time.Time     // when that was last set back
	// The whole process may be paused, or with its machine, that then loses what
	// is sent to it; or its loop alone may hang.
	paused  bool
	frozen  bool
	hung    time.Time // since when; zero: it does not
	stopped time.Time // since when it is paused
	resumed time.Time // when it last went on
	started time.Time
	awake   time.Duration // how long it had run when it was last paused
	queue   [classes][]func()
	reading bool     // of the queue: no timer ends before all is read
	asleep  []func() // what verifiers were asked, and could not do while paused
	wake    time.Time
	known   map[string]bool // what it knows of its links
	downs   map[string]int  // how many losses of them
	seq     uint64

	places   map[string]*Port     // by instance
	silenced map[string]time.Time // when an instance was last told to fall silent
	armed    map[string]time.Time // when the engine is to start it by itself

	worker worker
	// short is what cannot be put in place, by instance: a crash changes nothing of it.
	short map[string]vrrp.Degree

	met map[*Port]map[*Port]bool // the stations that are remembered, by port

	// Held are the instances whose addresses stand; Sending those whose adverts
	// are repeated.
	Held, Sending map[string]bool
}

// class is a kind of what came in, in the order in which the loop reads.
type class int

const (
	links class = iota
	results
	adverts
	classes
)

// AddRouter makes a router with a port for each interface: interface name to
// segment name and source address. It is powered off.
func (w *World) AddRouter(name string, groups []vrrp.Group, links map[string]Attachment) *Router {
	r := &Router{
		Name: name, world: w, cfg: groups, ports: make(map[string]*Port), addrs: make(map[string]netip.Addr),
		places: make(map[string]*Port), short: make(map[string]vrrp.Degree),
	}
	for iface, at := range links {
		p := &Port{router: r, name: iface, segment: w.Segments[at.Segment], plugged: true, own: at.Source}
		p.segment.ports = append(p.segment.ports, p)
		r.ports[iface], r.addrs[iface] = p, at.Source
	}
	for _, g := range groups {
		for _, m := range g.Members {
			r.places[m.Name] = r.ports[m.Interface]
		}
	}
	w.Routers = append(w.Routers, r)
	return r
}

// Attachment says where an interface is plugged in, and the source address it has.
type Attachment struct {
	Segment string
	Source  netip.Addr
}

// Port is the router's port of an interface.
func (r *Router) Port(name string) *Port { return r.ports[name] }

// Core is the router's core; nil while it is off.
func (r *Router) Core() *router.Core { return r.core }

// active reports whether the group of the router is Active.
func (r *Router) active() bool { return r.core != nil && r.core.Group(0).State() == event.Active }

// Start powers the router on: it learns its links and begins.
func (r *Router) Start() {
	w := r.world
	w.disturb()
	r.life++
	r.minter = event.NewMinter(0)
	r.core = router.NewCore(r.cfg, r.minter, w.now)
	r.plan, r.judge = advert.NewPlan(), r.acceptor()
	r.tick()
	r.Held, r.Sending, r.known = map[string]bool{}, map[string]bool{}, map[string]bool{}
	r.downs, r.silenced, r.armed = map[string]int{}, map[string]time.Time{}, map[string]time.Time{}
	r.queue, r.paused, r.hung, r.wake, r.resumed = [classes][]func(){}, false, time.Time{}, w.now, time.Time{}
	r.started, r.worker = w.now, newWorker()
	r.asleep, r.frozen, r.met = nil, false, make(map[*Port]map[*Port]bool)
	for _, m := range r.cfg[0].Members {
		if p := r.ports[m.Interface]; p.noticed {
			r.later(w.between(0, inPlaceWithin), p.tellDeaf)
		}
	}
	for _, g := range r.cfg {
		for _, m := range g.Members {
			r.downs[m.Interface] = r.ports[m.Interface].downs
			r.look(r.ports[m.Interface])
		}
	}
	r.absorb(vrrp.Start{Cause: r.minter.Cause(w.now)})
}

// Crash takes the power away.
func (r *Router) Crash() {
	r.world.disturb()
	r.life++
	r.core, r.Held, r.Sending = nil, nil, nil
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
	r.due() // the engine has a thread of its own
	for _, do := range r.asleep {
		r.world.After(r.world.between(50*time.Microsecond, time.Millisecond), do)
	}
	r.asleep = nil
	if late := r.world.now.Sub(r.stopped) - r.world.between(0, lease.StampEvery); late > 0 {
		var out router.Orders
		r.core.Slept(r.world.now, late, &out)
		r.give(&out)
	}
	r.read()
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
	r.hung, r.resumed = time.Time{}, r.world.now
	r.read()
}
