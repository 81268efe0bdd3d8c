package sim

import (
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// fencing is what is known of the fence of a router.
type fencing struct {
	asking  time.Time // when it last began to ask stations
	running bool
	passed  time.Time    // when the command last succeeded
	failed  time.Time    // when it last failed, or stations did not answer in time
	why     event.Reason // of the last time that the router became Active
}

// fenceEvent notes what a router logs of its fence.
func (c *Check) fenceEvent(r *Router, e event.Event) {
	f := &c.routers[r.at].fence
	switch e := e.(type) {
	case event.InstanceHolding:
		if e.Reason == event.HoldFence {
			f.asking = c.World.now
		}
	case event.FenceUnproven:
		f.failed = c.World.now
	case event.GroupTransition:
		if e.To == event.Active {
			f.why = e.Reason
		}
	}
}

// ranFence checks a router that runs its fence command.
func (c *Check) ranFence(r *Router, f *vrrp.RunFence) {
	now, rec := c.World.now, &c.routers[r.at]
	if rec.fence.running {
		c.violate("%s fences %v while its last fence command runs", r.Name, f.Active)
	}
	rec.fence.running = true
	if s := r.group().State(); s != event.Backup {
		c.violate("%s fences %v in %v", r.Name, f.Active, s)
	}
	for _, p := range r.ports {
		if p.proved.Before(rec.fence.asking) {
			c.violate("%s fences %v, and no station has answered on %s since %v", r.Name, f.Active, p.name, now.Sub(rec.fence.asking))
		}
	}
	c.awake(r, "fences")
	if now.Sub(r.resumed) < r.instances[0].Interval || now.Sub(c.World.readdressed) < 2*c.Settle() {
		return // as in unheard
	}
	in := r.instance(f.Instance.Name)
	if !slices.ContainsFunc(rec.heard[in.at], func(o heard) bool { return o.source == f.Active && o.priority > 0 && o.at.After(rec.activeSince) }) {
		c.violate("%s fences %v, which has not been silent since it was heard as Active", r.Name, f.Active)
	}
	for _, in := range r.instances {
		for _, o := range rec.heard[in.at] {
			ago := now.Sub(o.at)
			if o.priority > 0 && ago > crossing && ago < time.Duration(in.Miss)*o.interval && !o.at.Before(in.joined) &&
				!outdone(o, rec.heard[in.at]) && !c.endedSince(r, o, r.priority()) {
				c.violate("%s fences %v, and heard %v on %s %v ago", r.Name, f.Active, o.source, in.Name, ago)
			}
		}
	}
}

// endedFence notes the result of a fence command.
func (c *Check) endedFence(r *Router, in *vrrp.Fenced) {
	f := &c.routers[r.at].fence
	f.running = false
	if in.Err == "" {
		f.passed = c.World.now
		c.Fenced++
	} else {
		f.failed = c.World.now
	}
}

// fenced checks that a router which becomes Active has made sure that the Active which fell
// silent is off, or may proceed where that failed.
func (c *Check) fenced(r *Router) {
	now, rec, f := c.World.now, &c.routers[r.at], r.cfg[0].Fence
	if f == nil || now.Sub(r.resumed) < r.instances[0].Interval || now.Sub(c.World.readdressed) < 2*c.Settle() {
		return // as in unheard
	}
	var silent, resigned time.Time
	for _, in := range r.all {
		for _, o := range rec.heard[in.at] {
			switch {
			case o.priority == 0: // and with it all of its group
				resigned = latest(resigned, o.at)
			case slices.Contains(r.instances, in) && !o.at.Before(in.joined):
				silent = latest(silent, o.at)
			}
		}
	}
	switch {
	case !silent.After(resigned) || !silent.After(rec.leftAt):
	case rec.fence.why == event.ActiveTimeout && rec.fence.passed.Before(silent):
		c.violate("%s became Active %v after the last advert, without a fence", r.Name, now.Sub(silent))
	case rec.fence.why == event.FenceFailed && (!f.Proceed || rec.fence.failed.Before(silent)):
		c.violate("%s became Active %v after the last advert, though its fence may not fail (%v)", r.Name, now.Sub(silent), !f.Proceed)
	}
}
