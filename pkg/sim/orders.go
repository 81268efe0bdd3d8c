package sim

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/router"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// This file has the actions of a person on a router: another configuration, and releases.

// Reload changes the first group of a router's configuration, which the router reads at once if
// it is on. A loop that stands still reads it when it runs again.
func (r *Router) Reload(change func(g *vrrp.Group)) { r.Reconfigure(r.edited(change), nil) }

// Reconfigure gives a router another configuration in the same way. links are the segments into
// which its new interfaces are plugged.
func (r *Router) Reconfigure(groups []vrrp.Group, links map[string]Attachment) {
	r.world.disturb()
	r.know(groups, links)
	r.file = groups
	if r.core == nil {
		r.adopt(r.world.now)
		return
	}
	r.loop.whenRunning(results, r.reconfigure)
}

// reconfigure is a turn of the loop for a new configuration: that of the receiver comes first.
func (r *Router) reconfigure() {
	w := r.world
	w.disturb()
	r.receiver.filter.stop()
	before := make(map[*instance]bool, len(r.instances))
	for _, in := range r.instances {
		before[in] = true
	}
	r.adopt(w.now)
	for _, p := range r.links {
		if p.seen.Name == "" { // it is new
			r.monitor.look(p)
		}
	}
	r.receiver.reconfigure()
	r.core.Reconfigure(w.now, router.Reconfiguration{Groups: r.groups}, r.monitor.seen(), r.loop.collect())
	r.loop.give()
	for _, in := range r.instances { // the receiver and the worker report again for new instances
		if before[in] {
			in.reconfigured()
		} else {
			in.reported = false
			if in.port.noticed {
				r.loop.report(vrrp.Condition{Cause: r.minter.Cause(w.now), Instance: in.Name, Reason: event.Deaf, On: true})
			}
		}
	}
	for _, c := range r.trackers.checks {
		if c.runs == nil {
			c.reportLater(w.disturb)
		}
	}
	r.loop.endTurn()
}

// Release releases a group, as a person does.
func (r *Router) Release(group string) { r.setReleased(group, true) }

// Readmit ends the release.
func (r *Router) Readmit(group string) { r.setReleased(group, false) }

func (r *Router) setReleased(group string, on bool) {
	r.world.disturb()
	r.released[group] = on
	r.loop.whenRunning(results, func() {
		r.world.disturb()
		r.reportReleased(group, false)
	})
}

// reportReleased reports to the loop whether a group is released; with only, only if it is.
func (r *Router) reportReleased(group string, only bool) {
	if on := r.released[group]; on || !only {
		r.loop.absorb(vrrp.Released{Cause: r.minter.Cause(r.world.now), Group: group, On: on})
	}
}

// SetClock sets the wall clock ahead of the true time.
func (r *Router) SetClock(ahead time.Duration) { r.clock.set(ahead) }

// SetChecks makes the router run the given checks by their interval, rise and fall from now on;
// it knows the findings of other checks soon. A check with an equal probe keeps its state.
func (r *Router) SetChecks(specs []track.Spec) {
	r.trackers.specs = slices.Clone(specs)
	for _, c := range r.trackers.checks {
		c.adopt()
	}
}

// SetCheck sets the finding of a check of the router.
func (r *Router) SetCheck(name string, f Finding) {
	if c := r.trackers.check(name); c != nil {
		c.set(f)
	}
}

// FailPlacement makes it impossible to put some or all of the objects of an instance in place:
// those that are in place are removed.
func (r *Router) FailPlacement(name string, missing vrrp.Degree) {
	r.world.disturb()
	r.instance(name).fail(missing)
}

// RestorePlacement ends that. With seen the worker notices it, even if the instance is not held,
// as when an interface appears.
func (r *Router) RestorePlacement(name string, seen bool) {
	r.world.disturb()
	r.instance(name).restore(seen)
}

// HangWorker stops the address worker alone.
func (r *Router) HangWorker() {
	r.world.disturb()
	r.worker.hang()
}

// WakeWorker lets it continue with its orders.
func (r *Router) WakeWorker() {
	r.world.disturb()
	r.worker.wake()
}

// setInterval gives all instances of the first group of a router an interval. The others keep the
// old one, if it is longer, until they hear the new one.
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
		if o.core != nil && !o.loop.running() {
			o.slow = max(o.slow, was, d)
		}
	}
}

// learnt returns how long an interval that was heard once may determine a wait.
func learnt(interval time.Duration) time.Duration { return 5 * interval }

// edit is a change of the first group of a configuration.
type edit = func(g *vrrp.Group)

// withPriority gives all members a priority.
func withPriority(p uint8) edit {
	return func(g *vrrp.Group) {
		for i := range g.Members {
			g.Members[i].Priority = p
		}
	}
}

// withAddresses gives the first member other addresses.
func withAddresses(list []netip.Addr) edit {
	return func(g *vrrp.Group) { g.Members[0].Addresses = list }
}

// withFence gives the group another fence.
func withFence(f *vrrp.Fence) edit { return func(g *vrrp.Group) { g.Fence = f } }

// withWeight gives the first tracker of the group another weight; with 0 its failure is a fault.
func withWeight(weight int) edit { return func(g *vrrp.Group) { g.Track[0].Weight = weight } }

// removeLast removes the last member from the group of a router, and returns a function that adds
// it again.
func (r *Router) removeLast() (restore func()) {
	if len(r.file[0].Members) < len(r.all) {
		return func() {} // it is already removed
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
