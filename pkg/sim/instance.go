package sim

import (
	"time"

	"ripcord/pkg/vrrp"
)

// instance is one virtual router of a router: what was ordered for it, and what stands
// of it.
type instance struct {
	*vrrp.Instance
	router  *Router
	at      int // place among the router's instances
	port    *Port
	present bool // in the configuration that is in force
	// fails reports that the kernel refuses some or all of its addresses; missing says
	// which. A crash does not change it.
	fails   bool
	missing vrrp.Degree
	joined  time.Time // when it last came to the group by a reload
	serving bool      // at the last review
	run
}

// run is what a start of the router begins anew.
type run struct {
	// Orders to the engine: its adverts are repeated; from when the engine is to start them
	// by itself; when it was last ordered to fall silent.
	advertised bool
	begun      time.Time // when it was last ordered to begin or to replace them
	armed      time.Time
	silenced   time.Time
	sent       *frame        // the last one
	left       time.Duration // when its last advert left; 0: it was ordered to fall silent since
	leftWith   uint8         // the priority of that
	since      time.Duration // when the first left after the last such order, or that of the daemon before which it goes on with
	// Orders to the worker, and their results.
	held     bool
	placed   bool // its addresses stand, but for what cannot be put in place
	reported bool // the last report said that something is missing
	plans    int  // counts what was planned to be reported: the last plan holds
}

// serves reports whether the stations of its segment reach a router that holds the addresses
// of the instance.
func (in *instance) serves() bool {
	r := in.router
	return in.placed && r.up() && !r.frozen && in.port.reachable() && !(in.fails && in.missing == vrrp.Total)
}

// review notes whether the instance serves, and reports it where that has changed.
func (in *instance) review() {
	if now := in.serves(); now != in.serving {
		in.serving = now
		if w := in.router.world; w.OnServe != nil {
			w.OnServe(in.router, in.Instance, now)
		}
	}
}

// reconfigured reports that an instance which serves has another configuration.
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

// note notes that an advert left, and forget that no other follows.
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

// counts reports whether an Active that was last heard so long ago counts as alive.
func (in *instance) counts(o heard, ago time.Duration) bool {
	return ago > crossing && ago < time.Duration(in.Miss)*o.interval
}
