package sim

import (
	"net/netip"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// Router is one router of the LAN.
type Router struct {
	Name  string
	world *World
	cfg   []vrrp.Group
	ports map[string]*Port
	addrs map[string]netip.Addr // source address by interface

	core   *router.Core // nil while it is crashed
	minter *event.Minter
	plan   *advert.Plan
	life   int // counts starts: what an earlier life planned is void
	alarm  int // of the engine, likewise
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
	failed   map[string]int       // sends in a row, by instance
	silenced map[string]time.Time // when an instance was last told to fall silent

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

type frame struct {
	payload []byte
	source  netip.Addr
}

// AddRouter makes a router with a port for each interface: interface name to
// segment name and source address. It is powered off.
func (w *World) AddRouter(name string, groups []vrrp.Group, links map[string]Attachment) *Router {
	r := &Router{
		Name: name, world: w, cfg: groups, ports: make(map[string]*Port), addrs: make(map[string]netip.Addr),
		places: make(map[string]*Port),
	}
	for iface, at := range links {
		p := &Port{router: r, name: iface, segment: w.Segments[at.Segment], plugged: true}
		p.segment.ports = append(p.segment.ports, p)
		r.ports[iface], r.addrs[iface] = p, at.Source
	}
	for _, g := range groups {
		for _, m := range g.Members {
			r.places[m.Virtual.Instance] = r.ports[m.Interface]
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
	r.plan = advert.NewPlan()
	r.Held, r.Sending, r.known = map[string]bool{}, map[string]bool{}, map[string]bool{}
	r.downs, r.failed, r.silenced = map[string]int{}, map[string]int{}, map[string]time.Time{}
	r.queue, r.paused, r.hung, r.wake, r.resumed = [classes][]func(){}, false, time.Time{}, w.now, time.Time{}
	r.started = w.now
	r.asleep, r.frozen, r.met = nil, false, make(map[*Port]map[*Port]bool)
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
	if late := r.world.now.Sub(r.stopped) - r.world.between(0, vrrp.LeaseStamp); late > 0 {
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

// read is the first turn of a loop that stood still.
func (r *Router) read() {
	queued := r.queue
	r.queue = [classes][]func(){}
	r.reading = true
	for _, class := range queued {
		for _, do := range class {
			do()
		}
	}
	r.reading = false
	r.turn()
}

// whenRunning does f now, or when the loop goes on.
func (r *Router) whenRunning(c class, f func()) {
	switch {
	case r.core == nil:
	case r.paused || !r.hung.IsZero():
		r.queue[c] = append(r.queue[c], f)
	default:
		f()
	}
}

// look makes the router see what a link is like.
func (r *Router) look(p *Port) {
	r.whenRunning(links, func() {
		r.seq++
		link := event.Link{
			Cause: r.minter.Cause(r.world.now), Seq: r.seq, Name: p.name, Index: 1,
			Usable: p.plugged, AdminUp: true, Carrier: p.plugged, Downs: p.downs - r.downs[p.name],
		}
		if a := r.addrs[p.name]; a.Is4() {
			link.Primary4 = a
		} else {
			link.LinkLocal6 = a
		}
		r.known[p.name], r.downs[p.name] = p.plugged, p.downs
		r.absorb(vrrp.LinkSeen{Link: link})
	})
}

// receive takes an advert from the wire, through the real decoder.
func (r *Router) receive(p *Port, f frame) {
	if r.frozen {
		return
	}
	at := r.world.now
	r.whenRunning(adverts, func() {
		var a wire.Advert
		family := event.IPv4
		if f.source.Is6() {
			family = event.IPv6
		}
		path := wire.Path{Source: f.source, Dest: wire.GroupOf(family), HopLimit: wire.HopLimit}
		if err := a.Decode(f.payload, path); err != nil {
			panic("sim: a router sent what none may send: " + err.Error())
		}
		age := min(r.world.now.Sub(at), time.Second)
		for _, g := range r.cfg {
			for _, m := range g.Members {
				if m.Interface == p.name && m.VRID == a.VRID && m.Family == family {
					r.absorb(vrrp.Heard{
						Cause: r.minter.Cause(r.world.now.Add(-age)), Instance: m.Virtual.Instance,
						Source: f.source, Version: a.Version, Priority: a.Priority, Interval: a.Interval, Checksum: a.Checksum,
					})
				}
			}
		}
	})
}

// absorb is a turn of the router's loop for one input, or a part of one.
func (r *Router) absorb(in vrrp.Input) {
	var out router.Orders
	r.core.Absorb(r.world.now, in, &out)
	r.give(&out)
	if !r.reading {
		r.turn()
	}
}

// turn ends timers, and plans the next wake-up.
func (r *Router) turn() {
	var out router.Orders
	r.core.Tick(r.world.now, &out)
	r.give(&out)
	if r.world.OnTurn != nil {
		r.world.OnTurn(r)
	}
	at, ok := r.core.Deadline()
	if !ok {
		at = r.world.now.Add(time.Hour)
	}
	r.wake = at
	life := r.life
	r.world.After(at.Sub(r.world.now), func() {
		if r.life == life && !r.paused && r.hung.IsZero() && r.wake.Equal(at) {
			r.turn()
		}
	})
}

// give carries out orders: the engine, the addresses and the verifiers.
func (r *Router) give(out *router.Orders) {
	r.advertise(out.Adverts)
	for _, o := range out.Addresses {
		for _, name := range o.Instances {
			switch o.Kind {
			case addr.Hold:
				r.Held[name] = true
			case addr.Release:
				delete(r.Held, name)
			}
		}
		for _, name := range o.Links {
			r.ask(r.ports[name])
		}
	}
	for _, e := range out.Events {
		if r.world.OnEvent != nil {
			r.world.OnEvent(r, e)
		}
	}
	if v := out.Verify; v != nil {
		r.verify(v)
	}
}

// verify answers when the links have been asked; the sockets of this world
// have no backlog.
func (r *Router) verify(v *router.Verify) {
	life := r.life
	var answer func()
	answer = func() {
		switch {
		case r.life != life:
			return
		case r.paused:
			r.asleep = append(r.asleep, answer)
			return
		}
		for _, name := range v.Interfaces {
			if p := r.ports[name]; p.plugged != r.known[name] {
				r.look(p)
			}
		}
		for _, by := range []vrrp.Verifier{vrrp.Confirmer, vrrp.Receiver} {
			r.whenRunning(results, func() { r.absorb(vrrp.Answered{Ticket: v.Ticket, By: by}) })
		}
	}
	took := r.world.between(50*time.Microsecond, time.Millisecond)
	if w := r.world; w.Slow > 0 && w.rng.Float64() < w.Slow {
		took = w.between(took, max(took, min(patience, r.cfg[0].Members[0].Interval)/2))
	}
	r.world.After(took, answer)
}

// patience is how long the verifiers are waited for at most (design decision 6).
const patience = 100 * time.Millisecond
