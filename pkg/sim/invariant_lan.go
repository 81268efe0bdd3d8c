package sim

import (
	"math/bits"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

func (v *one) looked() {
	now := v.World.now
	for i, s := range v.World.Segments {
		for version, since := range v.since[i] {
			if since.IsZero() || now.Sub(since) <= crossing || v.World.Quiet() <= v.Settle()+v.tie() {
				continue
			}
			v.violate("%d are Active on %s for %v, %v after all became quiet%s", v.actives[i][version], s.name, now.Sub(since), v.World.Quiet(), v.describe())
		}
	}
}

// tie returns how much longer two Actives of equal priority may last, if they meet on another
// segment than the one that decides, and took over as late as possible.
func (v *one) tie() time.Duration {
	interval := v.World.longest()
	return interval + min(interval, verifyWithin)
}

// looked checks that in quiet times a router serves once the LAN has been quiet for the longest
// wait of a router that could serve.
func (v *served) looked() {
	w := v.World
	if slices.ContainsFunc(w.Routers, (*Router).serves) || v.covered() || w.now.Before(w.late) {
		v.since = time.Time{}
		return // adverts that arrive late may make a router yield to one that has left
	}
	now := w.now
	if v.since.IsZero() {
		v.since, v.dropped = now, v.shifting()
	}
	gap := now.Sub(v.since)
	if gap > crossing && v.shifting() && (v.dropped || slices.ContainsFunc(w.Routers, (*Router).healthy)) {
		v.violate("no router serves for %v although only priorities have changed%s", gap, v.describe())
		v.since = now
		return
	}
	if gap <= crossing || w.calm() <= v.Settle() {
		return
	}
	for _, r := range w.Routers {
		if r.healthy() && !holdsOff(r) && !heldByVersion(r) && !r.fence.holdsBack() && now.After(v.due(r)) {
			v.violate("no router serves for %v although %s should since %v%s", gap, r.Name, now.Sub(v.due(r)), v.describe())
			v.since = now
			return
		}
	}
}

// covered reports whether routers that serve alone together serve every segment.
func (v *served) covered() bool {
	r0 := v.World.Routers[0]
	if !r0.groups[0].LastStanding {
		return false
	}
	for i, s := range v.World.Segments {
		if v.actives[i][r0.instances[0].Version] == 0 && slices.ContainsFunc(r0.ports, func(p *Port) bool { return p.segment == s }) {
			return false
		}
	}
	return true
}

// due returns when a healthy router must serve at the latest, if no other does: an
// Active_Down_Interval after the LAN became quiet, or the router left Fault, or the last Active
// yielded. It leaves a fault that it raised itself when no other was heard for as long. An Active
// that can place nothing has to find that out first, and then has priority 1, so that the
// preempt_delay counts.
func (v *served) due(r *Router) time.Time {
	in, rec := r.instances[0], v.of(r)
	from, extra, found := v.World.disturbed, time.Duration(0), time.Time{}
	if rec.faulty {
		extra = v.Settle()
	}
	for _, o := range v.World.Routers {
		from = latest(from, v.of(o).leftAt)
		if o.active() {
			found = v.of(o).activeSince.Add(inPlaceWithin + v.Settle())
			from = latest(latest(from, v.of(o).activeSince).Add(inPlaceWithin), rec.delayedSince().Add(in.PreemptDelay))
		}
	}
	due := latest(latest(from, rec.ready).Add(extra+v.Settle()), r.started.Add(in.StartupDelay))
	end := latest(v.World.disturbed, rec.ready).Add(in.StartupDelay + in.PreemptDelay + 2*v.Settle() + v.findsOut())
	if end.Before(due) {
		due = end
	}
	return latest(due, found).Add(announced + r.fence.delays(v.Settle()))
}

// findsOut returns how long it may take until a router finds out that it can serve nothing.
func (v *served) findsOut() time.Duration {
	if slices.ContainsFunc(v.World.Routers, (*Router).servesNothing) {
		return inPlaceWithin
	}
	return 0
}

// holdsOff reports whether a router lacks something itself while another is Active, or will not
// know before the end of its hold-off that it lacks nothing any more: until then, two impaired
// routers settle on one, whatever each of them lacks.
func holdsOff(r *Router) bool {
	return (r.lacks() || r.mayBeImpaired()) && slices.ContainsFunc(r.world.Routers, (*Router).active)
}

// heldByVersion reports whether an Active of the other version keeps a router in Backup, whatever
// the priority of that Active, and whether it can place its addresses or not.
func heldByVersion(r *Router) bool {
	return slices.ContainsFunc(r.world.Routers, func(o *Router) bool {
		return o.active() && o.instances[0].Version != r.instances[0].Version
	})
}

// demoted checks a Backup that is better than the Active, which had outranked it.
func (v *replaced) demoted(r *Router, was uint8) {
	w, ours := v.World, r.group().Priority()
	if !v.shifting() || w.mixed() {
		return
	}
	for _, o := range w.Routers {
		if p := o.priority(); o == r || p > was || p <= ours || !o.sound() || o.group().State() != event.Backup || !o.mayPreempt(r) {
			continue
		}
		in := o.instances[0]
		if w.now.Before(latest(v.of(o).delayedSince(), in.joined).Add(in.PreemptDelay)) || o.heldOff(0) {
			continue
		}
		skew, at := vrrp.SkewTime(o.priority(), in.Interval), w.now
		if in.Version == wire.V2 {
			skew = vrrp.SkewTime(o.priority(), time.Second)
		}
		w.After(skew+min(verifyWithin, in.Interval)+2*crossing, func() {
			if r.active() && v.of(r).activeSince.Before(at) && w.disturbed.Equal(at) {
				v.violate("%s lowered its priority from %d to %d %v ago, but remains Active although %s is better%s", r.Name, was, ours, w.now.Sub(at), o.Name, v.describe())
			}
		})
		return
	}
}

// moves counts the transitions of a router that followed one disturbance of a sound LAN.
type moves struct {
	after uint64 // the number of disturbances until then
	count int
}

const (
	// maxMoves is how often a router moves at most for one disturbance: out of Active and into
	// Backup, and the same once more if three routers of equal priority take over in turn.
	maxMoves = 4
	// maxTries is how many more times it moves each time that a router that lacks something, or
	// whose sends have failed, tries again, or is switched off by a fence: each such router moves
	// the others.
	maxTries = 3
	// minHoldOff is the first hold-off of such a router; each further one is twice as long as the
	// previous one.
	minHoldOff = 10 * time.Second
)

// logged counts transitions. While frames are lost or late, each loss may move a router.
func (v *moved) logged(r *Router, e event.Event) {
	w, m := v.World, v.moves[r]
	if _, ok := e.(event.GroupTransition); !ok || w.calm() == 0 || w.now.Before(w.late) {
		return
	}
	if m.after != w.external.count {
		m = moves{after: w.external.count}
	}
	m.count++
	v.moves[r] = m
	limit, since := maxMoves+maxTries*w.external.fenced, w.now.Sub(w.external.at)
	for _, o := range w.Routers {
		if o.triesAgain() {
			limit += maxTries * bits.Len(1+uint(since/minHoldOff))
		}
	}
	if m.count > limit {
		v.violate("%s has moved %d times in %v since the last disturbance, want at most %d%s", r.Name, m.count, since, limit, v.describe())
	}
}

func (v *settled) atRest() {
	if v.World.apart() || v.handingOver() {
		return
	}
	r0 := v.World.Routers[0]
	first := r0.instances[0]
	// A hold-off that has just ended moves routers during the quiet time.
	calm := v.Settle() + first.PreemptDelay
	moved := v.World.Quiet() < first.StartupDelay+calm+v.Settle()+announced+r0.fence.delays(v.Settle())
	best, none := uint8(0), true // none has to serve
	for _, r := range v.World.Routers {
		if r.healthy() && !r.heldOff(calm) {
			best = max(best, r.priority())
			none = none && (holdsOff(r) || r.fence.holdsBack())
		}
	}
	var actives []string
	of := make(map[wire.Version]int)
	for _, r := range v.World.Routers {
		if !r.active() || r.servesNothing() {
			continue
		}
		actives = append(actives, r.Name)
		of[r.instances[0].Version]++
		if p := r.priority(); (p < best || p > best && !r.healthy()) && !v.anyOf() && !moved {
			v.violate("%s is Active with priority %d, although a healthy router has %d", r.Name, p, best)
		}
	}
	if (len(actives) == 0 && !none || len(actives) > 0 && best == 0) && !moved || of[wire.V2] > 1 || of[wire.V3] > 1 {
		v.violate("at rest %d routers are Active: %v%s", len(actives), actives, v.describe())
	}
	if len(of) > 1 {
		v.bothLogged()
	}
}

// anyOf reports whether any healthy router may be Active: Preempt_Mode is false, or routers of
// two versions leave the present one Active.
func (v *settled) anyOf() bool {
	return !v.World.Routers[0].instances[0].Preempt || v.World.mixed()
}

// handingOver reports whether a preempted Active has yet to hear its successor.
func (v *settled) handingOver() bool {
	for _, versions := range v.since {
		for _, since := range versions {
			if !since.IsZero() && v.World.now.Sub(since) <= crossing {
				return true
			}
		}
	}
	return false
}

// bothLogged checks that Actives of two versions have logged it within the last minute.
func (v *settled) bothLogged() {
	for _, r := range v.World.Routers {
		if ago := v.World.now.Sub(v.of(r).rival); r.active() && ago > time.Minute+2*r.instances[0].Interval {
			v.violate("%s is not the only Active, and last logged it %v ago", r.Name, ago)
		}
	}
}

func (v *yielding) wentOn(r *Router) {
	w, in := v.World, r.instances[0]
	at, long := w.now, time.Duration(in.Miss+1)*in.Interval
	if !w.sameInterval() || !r.active() || !v.of(r).activeSince.Before(r.stopped) || at.Sub(r.stopped) <= long || !r.healthy() {
		return
	}
	for _, o := range w.Routers {
		if o != r && o.active() && o.sound() && at.Sub(o.resumed) > long {
			w.After(in.Interval+crossing, func() {
				if w.disturbed.Equal(at) && w.calm() > 0 && r.active() && o.sound() && r.knowsOf(o) {
					v.violate("%s remains Active after %v although %s took over", r.Name, at.Sub(r.stopped), o.Name)
				}
			})
			return
		}
	}
}
