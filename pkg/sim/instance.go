package sim

import (
	"time"

	"ripcord/pkg/vrrp"
)

// instance is one virtual router of a router: its orders, and their results.
type instance struct {
	*vrrp.Instance
	router  *Router
	at      int // position among the router's instances
	port    *Port
	present bool // in the configuration that is in force
	// fails reports that the kernel refuses some or all of its addresses; missing is which. A
	// crash does not change it.
	fails   bool
	missing vrrp.Degree
	joined  time.Time // when a reload last added it to the group
	serving bool      // at the last review
	run
}

// run is the part of an instance that a start of the router resets.
type run struct {
	// These are orders to the engine: whether its adverts are repeated, from when the engine
	// starts them without the loop, and when it was last ordered to end them.
	advertised bool
	begun      time.Time // when it was last ordered to begin or to replace them
	armed      time.Time
	silenced   time.Time
	sent       *frame        // the last one
	left       time.Duration // when its last advert left; 0 if it was ordered to fall silent since
	leftWith   uint8         // the priority of that advert
	since      time.Duration // when the first advert left after the last such order, or that of the previous daemon if the group was adopted
	// These are orders to the worker, and their results.
	held     bool
	placed   bool // its addresses are in place, except for those that cannot be
	reported bool // the last report was that something is missing
	plans    int  // counts planned reports: only the last plan is valid
	// recorded are the Actives that are recorded for the next daemon.
	recorded []vrrp.Advertiser
}

// serves reports whether the stations of its segment reach a router that holds the addresses of
// the instance.
func (in *instance) serves() bool {
	r := in.router
	return in.placed && r.up() && !r.frozen && in.port.reachable() && !(in.fails && in.missing == vrrp.Total)
}

// review records whether the instance serves, and reports a change.
func (in *instance) review() {
	if now := in.serves(); now != in.serving {
		in.serving = now
		if w := in.router.world; w.OnServe != nil {
			w.OnServe(in.router, in.Instance, now)
		}
	}
}

// reconfigured reports that an instance that serves has another configuration.
func (in *instance) reconfigured() {
	if w := in.router.world; in.serving && w.OnServe != nil {
		w.OnServe(in.router, in.Instance, true)
	}
}

// review reviews some instances.
func review(all []*instance) {
	for _, in := range all {
		in.review()
	}
}

// note records that an advert left, and forget that no other follows.
func (in *instance) note(priority uint8) {
	if in.left, in.leftWith = boottime(in.router.world.now), priority; in.since == 0 {
		in.since = in.left
	}
}
func (in *instance) forget() { in.left, in.since = 0, 0 }

// mayAdvertise reports whether the adverts of an instance were ordered to leave by now.
func (in *instance) mayAdvertise() bool {
	return in.advertised || !in.armed.IsZero() && !in.router.world.now.Before(in.armed)
}

// counts reports whether an Active that was last heard the given time ago counts as alive.
func (in *instance) counts(o heard, ago time.Duration) bool {
	return ago > crossing && ago < time.Duration(in.Miss)*o.interval
}
