package sim

import (
	"time"

	"ripcord/pkg/vrrp"
)

// fence is the fence command of a router. A crash does not change how it ends.
type fence struct {
	router *Router
	ends   fenceEnd
}

// fenceEnd is how a fence command ends.
type fenceEnd uint8

const (
	fenceWorks fenceEnd = iota
	fenceFails
	fenceHangs // until it is killed at its timeout
)

const (
	// fenceTakes is the maximum duration of a fence command that works.
	fenceTakes = 300 * time.Millisecond
	// fenceTimeout is the timeout in LANs with a fence.
	fenceTimeout = 2 * time.Second
	// rebootsWithin is how long a fenced router is off at most.
	rebootsWithin = 10 * time.Second
)

// run runs the command, which switches off the silent Active for a while if it works.
func (f *fence) run(order vrrp.RunFence) {
	r, w := f.router, f.router.world
	if w.onFence != nil {
		w.onFence(r, &order)
	}
	took, err := w.between(fenceTakes/10, fenceTakes), ""
	switch f.ends {
	case fenceFails:
		err = "exit status 1"
	case fenceHangs:
		took, err = order.Fence.Timeout, "killed at its timeout"
	}
	r.later(took, func() { f.end(order, err) })
}

// end ends the command, and reports its result. On a machine that stands still it ends when the
// machine resumes.
func (f *fence) end(order vrrp.RunFence, err string) {
	r := f.router
	if r.frozen {
		life := r.life
		r.asleep = append(r.asleep, func() {
			if r.life == life {
				f.end(order, err)
			}
		})
		return
	}
	if err == "" {
		own := r.Port(order.Instance.Interface)
		for _, p := range own.segment.ports {
			if p != own && p.sources.has(order.Active) {
				p.router.powerCycle()
			}
		}
	}
	r.loop.whenRunning(results, func() {
		in := vrrp.Fenced{Cause: r.minter.Cause(r.world.now), Ticket: order.Ticket, Err: err}
		if r.world.onFenced != nil {
			r.world.onFenced(r, &in)
		}
		r.loop.absorb(in)
	})
}

// set sets how the command ends from now on.
func (f *fence) set(how fenceEnd) {
	f.router.world.disturb()
	f.ends = how
}

// holdsBack reports whether the fence keeps its router from serving after an Active fell silent:
// it must succeed, and does not.
func (f *fence) holdsBack() bool {
	is := f.router.groups[0].Fence
	return is != nil && !is.Proceed && f.ends != fenceWorks
}

// delays returns how much longer a takeover may take because of the fence: an earlier command
// must end, or has failed and is tried again after a wait; stations are asked; and the command
// runs.
func (f *fence) delays(settle time.Duration) time.Duration {
	if f.router.file[0].Fence == nil && f.router.groups[0].Fence == nil {
		return 0
	}
	return fenceTimeout + max(settle, time.Second) + again + fenceTakes + 2*verifyWithin
}
