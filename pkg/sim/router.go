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
	paused bool
	queue  []func() // what came in while paused
	wake   time.Time
	known  map[string]bool // what it knows of its links
	seq    uint64

	// Held are the instances whose addresses stand; Sending those whose adverts
	// are repeated.
	Held, Sending map[string]bool
}

type frame struct {
	payload []byte
	source  netip.Addr
}

// AddRouter makes a router with a port for each interface: interface name to
// segment name and source address. It is powered off.
func (w *World) AddRouter(name string, groups []vrrp.Group, links map[string]Attachment) *Router {
	r := &Router{Name: name, world: w, cfg: groups, ports: make(map[string]*Port), addrs: make(map[string]netip.Addr)}
	for iface, at := range links {
		p := &Port{router: r, name: iface, segment: w.Segments[at.Segment], plugged: true}
		p.segment.ports = append(p.segment.ports, p)
		r.ports[iface], r.addrs[iface] = p, at.Source
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

// Paused reports whether the process is stopped.
func (r *Router) Paused() bool { return r.paused }

// Start powers the router on: it learns its links and begins.
func (r *Router) Start() {
	w := r.world
	w.disturb()
	r.life++
	r.minter = event.NewMinter(0)
	r.core = router.NewCore(r.cfg, r.minter, w.now)
	r.plan = advert.NewPlan()
	r.Held, r.Sending, r.known = map[string]bool{}, map[string]bool{}, map[string]bool{}
	r.queue, r.paused, r.wake = nil, false, w.now
	for _, g := range r.cfg {
		for _, m := range g.Members {
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
	r.world.disturb()
	r.paused = true
}

// Resume lets it go on: what came in meanwhile is read now.
func (r *Router) Resume() {
	if r.core == nil || !r.paused {
		return
	}
	r.world.disturb()
	r.paused = false
	now := r.world.now
	if late := now.Sub(r.wake); late > 0 {
		var out router.Orders
		r.core.Slept(now, late, &out)
		r.give(&out)
	}
	queued := r.queue
	r.queue = nil
	for _, do := range queued {
		do()
	}
	r.turn()
}

// whenRunning does f now, or on Resume.
func (r *Router) whenRunning(f func()) {
	switch {
	case r.core == nil:
	case r.paused:
		r.queue = append(r.queue, f)
	default:
		f()
	}
}

// look makes the router see what a link is like.
func (r *Router) look(p *Port) {
	r.whenRunning(func() {
		r.seq++
		link := event.Link{
			Cause: r.minter.Cause(r.world.now), Seq: r.seq, Name: p.name, Index: 1,
			Usable: p.plugged, AdminUp: true, Carrier: p.plugged, Primary4: r.addrs[p.name],
		}
		if was, ok := r.known[p.name]; ok && was && !p.plugged {
			link.Downs = 1
		}
		r.known[p.name] = p.plugged
		r.absorb(vrrp.LinkSeen{Link: link})
	})
}

// receive takes an advert from the wire, through the real decoder.
func (r *Router) receive(p *Port, f frame) {
	at := r.world.now
	r.whenRunning(func() {
		var a wire.Advert
		path := wire.Path{Source: f.source, Dest: wire.GroupOf(event.IPv4), HopLimit: wire.HopLimit}
		if err := a.Decode(f.payload, path); err != nil {
			panic("sim: a router sent what none may send: " + err.Error())
		}
		age := min(r.world.now.Sub(at), time.Second)
		for _, g := range r.cfg {
			for _, m := range g.Members {
				if m.Interface == p.name && m.VRID == a.VRID {
					r.absorb(vrrp.Heard{
						Cause: r.minter.Cause(r.world.now.Add(-age)), Instance: m.Virtual.Instance,
						Source: f.source, Priority: a.Priority, Interval: a.Interval, Checksum: a.Checksum,
					})
				}
			}
		}
	})
}

// absorb is a turn of the router's loop for one input.
func (r *Router) absorb(in vrrp.Input) {
	var out router.Orders
	r.core.Absorb(r.world.now, in, &out)
	r.give(&out)
	r.turn()
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
		if r.life == life && !r.paused && r.wake.Equal(at) {
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
	r.world.After(r.world.between(50*time.Microsecond, time.Millisecond), func() {
		if r.life != life {
			return
		}
		for _, name := range v.Interfaces {
			if p := r.ports[name]; r.core != nil && p.plugged != r.known[name] {
				r.look(p)
			}
		}
		r.whenRunning(func() { r.absorb(vrrp.Answered{Ticket: v.Ticket, By: vrrp.Confirmer}) })
		r.whenRunning(func() { r.absorb(vrrp.Answered{Ticket: v.Ticket, By: vrrp.Receiver}) })
	})
}
