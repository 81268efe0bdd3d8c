package sim

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/router"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// Reload changes the configuration of a router, which it reads at once if it is on. A
// loop that stands still reads it when it goes on.
func (r *Router) Reload(change func(g *vrrp.Group)) {
	r.world.disturb()
	file := slices.Clone(r.file)
	file[0].Members, file[0].Track = slices.Clone(file[0].Members), slices.Clone(file[0].Track)
	change(&file[0])
	r.file = file
	if r.core == nil {
		r.adopt()
		return
	}
	r.whenRunning(results, r.reconfigure)
}

// adopt makes the configuration that the router has read the one in force.
func (r *Router) adopt() {
	if len(r.gone()) > 0 {
		r.lacked = r.world.now
	}
	r.cfg = r.file
	before := r.instances
	r.instances, r.ports = nil, nil
	for i := range r.cfg[0].Members {
		in := r.instance(r.cfg[0].Members[i].Name)
		in.Instance = &r.cfg[0].Members[i]
		r.instances = append(r.instances, in)
		if !slices.Contains(r.ports, in.port) {
			r.ports = append(r.ports, in.port)
		}
		if before != nil && !slices.Contains(before, in) {
			in.joined = r.world.now
		}
	}
}

// reconfigure is a turn of the loop for a new configuration: that of the receiver comes
// first.
func (r *Router) reconfigure() {
	r.world.disturb()
	before := r.instances
	r.adopt()
	r.judge = r.judge.Succeed(r.configs(), stats.Map(nil))
	for _, p := range r.links {
		r.judge.Learn(p.seen)
	}
	r.core.Reconfigure(r.world.now, router.Reconfiguration{Groups: r.cfg}, r.seen(), r.collect())
	r.give()
	for _, in := range r.instances { // the receiver and the worker report anew what is new to them
		if !slices.Contains(before, in) {
			in.reported = false
			if in.port.noticed {
				r.report(vrrp.Condition{Cause: r.minter.Cause(r.world.now), Instance: in.Name, Reason: event.Deaf, On: true})
			}
		}
	}
	for _, c := range r.checks {
		c.reportLater(r.world.disturb)
	}
	if !r.reading {
		r.turn()
	}
}

// configs returns the configurations of the instances.
func (r *Router) configs() (all []*vrrp.Instance) {
	for _, in := range r.instances {
		all = append(all, in.Instance)
	}
	return all
}

// seen returns the links as the router last saw them.
func (r *Router) seen() (links []event.Link) {
	for _, p := range r.links {
		links = append(links, p.seen)
	}
	return links
}

// gone returns the instances that the group has no more.
func (r *Router) gone() (list []*instance) {
	for _, in := range r.all {
		if !slices.Contains(r.instances, in) {
			list = append(list, in)
		}
	}
	return list
}

// Release is a person's order to take no part.
func (r *Router) Release() { r.setReleased(true) }

// Readmit ends the release.
func (r *Router) Readmit() { r.setReleased(false) }

func (r *Router) setReleased(on bool) {
	r.world.disturb()
	r.released = on
	r.whenRunning(results, func() {
		r.world.disturb()
		r.absorb(vrrp.Released{Cause: r.minter.Cause(r.world.now), Group: r.cfg[0].Name, On: r.released})
	})
}

// setInterval gives all instances of a router an interval. The others keep the old one,
// where it is longer, until they hear the new one.
func (r *Router) setInterval(d time.Duration) {
	w := r.world
	was := w.longest()
	r.Reload(func(g *vrrp.Group) {
		for i := range g.Members {
			g.Members[i].Interval = d
		}
	})
	w.disturbFor(learnt(max(was, d)))
	for _, o := range w.Routers {
		if o.core != nil && !o.running() {
			o.slow = max(o.slow, was, d)
		}
	}
}

// learnt returns how long an interval that was heard once may set a wait.
func learnt(interval time.Duration) time.Duration { return 5 * interval }

// forgetSlow notes that a router which goes on reads adverts of an interval that nobody
// has any more.
func (r *Router) forgetSlow() {
	r.world.disturbFor(learnt(r.slow))
	r.slow = 0
}

// setPriority gives all instances of a router a priority.
func (r *Router) setPriority(p uint8) {
	r.Reload(func(g *vrrp.Group) {
		for i := range g.Members {
			g.Members[i].Priority = p
		}
	})
}

// setAddresses gives the first instance of a router other addresses.
func (r *Router) setAddresses(list []netip.Addr) {
	r.Reload(func(g *vrrp.Group) { g.Members[0].Addresses = list })
}

// removeLast takes the last member out of the group of a router, and returns what brings
// it back.
func (r *Router) removeLast() (restore func()) {
	if len(r.file[0].Members) < len(r.all) {
		return func() {} // it is out
	}
	last := r.file[0].Members[len(r.all)-1]
	r.Reload(func(g *vrrp.Group) { g.Members = g.Members[:len(g.Members)-1] })
	return func() {
		r.Reload(func(g *vrrp.Group) {
			last.Priority, last.Interval = g.Members[0].Priority, g.Members[0].Interval // they may have changed
			g.Members = append(g.Members, last)
		})
	}
}
