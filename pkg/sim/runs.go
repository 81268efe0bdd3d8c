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
// health. Runs that would find what the state says already are left out: they change nothing.
type runs struct {
	*check
	spec     track.Spec
	health   track.Health
	place    int // among the checks of the router, whose runs are spread over their interval
	schedule track.Schedule
	begun    time.Time // when the last run began
	busy     bool      // it has not ended
	planned  bool      // another one is
	plans    int       // the number of plans: only the last one holds
}

// runTakes is how long a run takes at most that is answered.
const runTakes = 10 * time.Millisecond

// adopt takes the specification of the check that is in force now.
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

// start begins with the state that the specification assumes.
func (k *runs) start() {
	now := k.router.world.now
	k.health, k.begun, k.busy = track.NewHealth(&k.spec, now), now, false
	k.schedule = track.NewSchedule(now, k.spec.Interval, k.place)
	if k.health.State() != track.Waiting {
		k.report(Finding{})
	}
	k.plan(k.schedule.First())
}

// look has a run find what has changed: at once where the kernel announces it, else the next
// one.
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

// plan plans the next run, in place of the one that was planned.
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

// later does something after d, or when the process goes on, unless the check has other runs by
// then.
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

// run is a run: it finds what is the case now, and has failed at the timeout where nothing
// answers.
func (k *runs) run() {
	w := k.router.world
	found, takes := k.finds, w.between(time.Millisecond, runTakes)
	if found.Silent {
		takes = k.spec.EffectiveTimeout()
	}
	k.begun, k.busy, k.planned = w.now, true, false
	k.later(takes, func() { k.end(found) })
}

// end ends a run. Another one follows unless it would find what is known.
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

// report gives the loop the state of the check, and what it reports.
func (k *runs) report(found Finding) {
	now, note := result{states[k.health.State()], found.Change}, k.disturbs()
	k.router.loop.whenRunning(results, func() { k.learn(now, note) })
}

// publish reports the state to whoever listens.
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
