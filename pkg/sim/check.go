package sim

import (
	"fmt"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// Check watches a world of routers with one group each, alike on all, and
// collects what must not be: the invariants stand on one page (invariants.go).
type Check struct {
	witness
	Takeovers int // how often any became Active

	turns     []turnRule
	takeovers []takeoverRule
	demotions []demotionRule
	frames    []frameRule
	events    []eventRule
	fences    []fenceRule
	lan       []lanRule
	rests     []restRule
	resumes   []resumeRule
}

// rule is what all invariants have: what was seen so far, and their name.
type rule struct {
	*witness
	name string
}

// violate notes that the invariant does not hold.
func (r rule) violate(format string, args ...any) {
	if len(r.Violations) < most {
		r.Violations = append(r.Violations, fmt.Sprintf("%v: %s: ", r.World.Elapsed(), r.name)+fmt.Sprintf(format, args...))
	}
}

// most is how many violations are kept: the first ones explain the others.
const most = 20

// The moments at which an invariant looks: it has one method at least of these.
type (
	turnRule     interface{ turned(r *Router, active bool) } // a router, after its turn
	takeoverRule interface {
		tookOver(r *Router, priority uint8) // a router that became Active, and its priority until then
	}
	demotionRule interface {
		demoted(r *Router, was uint8) // an Active that lowered its priority
	}
	frameRule interface {
		sent(in *instance, m *advert.Message) // what a router is about to send
	}
	eventRule interface {
		logged(r *Router, e event.Event)
	} // what a router logs
	fenceRule interface {
		ran(r *Router, f *vrrp.RunFence) // a router that runs its fence command
	}
	lanRule    interface{ looked() }          // the LAN, after a turn of any router
	restRule   interface{ atRest() }          // the LAN, at the end of a quiet time
	resumeRule interface{ wentOn(r *Router) } // a router that was stopped and has just gone on
)

// NewCheck returns a check that sees all that happens in a world, all of whose routers
// are made.
func NewCheck(w *World) *Check {
	c := &Check{witness: newWitness(w)}
	for _, inv := range c.all() {
		c.turns = appendIf(c.turns, inv)
		c.takeovers = appendIf(c.takeovers, inv)
		c.demotions = appendIf(c.demotions, inv)
		c.frames = appendIf(c.frames, inv)
		c.events = appendIf(c.events, inv)
		c.fences = appendIf(c.fences, inv)
		c.lan = appendIf(c.lan, inv)
		c.rests = appendIf(c.rests, inv)
		c.resumes = appendIf(c.resumes, inv)
	}
	w.OnTurn, w.OnEvent, w.onFrame, w.onHear = c.turn, c.Event, c.frame, c.witness.heard
	w.onFence, w.onFenced = c.fence, c.witness.endedFence
	return c
}

// appendIf appends an invariant that looks at some moment to those that do.
func appendIf[R any](list []R, invariant any) []R {
	if r, ok := invariant.(R); ok {
		return append(list, r)
	}
	return list
}

// turn checks a router after its turn, and the LAN with it.
func (c *Check) turn(r *Router) {
	active := r.active()
	rec := c.witness.begin(r)
	for _, inv := range c.turns {
		inv.turned(r, active)
	}
	was := rec.priority
	c.witness.note(r)
	if was != 0 && r.active() && rec.active && rec.priority < was {
		for _, inv := range c.demotions {
			inv.demoted(r, was)
		}
	}
	if active && !rec.active {
		c.Takeovers++
		for _, inv := range c.takeovers {
			inv.tookOver(r, was)
		}
	}
	c.witness.move(r, active)
	for _, inv := range c.lan {
		inv.looked()
	}
}

// frame checks what a router sends.
func (c *Check) frame(in *instance, m *advert.Message) {
	for _, inv := range c.frames {
		inv.sent(in, m)
	}
}

// Event checks what a router logs.
func (c *Check) Event(r *Router, e event.Event) {
	for _, inv := range c.events {
		inv.logged(r, e)
	}
	c.witness.logged(r, e)
	switch e.(type) {
	case event.ProbeDead:
		c.Dead++
	case event.ProbeSuspended:
		c.Suspended++
	}
}

// fence checks a router that runs its fence command.
func (c *Check) fence(r *Router, f *vrrp.RunFence) {
	for _, inv := range c.fences {
		inv.ran(r, f)
	}
	c.witness.ranFence(r)
}

// Rest checks a LAN that has been quiet for long.
func (c *Check) Rest() {
	for _, inv := range c.rests {
		inv.atRest()
	}
}

// Resumed checks a router that was stopped and has just gone on.
func (c *Check) Resumed(r *Router) {
	for _, inv := range c.resumes {
		inv.wentOn(r)
	}
}
