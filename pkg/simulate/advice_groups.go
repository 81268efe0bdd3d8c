package simulate

import (
	"slices"
	"time"

	"ripcord/pkg/vrrp"
)

// This file compares the groups of two routers.

// pair is a group of one router and the corresponding group of another.
type pair struct {
	x, y     *router
	of, with *vrrp.Group
}

// pairs returns the groups that correspond to each other: their first members belong to one
// virtual router.
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

// crossed finds corresponding groups of equal priority where each router has the greater address
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
			a.add("%s has priority %d on %s and on %s, and the greater address, which decides between equal priorities, belongs to %s on %s and to %s on %s: here the first member decides for the group, but other programs (keepalived) would alternate; set a higher priority on one of them.",
				p.of.Title(), p.of.Members[0].Priority, p.x.Name, p.y.Name, p.x.Name, greater[true], p.y.Name, greater[false])
		}
	}
}

// delays finds preempt delays on a router that never preempts, and routers of which one preempts.
func (a *advice) delays(p pair) {
	x, y := &p.of.Members[0], &p.with.Members[0]
	low, high := p.ordered()
	if x.Preempt != y.Preempt {
		a.add("%s: preempt is %v on %s and %v on %s: which router serves after a failover depends on which one failed; set the same value on both.", p.of.Title(), x.Preempt, p.x.Name, y.Preempt, p.y.Name)
	}
	if d := low.first().PreemptDelay; d > 0 && low.first().Priority < high.first().Priority && !mayOvertake(low.group, high.group) && high.first().PreemptDelay == 0 {
		a.add("%s: preempt_delay is %v on %s, which has the lower priority and so never preempts, and is not set on the other: it has no effect; set it on the router with the higher priority.", p.of.Title(), d.Round(time.Millisecond), low.name)
	}
}

// side is one router of a pair and its group.
type side struct {
	name  string
	group *vrrp.Group
}

// first returns the first member of the group.
func (s side) first() *vrrp.Instance { return &s.group.Members[0] }

// ordered returns the two sides in ascending order of their priorities.
func (p pair) ordered() (low, high side) {
	low, high = side{p.x.Name, p.of}, side{p.y.Name, p.with}
	if low.first().Priority > high.first().Priority {
		low, high = high, low
	}
	return low, high
}

// tracking finds objects that only one of two routers tracks, and weights that are too small to
// change the Active.
func (a *advice) tracking(p pair) {
	xs, ys := tracked(p.of), tracked(p.with)
	switch {
	case len(xs) > 0 && len(ys) == 0:
		a.tracksAlone(p.x.Name, p.y.Name, p.of, xs)
	case len(ys) > 0 && len(xs) == 0:
		a.tracksAlone(p.y.Name, p.x.Name, p.of, ys)
	}
	low, high := p.ordered()
	lowest, _ := bounds(high.group)
	if own := int(high.first().Priority); lowest < own && lowest > int(low.first().Priority) && !fatal(high.group) && !mayOvertake(low.group, high.group) {
		a.add("%s: even if everything fails that %s tracks (%s), its priority stays at %d or more, above the %d of %s: the weights have no effect; increase them.",
			p.of.Title(), high.name, listed(tracked(high.group)), lowest, low.first().Priority, low.name)
	}
}

// tracksAlone reports that only one of two routers tracks anything.
func (a *advice) tracksAlone(one, other string, of *vrrp.Group, names []string) {
	a.add("%s: %s tracks %s and %s tracks nothing: %s serves even when that fails there; track it on both.", of.Title(), one, listed(names), other, other)
}

// tracked returns the names of everything that a group and its members track, without duplicates.
func tracked(g *vrrp.Group) (names []string) {
	for _, t := range trackers(g) {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return names
}

// fatal reports whether a group tracks anything whose failure is a fault.
func fatal(g *vrrp.Group) bool {
	return slices.ContainsFunc(trackers(g), func(t vrrp.Tracker) bool { return t.Weight == 0 && !t.Reported })
}

// trackers returns the trackers of a group and of its members.
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
		a.add("%s: %s has a fence and %s has none: %s takes over from a silent router without making sure that it is off; configure a fence on both.", p.of.Title(), with, without, without)
	}
}

// mayOvertake reports whether the trackers of a group can raise its priority above that of the
// other group.
func mayOvertake(g, other *vrrp.Group) bool {
	_, highest := bounds(g)
	lowest, _ := bounds(other)
	return highest > lowest
}

// bounds returns the lowest and the highest priority that the trackers of a group can give it.
func bounds(g *vrrp.Group) (lowest, highest int) {
	lowest = int(g.Members[0].Priority)
	highest = lowest
	seen := make(map[vrrp.Tracker]bool)
	for _, t := range trackers(g) {
		switch {
		case seen[t]:
		case t.Reported:
			return 1, vrrp.Owner - 1
		case t.Weight < 0:
			lowest += t.Weight
		case t.Weight > 0:
			highest += t.Weight
		}
		seen[t] = true
	}
	return lowest, highest
}
