package sim

import (
	"time"

	"ripcord/pkg/vrrp"
)

// fenceCommand is how the fence command of a router ends. A crash changes nothing of it.
type fenceCommand uint8

const (
	fenceWorks fenceCommand = iota
	fenceFails
	fenceHangs // until it is killed at its timeout
)

const (
	// fenceTakes is how long a fence command that works takes at most.
	fenceTakes = 300 * time.Millisecond
	// fenceTimeout is the timeout of the LANs that have a fence.
	fenceTimeout = 2 * time.Second
	// rebootsWithin is how long a router is off at most that was fenced.
	rebootsWithin = 10 * time.Second
)

// fence runs the fence command of a router, which switches off the silent Active for a
// while if it works.
func (r *Router) fence(f vrrp.RunFence) {
	w := r.world
	if w.onFence != nil {
		w.onFence(r, &f)
	}
	took, err := w.between(fenceTakes/10, fenceTakes), ""
	switch r.command {
	case fenceFails:
		err = "exit status 1"
	case fenceHangs:
		took, err = f.Fence.Timeout, "killed at its timeout"
	}
	r.later(took, func() { r.endFence(f, err) })
}

// endFence ends a fence command, and reports its result. On a machine that stands still it
// ends when that goes on.
func (r *Router) endFence(f vrrp.RunFence, err string) {
	if r.frozen {
		life := r.life
		r.asleep = append(r.asleep, func() {
			if r.life == life {
				r.endFence(f, err)
			}
		})
		return
	}
	if err == "" {
		own := r.Port(f.Instance.Interface)
		for _, p := range own.segment.ports {
			if p != own && p.address == f.Active {
				p.router.powerCycle()
			}
		}
	}
	r.whenRunning(results, func() {
		in := vrrp.Fenced{Cause: r.minter.Cause(r.world.now), Ticket: f.Ticket, Err: err}
		if r.world.onFenced != nil {
			r.world.onFenced(r, &in)
		}
		r.absorb(in)
	})
}

// powerCycle takes the power away from a router that is on, and gives it back later, unless
// it has been started by then.
func (r *Router) powerCycle() {
	if r.core == nil {
		return
	}
	w, external := r.world, r.world.external
	r.Crash()
	w.external = external
	w.external.fenced++
	life := r.life
	w.After(w.between(rebootsWithin/10, rebootsWithin), func() {
		if r.life == life {
			external := w.external
			r.Start()
			w.external = external
		}
	})
}

// setCommand sets how the fence command of a router ends from now on.
func (r *Router) setCommand(c fenceCommand) {
	r.world.disturb()
	r.command = c
}

// setFence gives the group of a router another fence.
func (r *Router) setFence(f *vrrp.Fence) { r.Reload(func(g *vrrp.Group) { g.Fence = f }) }

// heldBack reports whether the fence of a router keeps it from serving where an Active fell
// silent: it has to succeed, and does not.
func (r *Router) heldBack() bool {
	f := r.cfg[0].Fence
	return f != nil && !f.Proceed && r.command != fenceWorks
}

// fencing returns how much longer a takeover may take for a fence: an earlier command has to
// end, or has failed, which is tried again after a wait; stations are asked; and the
// command runs.
func (r *Router) fencing(settle time.Duration) time.Duration {
	if r.file[0].Fence == nil && r.cfg[0].Fence == nil {
		return 0
	}
	return fenceTimeout + max(settle, time.Second) + again + fenceTakes + 2*patience
}
