package sim

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/machine"
)

// Router is one router of the LAN: the core of ripcord, and the parts around it for links,
// adverts and addresses.
type Router struct {
	Name  string
	at    int // position among the routers of the world
	world *World
	born  []vrrp.Group // the original configuration
	configuration
	links    []*Port // those of its instances, and tracked ones
	released map[string]bool

	core   *router.Core // nil while it is off
	minter *event.Minter
	process

	loop     loop
	monitor  monitor
	receiver receiver
	engine   engine
	worker   worker
	watcher  watcher
	fence    fence
	trackers trackers
	clock    clock
	memory   memory
}

// Attachment is the segment into which an interface is plugged, and its source addresses.
type Attachment struct {
	Segment string
	Sources []netip.Prefix
}

// newRouter returns a router of a world that is powered off.
func newRouter(w *World, name string, groups []vrrp.Group, links map[string]Attachment) *Router {
	r := &Router{Name: name, at: len(w.Routers), world: w, born: groups, released: make(map[string]bool)}
	r.byName = make(map[string]*instance)
	r.clock.world = w
	r.loop.router, r.monitor.router, r.receiver.router, r.engine.router = r, r, r, r
	r.worker.router, r.watcher.router, r.fence.router, r.trackers.router, r.memory.router = r, r, r, r, r
	r.loop.wakeUp, r.engine.alarm, r.watcher.wakeUp = w.newTimer(r.loop.wake), w.newTimer(r.engine.wake), w.newTimer(r.watcher.turn)
	r.receiver.filter.router, r.receiver.filter.wakeUp = r, w.newTimer(r.receiver.filter.turn)
	r.know(groups, links)
	r.file = groups
	r.adopt(w.now)
	return r
}

// know creates the instances, ports and checks of a configuration that are new.
func (r *Router) know(groups []vrrp.Group, links map[string]Attachment) {
	for g := range groups {
		for i := range groups[g].Members {
			r.addInstance(&groups[g].Members[i], links)
		}
	}
	for e := range entries(groups...) {
		switch {
		case e.Kind == vrrp.TrackCheck && r.trackers.check(e.Name) == nil:
			r.trackers.add(e.Name)
		case e.Kind == vrrp.TrackInterface && r.Port(e.Name) == nil:
			r.addPort(e.Name, links[e.Name])
		}
	}
}

// addInstance adds an instance, unless there is one with that name on that interface.
func (r *Router) addInstance(is *vrrp.Instance, links map[string]Attachment) {
	known := r.byName[is.Name]
	if known != nil && known.port.name == is.Interface {
		return
	}
	in := &instance{Instance: is, router: r, at: len(r.all)}
	if in.port = r.Port(is.Interface); in.port == nil {
		in.port = r.addPort(is.Interface, links[is.Interface])
	}
	in.port.instances = append(in.port.instances, in)
	r.all = append(r.all, in)
	r.byName[is.Name] = in
}

// Plug plugs an interface into its segment that no instance has yet: a reload may use it.
func (r *Router) Plug(name string, at Attachment) {
	if r.Port(name) == nil {
		r.addPort(name, at)
	}
}

func (r *Router) addPort(name string, at Attachment) *Port {
	s := r.world.Segment(at.Segment)
	p := &Port{router: r, name: name, segment: s, at: len(s.ports), plugged: true, own: at.Sources, sources: at.Sources, listed: &at.Sources}
	s.ports, r.links = append(s.ports, p), append(r.links, p)
	return p
}

// Port returns the router's port for an interface; nil if it has none.
func (r *Router) Port(name string) *Port {
	for _, p := range r.links {
		if p.name == name {
			return p
		}
	}
	return nil
}

// owns reports whether a port of the router has an address.
func (r *Router) owns(a netip.Addr) bool {
	return slices.ContainsFunc(r.links, func(p *Port) bool { return p.sources.has(a) })
}

// up reports whether the machine of a router runs, with its daemon or without.
func (r *Router) up() bool { return r.core != nil || r.memory.dead }

// Core returns the router's core; nil while it is off.
func (r *Router) Core() *router.Core { return r.core }

// group returns the state machine of the router's first group. The router must be on.
func (r *Router) group() *machine.Machine { return r.core.Group(0) }

// active reports whether the first group of the router is Active.
func (r *Router) active() bool { return r.core != nil && r.group().State() == event.Active }

// publish passes events to OnEvent.
func (r *Router) publish(events []event.Event) {
	if r.world.OnEvent == nil {
		return
	}
	for _, e := range events {
		r.world.OnEvent(r, e)
	}
}

// later calls f after d, unless the router has crashed by then.
func (r *Router) later(d time.Duration, f func()) {
	life := r.life
	r.world.After(d, func() {
		if r.life == life && r.core != nil {
			f()
		}
	})
}
