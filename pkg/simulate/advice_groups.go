package simulate

import (
	"slices"
	"time"

	"ripcord/pkg/vrrp"
)

// What the groups of two routers contradict each other in.

// pair is a group that two routers have.
type pair struct {
	x, y     *router
	of, with *vrrp.Group
}

// pairs returns the groups that two routers have: those that share the first virtual router.
func (a *advice) pairs() (all []pair) {
	for i, x := range a.routers {
		for _, y := range a.routers[i+1:] {
			for g := range x.Config.Groups {
				of := &x.Config.Groups[g]
				if with := a.counterpart(x, y, of); with != nil {
					all = append(all, pair{x, y, of, with})
				}
			}
		}
	}
	return all
}

func (a *advice) counterpart(x, y *router, of *vrrp.Group) *vrrp.Group {
	first := &of.Members[0]
	for g := range y.Config.Groups {
		with := &y.Config.Groups[g]
		for i := range with.Members {
			in := &with.Members[i]
			if in.VRID == first.VRID && in.Family == first.Family && y.links[in.Interface].Segment == x.links[first.Interface].Segment {
				return with
			}
		}
	}
	return nil
}

// crossed finds groups of equal priority on two routers of which each has the greater address
// on one segment.
func (a *advice) crossed() {
	for _, p := range a.pairs() {
		if p.of.Members[0].Priority != p.with.Members[0].Priority || len(p.of.Members) < 2 {
			continue
		}
		greater := make(map[bool]string)
		for i := range p.of.Members {
			in := &p.of.Members[i]
			for j := range p.with.Members {
				o := &p.with.Members[j]
				xs, ys := p.x.links[in.Interface], p.y.links[o.Interface]
				if in.VRID == o.VRID && in.Family == o.Family && xs.Segment == ys.Segment && len(xs.Sources) > 0 && len(ys.Sources) > 0 {
					greater[xs.Sources[0].Addr().Compare(ys.Sources[0].Addr()) > 0] = xs.Segment
				}
			}
		}
		if len(greater) == 2 {
			a.add("%s has priority %d on %s and on %s, and the greater address, which decides then, is that of %s on %s and that of %s on %s: the first member decides for all, and other programs (keepalived) would take turns; give one a higher priority.",
				p.of.Title(), p.of.Members[0].Priority, p.x.Name, p.y.Name, p.x.Name, greater[true], p.y.Name, greater[false])
		}
	}
}

// delays finds preempt delays that are set against a check which goes up and down, and do not
// slow that, or which nobody waits for.
func (a *advice) delays(p pair) {
	x, y := &p.of.Members[0], &p.with.Members[0]
	low, high := p.ordered()
	if x.PreemptDelay > 0 && y.PreemptDelay > 0 && x.Preempt && y.Preempt && mayOvertake(p.of, p.with) && mayOvertake(p.with, p.of) {
		a.add("%s: when what %s tracks fails, %s takes over at once, and %s again as soon as it passes: preempt_delay (%v and %v) counts only after a start or a fault, which a weight is not, so that they chase each other while that changes; slow the check with its rise and fall.",
			p.of.Title(), high.name, low.name, high.name, x.PreemptDelay, y.PreemptDelay)
	}
	if x.Preempt != y.Preempt {
		a.add("%s: preempt is %v on %s and %v on %s: who serves after a failover depends on who failed; set it alike.", p.of.Title(), x.Preempt, p.x.Name, y.Preempt, p.y.Name)
	}
	if d := low.first().PreemptDelay; d > 0 && low.first().Priority < high.first().Priority && !mayOvertake(low.group, high.group) && high.first().PreemptDelay == 0 {
		a.add("%s: the preempt_delay of %v stands on %s, which is the lower and preempts nobody, and not on the other: it delays nothing; move it to the router with the greater priority.", p.of.Title(), d.Round(time.Millisecond), low.name)
	}
}

// side is one of two routers, and its group.
type side struct {
	name  string
	group *vrrp.Group
}

// first returns the first member of the group.
func (s side) first() *vrrp.Instance { return &s.group.Members[0] }

// ordered returns the two sides, that of the greater priority last.
func (p pair) ordered() (low, high side) {
	low, high = side{p.x.Name, p.of}, side{p.y.Name, p.with}
	if low.first().Priority > high.first().Priority {
		low, high = high, low
	}
	return low, high
}

// tracking finds what only one of two routers tracks, and weights that move nothing.
func (a *advice) tracking(p pair) {
	xs, ys := tracked(p.of), tracked(p.with)
	switch {
	case len(xs) > 0 && len(ys) == 0:
		a.tracksAlone(p.x.Name, p.y.Name, p.of, xs)
	case len(ys) > 0 && len(xs) == 0:
		a.tracksAlone(p.y.Name, p.x.Name, p.of, ys)
	}
	low, high := p.ordered()
	least, _ := bounds(high.group)
	if own := int(high.first().Priority); least < own && least > int(low.first().Priority) && !fatal(high.group) && !mayOvertake(low.group, high.group) {
		a.add("%s: whatever fails of what %s tracks (%s), its priority stays at %d or more, above the %d of %s: that moves nothing; make the weights greater.",
			p.of.Title(), high.name, listed(tracked(high.group)), least, low.first().Priority, low.name)
	}
}

// tracksAlone says that only one of two routers tracks anything.
func (a *advice) tracksAlone(one, other string, of *vrrp.Group, names []string) {
	a.add("%s: %s tracks %s and %s tracks nothing: %s serves whatever that is like there; let both track it.", of.Title(), one, listed(names), other, other)
}

// tracked returns the names of what a group and its members track, once each.
func tracked(g *vrrp.Group) (names []string) {
	for _, t := range trackers(g) {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return names
}

// fatal reports whether the failure of anything that a group tracks is a fault.
func fatal(g *vrrp.Group) bool {
	return slices.ContainsFunc(trackers(g), func(t vrrp.Tracker) bool { return t.Weight == 0 && !t.Reported })
}

// trackers returns all entries of a group and its members.
func trackers(g *vrrp.Group) []vrrp.Tracker {
	all := slices.Clone(g.Track)
	for i := range g.Members {
		all = append(all, g.Members[i].Track...)
	}
	return all
}

// fences finds a fence that only one of two routers has.
func (a *advice) fences(p pair) {
	with, without := p.x.Name, p.y.Name
	if p.of.Fence == nil {
		with, without = without, with
	}
	if (p.of.Fence == nil) != (p.with.Fence == nil) {
		a.add("%s: %s has a fence and %s has none: %s takes over from a router that fell silent without making sure that it is off; give both one.", p.of.Title(), with, without, without)
	}
}

// mayOvertake reports whether a group may have the greater priority by what is tracked.
func mayOvertake(g, other *vrrp.Group) bool {
	_, most := bounds(g)
	least, _ := bounds(other)
	return most > least
}

// bounds returns the least and the greatest priority that a group may have.
func bounds(g *vrrp.Group) (least, most int) {
	least = int(g.Members[0].Priority)
	most = least
	seen := make(map[vrrp.Tracker]bool)
	for _, t := range trackers(g) {
		switch {
		case seen[t]:
		case t.Reported:
			return 1, vrrp.Owner - 1
		case t.Weight < 0:
			least += t.Weight
		case t.Weight > 0:
			most += t.Weight
		}
		seen[t] = true
	}
	return least, most
}
