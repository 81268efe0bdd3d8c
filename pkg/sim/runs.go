package sim

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// runs are the runs of a check, by its interval, rise and fall: the daemon's own schedule and
// health. Runs whose result would not change the state are left out.
type runs struct {
	*check
	spec     track.Spec
	health   track.Health
	place    int // position among the checks of the router, whose runs are spread over their interval
	schedule track.Schedule
	begun    time.Time // when the last run began
	busy     bool      // it has not ended
	planned  bool      // another run is planned
	plans    int       // the number of plans: only the last one is valid
}

// runTakes is the maximum duration of a run that is answered.
const runTakes = 10 * time.Millisecond

// adopt applies the present specification of the check.
func (c *check) adopt() {
	t, was := &c.router.trackers, c.runs
	n := slices.IndexFunc(t.specs, func(s track.Spec) bool { return s.Name == c.name })
	switch {
	case n < 0:
		c.runs = nil
		return
	case was != nil && reflect.DeepEqual(was.spec, t.specs[n]):
		return
	}
	c.runs = &runs{check: c, spec: t.specs[n], place: n}
	if c.router.core == nil {
		return
	}
	c.runs.start()
	if was != nil && reflect.DeepEqual(was.spec.Probe, c.runs.spec.Probe) && was.health.State() != track.Waiting {
		c.runs.health = was.health
		c.runs.health.Adopt(&c.runs.spec)
	}
}

// start begins with the initial state of the specification.
func (k *runs) start() {
	now := k.router.world.now
	k.health, k.begun, k.busy = track.NewHealth(&k.spec, now), now, false
	k.schedule = track.NewSchedule(now, k.spec.Interval, k.place)
	if k.health.State() != track.Waiting {
		k.report(Finding{})
	}
	k.plan(k.schedule.First())
}

// look makes a run find a change: at once if the kernel announces it, otherwise the next one.
func (k *runs) look() {
	now := k.router.world.now
	switch {
	case k.router.core == nil, k.busy:
	case k.spec.Watched():
		k.plan(now)
	case !k.planned:
		due, _ := k.schedule.Next(k.begun, now)
		k.plan(due)
	}
}

// plan plans the next run, and replaces the planned one.
func (k *runs) plan(at time.Time) {
	k.planned = true
	k.plans++
	plan := k.plans
	k.later(at.Sub(k.router.world.now), func() {
		if k.plans == plan {
			k.run()
		}
	})
}

// later calls do after d, or when the process resumes, unless the check has other runs by then.
func (k *runs) later(d time.Duration, do func()) {
	r := k.router
	r.later(d, func() {
		switch {
		case k.check.runs != k:
		case r.paused:
			r.asleep = append(r.asleep, do)
		default:
			do()
		}
	})
}

// run is a run: it finds the present state, and fails at the timeout if there is no answer.
func (k *runs) run() {
	w := k.router.world
	found, takes := k.finds, w.between(time.Millisecond, runTakes)
	if found.Silent {
		takes = k.spec.EffectiveTimeout()
	}
	k.begun, k.busy, k.planned = w.now, true, false
	k.later(takes, func() { k.end(found) })
}

// end ends a run. Another one follows unless it would find the same.
func (k *runs) end(found Finding) {
	now := k.router.world.now
	k.busy = false
	changed := k.health.Update(!found.Down, now)
	if changed || k.known.change != found.Change {
		k.publish(found)
		k.report(found)
	}
	switch {
	case k.finds != found:
		k.look()
	case !k.health.Settled():
		due, _ := k.schedule.Next(k.begun, now)
		k.plan(due)
	}
}

// states are the states of a check in the words of the state machine.
var states = map[track.State]vrrp.TrackerState{
	track.Waiting: vrrp.TrackerWaiting, track.Up: vrrp.TrackerUp, track.Down: vrrp.TrackerDown,
}

// report reports the state of the check to the loop, and the change that it reports.
func (k *runs) report(found Finding) {
	now, note := result{states[k.health.State()], found.Change}, k.disturbs()
	k.router.loop.whenRunning(results, func() { k.learn(now, note) })
}

// publish publishes the state as an event.
func (k *runs) publish(found Finding) {
	r, took := k.router, k.router.world.now.Sub(k.begun)
	e := event.CheckChanged{
		Stamp: event.Stamp{Cause: r.minter.Cause(r.world.now), At: r.world.now}, Check: k.name,
		Result: k.health.State().String(), Change: found.Change, Took: took,
	}
	switch {
	case found.Silent:
		e.Err = fmt.Sprintf("no answer within %v", took)
	case found.Down:
		e.Err = "it fails"
	}
	r.publish([]event.Event{e})
}
