package sim

import (
	"time"

	"ripcord/pkg/vrrp"
)

// instance is one virtual router of a router: what was ordered for it, and what stands
// of it.
type instance struct {
	*vrrp.Instance
	router *Router
	at     int // place among the router's instances
	port   *Port
	// fails reports that the kernel refuses some or all of its addresses; missing says
	// which. A crash does not change it.
	fails   bool
	missing vrrp.Degree
	joined  time.Time // when it last came to the group by a reload
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
	sent       *frame // the last one
	// Orders to the worker, and their results.
	held     bool
	placed   bool // its addresses stand, but for what cannot be put in place
	reported bool // the last report said that something is missing
	plans    int  // counts what was planned to be reported: the last plan holds
}

// instance returns the instance of a name.
func (r *Router) instance(name string) *instance {
	for _, in := range r.all {
		if in.Name == name {
			return in
		}
	}
	panic("sim: no instance " + name)
}

// holds reports whether a router was ordered to hold any address.
func (r *Router) holds() bool {
	for _, in := range r.instances {
		if in.held {
			return true
		}
	}
	return false
}
