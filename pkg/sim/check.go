package sim

import (
	"fmt"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// Check observes a world of routers with one group each, equal on all, and collects violations:
// the invariants are listed on one page (invariants.go).
type Check struct {
	observer
	Takeovers int // how often a router became Active

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

// rule is the common part of all invariants: the observations so far, and their name.
type rule struct {
	*observer
	name string
}

// violate records that the invariant does not hold.
func (r rule) violate(format string, args ...any) {
	if len(r.Violations) < maxViolations {
		r.Violations = append(r.Violations, fmt.Sprintf("%v: %s: ", r.World.Elapsed(), r.name)+fmt.Sprintf(format, args...))
	}
}

// maxViolations is how many violations are kept: the first ones explain the others.
const maxViolations = 20

// An invariant is checked at one or several of these moments, and has a method for each of them.
type (
	turnRule     interface{ turned(r *Router, active bool) } // a router, after its turn
	takeoverRule interface {
		tookOver(r *Router, priority uint8) // a router that became Active, and its priority until then
	}
	demotionRule interface {
		demoted(r *Router, was uint8) // an Active that lowered its priority
	}
	frameRule interface {
		sent(in *instance, m *advert.Message) // a message that a router is about to send
	}
	eventRule interface {
		logged(r *Router, e event.Event)
	} // an event that a router logs
	fenceRule interface {
		ran(r *Router, f *vrrp.RunFence) // a router that runs its fence command
	}
	lanRule    interface{ looked() }          // the LAN, after a turn of any router
	restRule   interface{ atRest() }          // the LAN, at the end of a quiet time
	resumeRule interface{ wentOn(r *Router) } // a router that was stopped and has just resumed
)

// NewCheck returns a check that observes everything in a world, whose routers must all exist.
func NewCheck(w *World) *Check {
	c := &Check{observer: newObserver(w)}
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
	w.OnTurn, w.OnEvent, w.onFrame, w.onHear = c.turn, c.Event, c.frame, c.observer.heard
	w.onFence, w.onFenced = c.fence, c.observer.endedFence
	return c
}

// appendIf appends an invariant to a list if it has the method for that moment.
func appendIf[R any](list []R, invariant any) []R {
	if r, ok := invariant.(R); ok {
		return append(list, r)
	}
	return list
}

// turn checks a router after its turn, and the LAN with it.
func (c *Check) turn(r *Router) {
	active := r.active()
	rec := c.observer.begin(r)
	for _, inv := range c.turns {
		inv.turned(r, active)
	}
	was := rec.priority
	c.observer.note(r)
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
	c.observer.move(r, active)
	for _, inv := range c.lan {
		inv.looked()
	}
}

// frame checks a message that a router sends.
func (c *Check) frame(in *instance, m *advert.Message) {
	for _, inv := range c.frames {
		inv.sent(in, m)
	}
}

// Event checks an event that a router logs.
func (c *Check) Event(r *Router, e event.Event) {
	for _, inv := range c.events {
		inv.logged(r, e)
	}
	c.observer.logged(r, e)
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
	c.observer.ranFence(r)
}

// Rest checks a LAN that has been quiet for a long time.
func (c *Check) Rest() {
	for _, inv := range c.rests {
		inv.atRest()
	}
}

// Resumed checks a router that was stopped and has just resumed.
func (c *Check) Resumed(r *Router) {
	for _, inv := range c.resumes {
		inv.wentOn(r)
	}
}
