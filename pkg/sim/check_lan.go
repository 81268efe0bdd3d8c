package sim

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// oneActive checks that each segment has one Active of each version.
func (c *Check) oneActive() {
	now := c.World.now
	for i, s := range c.World.Segments {
		for v, actives := range s.actives() {
			switch since := &c.since[i][v]; {
			case actives < 2:
				*since = time.Time{}
			case since.IsZero():
				*since = now
			case now.Sub(*since) > crossing && c.World.Quiet() > c.Settle()+c.tie():
				c.violate("%d are Active on %s for %v, %v after all became quiet%s", actives, s.name, now.Sub(*since), c.World.Quiet(), c.describe())
			}
		}
	}
}

// actives counts the routers that hold addresses on a segment and can be heard there, by
// version.
func (s *Segment) actives() (n [2]int) {
	for _, p := range s.ports {
		if r := p.router; !p.plugged || r.core == nil || r.paused {
			continue
		}
		for _, in := range p.instances {
			if in.placed {
				n[in.Version]++
			}
		}
	}
	return n
}

// served checks that somebody serves where somebody could, once all has been quiet for
// the longest wait of one that could.
func (c *Check) served() {
	for _, r := range c.World.Routers {
		if r.serves() {
			c.unserved = time.Time{}
			return
		}
	}
	if c.covered() {
		c.unserved = time.Time{}
		return
	}
	now := c.World.now
	if c.unserved.IsZero() {
		c.unserved, c.dropped = now, c.shifting()
	}
	gap := now.Sub(c.unserved)
	if gap > crossing && c.shifting() && (c.dropped || slices.ContainsFunc(c.World.Routers, (*Router).healthy)) {
		c.violate("nobody serves for %v, though only priorities have changed%s", gap, c.describe())
		c.unserved = now
		return
	}
	if gap <= crossing || c.World.calm() <= c.Settle() {
		return
	}
	for _, r := range c.World.Routers {
		if r.healthy() && !c.holdsOff(r) && !r.heldBack() && now.After(c.due(r)) {
			c.violate("nobody serves for %v, and %s should since %v%s", gap, r.Name, now.Sub(c.due(r)), c.describe())
			c.unserved = now
			return
		}
	}
}

// shifting reports whether nothing has happened for long that ends a service: priorities
// may have changed.
func (c *Check) shifting() bool {
	w, r0 := c.World, c.World.Routers[0].instances[0]
	for _, r := range w.Routers {
		if r.lacks() {
			return false // who serves best is yet to be found out, from time to time
		}
	}
	return w.calm() > 0 && !w.apart() && w.now.Sub(w.broken) > 4*c.Settle()+r0.StartupDelay+r0.PreemptDelay+announced+w.Routers[0].fencing(c.Settle())
}

// demoted checks, when an Active has lowered its priority from was, that a better Backup
// which it had outranked has taken over as soon as its Skew_Time has passed.
func (c *Check) demoted(r *Router, was uint8) {
	w, ours := c.World, r.group().Priority()
	if !c.shifting() || w.mixed() {
		return
	}
	for _, o := range w.Routers {
		if p := o.priority(); o == r || p > was || p <= ours || !o.sound() || o.group().State() != event.Backup || !o.mayPreempt(r) {
			continue
		}
		rec, in := &c.routers[o.at], o.instances[0]
		if w.now.Before(latest(rec.ready, in.joined).Add(in.PreemptDelay)) || o.heldOff(0) {
			continue
		}
		skew, at := vrrp.SkewTime(o.priority(), in.Interval), w.now
		if in.Version == wire.V2 {
			skew = vrrp.SkewTime(o.priority(), time.Second)
		}
		w.After(skew+min(patience, in.Interval)+2*crossing, func() {
			if r.active() && c.routers[r.at].activeSince.Before(at) && w.disturbed.Equal(at) {
				c.violate("%s lowered its priority from %d to %d %v ago, and goes on, though %s is better%s", r.Name, was, ours, w.now.Sub(at), o.Name, c.describe())
			}
		})
		return
	}
}

// due returns when a healthy router is to serve at the latest, if nobody else does: an
// Active_Down_Interval after the LAN became quiet, or the router left Fault, or the last
// Active gave up. It leaves a fault of its own making when nobody was heard for as long. An
// Active that can place nothing has to find that out first, and then has priority 1, so
// that the preempt_delay counts.
func (c *Check) due(r *Router) time.Time {
	in, rec := r.instances[0], &c.routers[r.at]
	from, extra, found := c.World.disturbed, time.Duration(0), time.Time{}
	if rec.faulty {
		extra = c.Settle()
	}
	for _, o := range c.World.Routers {
		from = latest(from, c.routers[o.at].leftAt)
		if o.active() {
			found = c.routers[o.at].activeSince.Add(inPlaceWithin + c.Settle())
			from = latest(latest(from, c.routers[o.at].activeSince).Add(inPlaceWithin), rec.ready.Add(in.PreemptDelay))
		}
	}
	due := latest(latest(from, rec.ready).Add(extra+c.Settle()), r.started.Add(in.StartupDelay))
	end := latest(c.World.disturbed, rec.ready).Add(in.StartupDelay + in.PreemptDelay + 2*c.Settle() + c.found())
	if end.Before(due) {
		due = end
	}
	return latest(due, found).Add(announced + r.fencing(c.Settle()))
}

// holdsOff reports whether a router lacks something itself while another is Active, or will
// not know before its hold-off is over that it lacks nothing any more: two impaired routers
// settle on one, whatever each of them lacks, until then.
func (c *Check) holdsOff(r *Router) bool {
	return (r.lacks() || r.mayBeImpaired()) && slices.ContainsFunc(c.World.Routers, (*Router).active)
}

// found returns how long it may take until a router finds out that it can serve nothing.
func (c *Check) found() time.Duration {
	for _, r := range c.World.Routers {
		if r.servesNothing() {
			return inPlaceWithin
		}
	}
	return 0
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// Resumed checks that an Active which was stopped for long leaves it to the one that
// took over meanwhile; it is called when the router has just gone on.
func (c *Check) Resumed(r *Router) {
	w, in := c.World, r.instances[0]
	at, long := w.now, time.Duration(in.Miss+1)*in.Interval
	if !w.alike() || !r.active() || !c.routers[r.at].activeSince.Before(r.stopped) || at.Sub(r.stopped) <= long || !r.healthy() {
		return
	}
	for _, o := range w.Routers {
		if o != r && o.active() && o.sound() && at.Sub(o.resumed) > long {
			w.After(in.Interval+crossing, func() {
				if w.disturbed.Equal(at) && w.calm() > 0 && r.active() && o.sound() && r.knowsOf(o) {
					c.violate("%s goes on as Active after %v, though %s took over", r.Name, at.Sub(r.stopped), o.Name)
				}
			})
			return
		}
	}
}

// Rest checks a LAN that has been quiet for long: the best router with all its
// cables in is Active, and no other is.
//
// If the routers speak two versions, there may be one Active of each: they cannot agree. But
// then both have logged it.
func (c *Check) Rest() {
	if c.World.apart() || c.handingOver() {
		return
	}
	r0 := c.World.Routers[0].instances[0]
	// A hold-off that has just ended moves routers in the midst of the quiet.
	settled := c.Settle() + r0.PreemptDelay
	moved := c.World.Quiet() < r0.StartupDelay+settled+c.Settle()+announced+c.World.Routers[0].fencing(c.Settle())
	best, none := uint8(0), true // none has to serve
	for _, r := range c.World.Routers {
		if r.healthy() && !r.heldOff(settled) {
			best = max(best, r.priority())
			none = none && (c.holdsOff(r) || r.heldBack())
		}
	}
	var actives []string
	of := make(map[wire.Version]int)
	for _, r := range c.World.Routers {
		if !r.active() || r.servesNothing() {
			continue
		}
		actives = append(actives, r.Name)
		of[r.instances[0].Version]++
		if p := r.priority(); (p < best || p > best && !r.healthy()) && !c.anyOf() && !moved {
			c.violate("%s is Active with priority %d, though a healthy router has %d", r.Name, p, best)
		}
	}
	if (len(actives) == 0 && !none || len(actives) > 0 && best == 0) && !moved || of[wire.V2] > 1 || of[wire.V3] > 1 {
		c.violate("at rest %d routers are Active: %v%s", len(actives), actives, c.describe())
	}
	if len(of) > 1 {
		c.bothLogged()
	}
}

// handingOver reports whether a preempted Active has yet to hear its successor.
func (c *Check) handingOver() bool {
	for _, versions := range c.since {
		for _, since := range versions {
			if !since.IsZero() && c.World.now.Sub(since) <= crossing {
				return true
			}
		}
	}
	return false
}

// bothLogged checks that Actives of two versions have logged it within the last minute.
func (c *Check) bothLogged() {
	for _, r := range c.World.Routers {
		if ago := c.World.now.Sub(c.routers[r.at].rival); r.active() && ago > time.Minute+2*r.instances[0].Interval {
			c.violate("%s is not the only Active, and last logged it %v ago", r.Name, ago)
		}
	}
}

// describe describes the routers, for a violation.
func (c *Check) describe() (all string) {
	for _, r := range c.World.Routers {
		if r.core == nil {
			all += fmt.Sprintf("; %s is off", r.Name)
			continue
		}
		all += fmt.Sprintf("; %s is %v with priority %d, healthy %v, holds %v, cannot place all %v", r.Name, r.group().State(), r.priority(), r.healthy(), r.holds(), r.lacks())
	}
	return all
}

// Settle returns the longest Active_Down_Interval, that of an impaired router: the election
// may take that long after the LAN became quiet. After a spanning tree opened a port, the
// stations are asked first.
func (c *Check) Settle() time.Duration {
	in, longest := c.World.Routers[0].instances[0], c.World.longest()
	skew := vrrp.SkewTime(vrrp.Impaired, longest)
	if in.Version == wire.V2 {
		skew = vrrp.SkewTime(vrrp.Impaired, time.Second)
	}
	settle := time.Duration(in.Miss)*longest + skew
	if in.port.segment.Blocked > 0 {
		settle += again
	}
	return settle
}

// tie returns how much longer two Actives of equal priority may last, where they meet
// on another segment than the one that decides, and took over as late as can be.
func (c *Check) tie() time.Duration {
	interval := c.World.longest()
	return interval + min(interval, patience)
}

// anyOf reports whether any healthy router may be Active: Preempt_Mode is false, or
// routers of two versions leave it to the one that is.
func (c *Check) anyOf() bool { return !c.World.Routers[0].instances[0].Preempt || c.World.mixed() }

// healthy reports whether a router could be Active, whatever it believes.
func (r *Router) healthy() bool {
	if !r.running() || r.released || r.waits() || r.barred(r.truth) || r.barred(r.knowledge) || r.servesNothing() || r.worker.hung || r.distrusts() {
		return false
	}
	for _, p := range r.ports {
		if !p.plugged || p.noticed {
			return false
		}
	}
	return true
}

// sound reports whether a router is healthy and knows it.
func (r *Router) sound() bool {
	if !r.healthy() || r.group().State() == event.Fault {
		return false
	}
	for _, p := range r.ports {
		if !p.known {
			return false
		}
	}
	return true
}

// longestHoldOff is the longest time between two probes whether adverts leave again.
const longestHoldOff = 5 * time.Minute

// heldOff reports whether a router whose sends have failed has yet to find out that
// they would not any more, or has found out so lately that it has not settled; or trusts
// its worker again as lately.
func (r *Router) heldOff(settle time.Duration) bool {
	if r.world.now.Sub(r.worker.trusted) < settle {
		return true
	}
	refused := false
	for _, p := range r.ports {
		refused = refused || r.world.now.Before(p.mended.Add(longestHoldOff))
	}
	if !refused {
		return false
	}
	for _, m := range r.group().Status(r.world.now).Members {
		if m.LastEvent == event.Recovered && r.world.now.Sub(m.Since) < settle {
			return true
		}
		for _, f := range m.Faults {
			if f.Reason == event.SendFailed {
				return true
			}
		}
	}
	return false
}
