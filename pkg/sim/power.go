package sim

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
)

// process is the daemon of a router, which may stand still: alone, or with its machine, which
// then loses what is sent to it.
type process struct {
	life    int // counts starts and crashes: plans of an earlier life are void
	paused  bool
	frozen  bool          // paused with its machine
	stopped time.Time     // since when it is paused
	resumed time.Time     // when it last resumed
	started time.Time     // when it was last started
	awake   time.Duration // how long it had run when it was last paused
	asleep  []func()      // actions that were requested while it was paused
	slow    time.Duration // the interval that was in force until a reload while it was stopped; 0 if there was none
}

// Start powers the router on: it learns its links and begins.
func (r *Router) Start() {
	w := r.world
	w.disturb()
	r.power(true)
	r.memory.dead, r.memory.inherited = false, 0
	r.adopt(w.now)
	r.memory.recalls = r.memory.mayRecall()
	r.process = process{life: r.life + 1, stopped: r.stopped, awake: r.awake, slow: r.slow, started: w.now}
	r.minter = event.NewMinter(0)
	r.core = router.NewCore(r.groups, r.minter, w.now)
	r.engine.start()
	r.receiver.start()
	r.watcher.start()
	r.loop.start()
	r.worker = worker{router: r}
	for _, in := range r.all {
		in.run = run{}
	}
	review(r.all)
	for _, p := range r.links {
		p.known, p.counted, p.met, p.noticed = false, p.downs, make([]bool, len(p.segment.ports)), false
		if p.filtered {
			p.noticeLater()
		}
	}
	for _, c := range r.trackers.checks {
		c.known = result{}
	}
	for _, p := range r.links {
		r.monitor.look(p)
	}
	for i := range r.groups { // a person's order outlives the daemon
		r.reportReleased(r.groups[i].Title(), true)
	}
	for _, c := range r.trackers.checks {
		c.start()
	}
	r.memory.recall()
	r.memory.adopt(r.memory.judge())
	review(r.all)
	r.loop.absorb(vrrp.Start{Cause: r.minter.Cause(w.now)})
}

// Stop stops the router's daemon properly: it resigns, and keeps the record of the Actives that it heard.
func (r *Router) Stop() {
	if r.loop.running() {
		r.loop.absorb(vrrp.Stop{Cause: r.minter.Cause(r.world.now)})
		r.memory.keep(false)
		r.memory.dead = false
		r.end()
		return
	}
	r.Crash()
}

// Die ends the daemon of a router without a proper stop, or by a handover. Its machine continues
// to run, with the addresses that are in place.
func (r *Router) Die(handover bool) {
	if r.core == nil {
		return
	}
	m, w := &r.memory, r.world
	m.quiet = w.Quiet() > 10*w.longest() && !r.paused && m.alone()
	m.keep(handover)
	m.dead = true
	r.end()
	m.count = w.external.count
}

// Crash takes the power away.
func (r *Router) Crash() {
	r.memory.dead, r.memory.past = false, nil
	r.end()
}

// end ends the daemon.
func (r *Router) end() {
	r.world.disturb()
	r.life++
	r.core = nil
	r.power(r.memory.dead)
	review(r.all)
	r.loop.wakeUp.stop()
	r.engine.alarm.stop()
	r.watcher.wakeUp.stop()
	r.receiver.filter.wakeUp.stop()
}

// power reports that the router is switched on or off.
func (r *Router) power(on bool) {
	if r.world.OnPower != nil {
		r.world.OnPower(r, on)
	}
}

// powerCycle switches off a router that is on, and switches it on again later, unless it has been
// started by then: a fence does that.
func (r *Router) powerCycle() {
	if r.core == nil {
		return
	}
	w := r.world
	w.byFence(r.Crash)
	w.external.fenced++
	life := r.life
	w.After(w.between(rebootsWithin/10, rebootsWithin), func() {
		if r.life == life {
			w.byFence(r.Start)
		}
	})
}

// Pause stops the process, as SIGSTOP does.
func (r *Router) Pause() {
	if !r.loop.running() {
		return
	}
	r.world.disturb()
	r.paused, r.stopped, r.awake = true, r.world.now, r.world.now.Sub(r.resumed)
}

// Freeze stops the machine, as the pause of a VM does.
func (r *Router) Freeze() {
	if !r.paused {
		r.Pause()
		r.frozen = r.paused
		review(r.all)
	}
}

// Resume lets it continue: the inputs that arrived meanwhile are read now.
func (r *Router) Resume() {
	if r.core == nil || !r.paused {
		return
	}
	w := r.world
	w.disturb()
	r.paused, r.frozen, r.resumed = false, false, w.now
	r.forgetSlow()
	review(r.all)
	r.engine.wake() // the engine has its own thread
	r.worker.resume(r.stopped)
	for _, do := range r.asleep {
		w.After(w.between(50*time.Microsecond, time.Millisecond), do)
	}
	r.asleep = nil
	r.watcher.turn()
	w.After(w.between(50*time.Microsecond, time.Millisecond), r.receiver.filter.turn)
	r.loop.slept(r.stopped)
	r.loop.read()
}

// Hang stops the loop alone: the engine continues.
func (r *Router) Hang() {
	if !r.loop.running() {
		return
	}
	r.world.disturb()
	r.loop.hung = r.world.now
	r.worker.loopHangs()
}

// Wake lets a hanging loop run again.
func (r *Router) Wake() {
	if r.core == nil || r.loop.hung.IsZero() {
		return
	}
	r.world.disturb()
	hung := r.loop.hung
	r.loop.hung, r.resumed = time.Time{}, r.world.now
	r.forgetSlow()
	r.loop.slept(hung)
	r.loop.read()
}

// forgetSlow records that a router that resumes reads adverts with an interval that is no longer
// used.
func (r *Router) forgetSlow() {
	r.world.disturbFor(learnt(r.slow))
	r.slow = 0
}
