package sim

import (
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// This file has the knowledge of an omniscient observer about a router with one group: whether it
// serves, whether it could, and whether it should.

// serves reports whether a router serves clients, at least partly for each instance.
func (r *Router) serves() bool {
	if r.core == nil || r.paused || !r.active() {
		return false
	}
	for _, in := range r.instances {
		if in.fails && in.missing == vrrp.Total || !in.placed {
			return false
		}
	}
	return true
}

// holds reports whether a router was ordered to hold any address.
func (r *Router) holds() bool {
	return slices.ContainsFunc(r.instances, func(in *instance) bool { return in.held })
}

// servesNothing reports whether a router can put none of the advertised addresses of one of its
// instances in place.
func (r *Router) servesNothing() bool {
	return slices.ContainsFunc(r.instances, func(in *instance) bool { return in.fails && in.missing == vrrp.Total })
}

// lacks reports whether a router lacks anything that it should hold.
func (r *Router) lacks() bool {
	return slices.ContainsFunc(r.instances, func(in *instance) bool { return in.fails })
}

// mayBeImpaired reports whether a router lacks something as far as it knows.
func (r *Router) mayBeImpaired() bool {
	for _, m := range r.group().Status(r.world.now).Members {
		if len(m.Missing) > 0 {
			return true
		}
	}
	return false
}

// isReleased reports whether the first group of a router is released.
func (r *Router) isReleased() bool { return r.released[r.groups[0].Title()] }

// priority returns the present priority of the router; that of its configuration while it is off.
func (r *Router) priority() uint8 {
	if r.core == nil {
		return r.instances[0].Priority
	}
	return r.group().Priority()
}

// mayPreempt reports whether a router may take over from another that is Active.
func (r *Router) mayPreempt(o *Router) bool {
	in, theirs := r.instances[0], o.instances[0]
	ours, others := r.priority(), o.priority()
	return ours == vrrp.Owner || (in.Preempt || others <= r.groups[0].Impaired()) && others < ours && theirs.Version == in.Version
}

// healthy reports whether a router could be Active, whatever it knows.
func (r *Router) healthy() bool {
	if !r.loop.running() || r.isReleased() || r.trackers.wait() || r.trackers.barred(r.trackers.truth) || r.trackers.barred(r.trackers.knowledge) ||
		r.servesNothing() || r.worker.hung || r.worker.distrusted() {
		return false
	}
	for _, p := range r.ports {
		if !p.usable() || p.noticed {
			return false
		}
	}
	return true
}

// sound reports whether a router is healthy and knows it.
func (r *Router) sound() bool {
	if !r.healthy() || r.group().State() == event.Fault {
		return false
	}
	for _, p := range r.ports {
		if !p.known {
			return false
		}
	}
	return true
}

// longestHoldOff is the longest time between two probes whether adverts leave again.
const longestHoldOff = 5 * time.Minute

// refused reports whether the sends of a router failed so recently that it may not have noticed
// that they work again.
func (r *Router) refused() bool {
	return slices.ContainsFunc(r.ports, func(p *Port) bool { return r.world.now.Before(p.mended.Add(longestHoldOff)) })
}

// heldOff reports whether a router whose sends have failed has yet to notice that they work
// again, or noticed it so recently that it has not settled; or whether it has trusted its worker
// again for a short time only.
func (r *Router) heldOff(settle time.Duration) bool {
	if r.world.now.Sub(r.worker.trusted) < settle {
		return true
	}
	if !r.refused() {
		return false
	}
	for _, m := range r.group().Status(r.world.now).Members {
		if m.LastEvent == event.Recovered && r.world.now.Sub(m.Since) < settle {
			return true
		}
		for _, f := range m.Faults {
			if f.Reason == event.SendFailed {
				return true
			}
		}
	}
	return false
}

// triesAgain reports whether a router may find out repeatedly that it lacks something, or that
// its sends fail.
func (r *Router) triesAgain() bool { return r.lacks() || r.refused() }

// shares reports whether the group of a router has the same instance as another router.
func (r *Router) shares(in *instance) bool { return r.has(r.all[in.at]) }

// apart reports whether the clocks of two routers differ by more than the window.
func (r *Router) apart(o *Router) bool {
	window := r.world.window()
	return window > 0 && (r.clock.ahead-o.clock.ahead).Abs() > window
}

// knowsOf reports whether the adverts of o prove to r that o is present: r accepts them, or their
// times prove it, which they do no longer if the clock of o was set back since r was started. An
// owner does not wait for adverts that it does not accept.
func (r *Router) knowsOf(o *Router) bool {
	return !r.apart(o) || r.instances[0].Priority != vrrp.Owner && o.clock.back.Before(r.started)
}

// alone reports whether an instance serves without its group, as the last one standing.
func (in *instance) alone() bool {
	r := in.router
	if r.core == nil || !r.groups[0].LastStanding {
		return false
	}
	if s := r.group().State(); s != event.Fault && s != event.Backup {
		return false
	}
	for _, m := range r.group().Status(r.world.now).Members {
		if m.Instance.Name == in.Name {
			return m.LastStanding
		}
	}
	return false
}
