package sim

import (
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/vrrp"
)

// fresh is how old the answers of the verifiers may be at a takeover.
const fresh = 7 * time.Millisecond

func (v *verified) tookOver(r *Router, _ uint8) {
	now := v.World.now
	if now.Sub(r.resumed) < 10*fresh {
		return // it may have asked before it was stopped
	}
	for _, p := range r.ports {
		if out := now.Sub(p.since); !p.usable() && out > fresh {
			v.violate("%s became Active although the cable of %s has been out for %v", r.Name, p.name, out)
		}
	}
}

// tookOver checks the segments. The router has not noticed losses that were over since it last
// looked.
func (v *forwarding) tookOver(r *Router, _ uint8) {
	for _, in := range r.instances {
		p := in.port
		seen := p.counted == p.downs && p.since.After(r.started) && p.since.After(in.joined) && in.Recovery.Wait > 0 && in.Priority != vrrp.Owner
		if back := v.World.now.Sub(p.since); seen && p.usable() && !p.forwards() && back > fresh && back < in.Recovery.Wait {
			v.violate("%s became Active %v after the return of %s, whose port forwards nothing yet", r.Name, back, p.name)
		}
	}
}

// tookOver checks the Actives that were heard. A better Active that is heard after the one to
// which the router must yield replaces it, when it resigns, becomes worse than the router or
// falls silent: the other one yielded to it, without a priority 0.
func (v *unheard) tookOver(r *Router, ours uint8) {
	now, rec := v.World.now, v.of(r)
	if ours == vrrp.Owner || !v.remembers(r) {
		return
	}
	for _, in := range r.instances {
		for _, o := range rec.heard[in.at] {
			ago := now.Sub(o.at)
			if o.at.Before(in.joined) || o.at.Before(rec.activeSince) {
				continue // it was another member, of which nothing is known, or the advert was judged when the router was last Active
			}
			yields := o.priority >= ours || !in.Preempt && o.priority > r.groups[0].Impaired()
			if yields && in.counts(o, ago) && !v.endedSince(r, o, ours) && !v.diedSince(r, o) && !outdone(o, rec.heard[in.at]) {
				v.violate("%s took over with priority %d, although it heard %s with priority %d %v ago%s", r.Name, ours, o.source, o.priority, ago, v.describe())
			}
		}
	}
}

// remembers reports whether a router decided by what it heard: after a pause the queued inputs
// are read in the order of their kinds, not of their instants, and after a change of addresses it
// may have heard two routers with one address, or one with two.
func (k *observer) remembers(r *Router) bool {
	now := k.World.now
	return now.Sub(r.resumed) >= r.instances[0].Interval && now.Sub(k.World.readdressed) >= 2*k.Settle()
}

func (v *awake) tookOver(r *Router, _ uint8) {
	if v.of(r).fence.why != event.LowerPriorityActive { // otherwise it has read that the Active became worse
		v.mayAct(r, "took over")
	}
}

func (v *awake) ran(r *Router, _ *vrrp.RunFence) { v.mayAct(r, "fences") }

// mayAct checks that a Backup that has slept does not take over at once from an Active that
// lives, nor fences it: it may merely not have heard it. It may if it slept twice in a row, or if
// the Active uses another version, whose adverts it rejects.
func (v *awake) mayAct(r *Router, what string) {
	w, interval := v.World, r.instances[0].Interval
	slept, awake := r.resumed.Sub(r.stopped), w.now.Sub(r.resumed)
	if !w.sameInterval() || !w.disturbed.Equal(r.resumed) || w.Quiet() == 0 || awake > interval || slept < interval+lease.Shortest+crossing ||
		r.awake < 2*interval {
		return
	}
	for _, o := range w.Routers {
		if o != r && o.instances[0].Version == r.instances[0].Version && !r.mayPreempt(o) && o.active() && o.healthy() && v.of(o).activeSince.Before(r.stopped) && o.resumed.Before(r.stopped) {
			v.violate("%s %s %v after it had slept for %v, although %s is alive", r.Name, what, awake, slept, o.Name)
		}
	}
}

// tookOver checks the Skew_Time. Only an owner, and the only Backup of a resigned Active, wait
// for nothing.
func (v *rested) tookOver(r *Router, priority uint8) {
	rec := v.of(r)
	if v.World.now.Sub(r.resumed) < r.instances[0].Interval || r.instances[0].Routers == 2 || rec.changed.After(rec.leftAt) {
		return // the inputs that it has just read are older, or its Skew_Time was another
	}
	least := vrrp.SkewTime(priority, min(rec.leftWith, v.World.shortest()))
	if ago := v.World.now.Sub(rec.leftAt); ago < least && priority != vrrp.Owner {
		v.violate("%s is Active again after %v, and its Skew_Time is %v", r.Name, ago, least)
	}
}

// tookOver checks an Active that was there before, whose adverts the router accepts, or which it
// knows to be there, and does not mistake for another.
func (v *rightful) tookOver(r *Router, _ uint8) {
	w := v.World
	if w.calm() < v.heardWithin() {
		return
	}
	for _, o := range w.Routers {
		switch {
		case o == r || !o.active() || !o.healthy() || !v.of(o).activeSince.Before(w.disturbed):
		case r.apart(o) && r.knowsOf(o):
			v.violate("%s took over from %s, whose clock is %v ahead of its own", r.Name, o.Name, o.clock.ahead-r.clock.ahead)
		case !w.apart() && !r.mayPreempt(o) && !v.mistakes(r, o):
			v.violate("%s took over from %s, and may not preempt", r.Name, o.Name)
		}
	}
}

// mistakes reports whether a router has reason to assume that an Active is gone, or is another
// one, on each segment where it hears it.
func (v *rightful) mistakes(r, o *Router) bool {
	shared := 0
	for _, in := range r.instances {
		if !o.shares(in) {
			continue
		}
		shared++
		if !v.ignores(r, o, in) && !v.thinksGone(r, o) {
			return false
		}
	}
	return shared > 0
}

// ignores reports whether a router may ignore the adverts of an Active of the other version: a
// clone with the same address used the router's own version. So the two seem to be one router
// that sends both versions (RFC 9568 §8.4) until the router has missed one advert of its own
// version, and the Active sends again.
func (v *rightful) ignores(r, o *Router, in *instance) bool {
	theirs := o.all[in.at]
	return theirs.Version != in.Version && slices.ContainsFunc(v.of(r).heard[in.at], func(by heard) bool {
		return theirs.port.sources.has(by.source) && v.World.now.Sub(by.at) < 5*by.interval/2+crossing
	})
}

// thinksGone reports whether a router may take a resignation for that of an Active whose group
// does not have that instance: it is from an Active of the same priority, and groups are equal
// (docs/architecture.md#cascade). The router corrects that when it hears the Active again.
func (v *rightful) thinksGone(r, o *Router) bool {
	for _, in := range r.instances {
		if !o.shares(in) && slices.ContainsFunc(v.of(r).heard[in.at], func(by heard) bool {
			return by.priority == 0 && by.was == o.priority() && v.World.now.Sub(by.ended) < v.heardWithin()
		}) {
			return true
		}
	}
	return false
}

// tookOver checks the delays. startup_delay: an adopted group continues without waiting for it
// (docs/upgrades.md), and if it yields soon after, it may be Active again before the daemon has
// run for that long. preempt_delay: it applies if there is a lower Active, and not to an owner.
func (v *delayed) tookOver(r *Router, _ uint8) {
	w, adopted := v.World, v.of(r).adopted == r.life
	if up := w.now.Sub(r.started); !adopted && up < r.instances[0].StartupDelay {
		v.violate("%s became Active %v after its start", r.Name, up)
	}
	ready := w.now.Sub(v.of(r).ready)
	if w.calm() < v.heardWithin() || ready >= r.instances[0].PreemptDelay || r.priority() == vrrp.Owner || w.apart() {
		return
	}
	for _, o := range w.Routers {
		if o != r && o.active() && o.healthy() && v.of(o).activeSince.Before(w.disturbed) {
			v.violate("%s took over from %s %v after its start or fault", r.Name, o.Name, ready)
		}
	}
}
