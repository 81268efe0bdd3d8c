package sim

import (
	"time"

	"ripcord/pkg/vrrp"
)

// check is a check of a router outside the protocol.
type check struct {
	router *Router
	name   string
	finds  Finding // a crash does not change it
	known  result
	runs   *runs // nil if the router knows the finding within checkWithin
}

// Finding is the result of a run of a check. The zero value is a check that passes.
type Finding struct {
	Down   bool
	Silent bool // it does not answer: a run fails at its timeout
	Change int  // the change of the priority, if it reports one
}

// result is what the router knows of a check.
type result struct {
	state  vrrp.TrackerState
	change int
}

// checkWithin is how long it may take until a router knows the result of a check without runs.
const checkWithin = 50 * time.Millisecond

// set changes the finding of a check.
func (c *check) set(f Finding) {
	note := c.disturbs()
	note()
	c.router.world.external.count++
	c.finds = f
	if c.runs != nil {
		c.runs.look()
		return
	}
	c.reportLater(note)
}

// disturbs returns the function that records that a change of the check may move the group.
func (c *check) disturbs() (note func()) {
	w := c.router.world
	if c.router.trackers.weighs(c.name) {
		return w.shift
	}
	return w.disturb
}

// start restarts the check with its router.
func (c *check) start() {
	if c.runs == nil {
		c.reportLater(c.router.world.disturb)
		return
	}
	c.runs.start()
}

// reportLater reports to the router, a little later, the finding of a check without runs. note
// records that the group moves only then.
func (c *check) reportLater(note func()) {
	r := c.router
	r.later(r.world.between(0, checkWithin), func() {
		r.loop.whenRunning(results, func() {
			found := result{vrrp.TrackerUp, c.finds.Change}
			if c.finds.Down {
				found.state = vrrp.TrackerDown
			}
			c.learn(found, note)
		})
	})
}

// learn reports the state of the check to the loop.
func (c *check) learn(now result, note func()) {
	r := c.router
	note()
	c.known = now
	r.loop.absorb(vrrp.Tracked{Cause: r.minter.Cause(r.world.now), Check: c.name, State: now.state, Change: now.change})
}
