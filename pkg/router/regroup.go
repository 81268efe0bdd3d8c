package router

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/machine"
)

// succeed returns the machines of the groups of a new configuration, and which of them have yet to
// start. Virtual routers that keep their state in another group have moved to its machine.
func (c *Core) succeed(now time.Time, groups []vrrp.Group) (machines []*machine.Machine, added []bool) {
	s := vrrp.Succeed(c.configs(), groups)
	c.standing.inherit(s)
	machines, added = make([]*machine.Machine, len(groups)), make([]bool, len(groups))
	for i := range groups {
		if at := s.From(i); at >= 0 {
			machines[i] = c.groups[at]
		}
	}
	for i := range groups {
		g := &groups[i]
		for _, at := range s.Origins(i) {
			switch origin := c.groups[at]; {
			case origin == machines[i]:
			case machines[i] == nil && origin.Settled():
				machines[i] = origin.Part(g)
			case machines[i] != nil && machines[i].Accepts(origin):
				machines[i].Take(origin, g)
			}
		}
		if machines[i] == nil {
			machines[i], added[i] = machine.New(*g, &c.tickets, now), true
		}
	}
	return machines, added
}

// configs returns the configurations of all groups.
func (c *Core) configs() (all []vrrp.Group) {
	for _, m := range c.groups {
		all = append(all, *m.Config())
	}
	return all
}

// StartAnew returns a sentence for each virtual router that a new configuration puts into another
// group, and that cannot keep its state there, as far as the snapshots of the present groups show:
// it will stop and start anew. It is for people, who should know that before the reload.
func StartAnew(before []vrrp.Group, status []*vrrp.GroupStatus, next []vrrp.Group) (sentences []string) {
	s, shown := vrrp.Succeed(before, next), make(map[string]*vrrp.GroupStatus)
	for _, g := range status {
		shown[g.Title()] = g
	}
	for i := range next {
		var to *vrrp.GroupStatus
		if at := s.From(i); at >= 0 {
			to = shown[before[at].Title()]
		}
		for _, at := range s.Origins(i) {
			from := shown[before[at].Title()]
			if from == nil || from == to || from.State != event.Active && from.State != event.Backup {
				continue // there is no state to keep
			}
			why := hindrance(from, to)
			if to == nil && why == "" {
				to = from // the first one that can keep its state determines that of the new group
			}
			for j := range next[i].Members {
				if in := &next[i].Members[j]; why != "" && s.Origin(in) == at {
					sentences = append(sentences, fmt.Sprintf("%s stops and starts anew, in another group: %s", in.Name, why))
				}
			}
		}
	}
	return sentences
}

// hindrance returns why members of a group cannot keep their state in another group, or if that is
// nil in a new one; empty if they can.
func hindrance(from, to *vrrp.GroupStatus) string {
	switch {
	case incomplete(from):
		return from.Title() + " does not serve with everything that is configured"
	case to == nil:
		return ""
	case from.State != to.State:
		return fmt.Sprintf("%s is %s, and %s is %s", from.Title(), from.State, to.Title(), to.State)
	case incomplete(to):
		return to.Title() + " does not serve with everything that is configured"
	case from.Members[0].EffectivePriority != to.Members[0].EffectivePriority:
		return fmt.Sprintf("%s has priority %d, and %s has priority %d",
			from.Title(), from.Members[0].EffectivePriority, to.Title(), to.Members[0].EffectivePriority)
	}
	return ""
}

// incomplete reports whether a group lacks addresses, routes or rules, or a member serves without it.
func incomplete(g *vrrp.GroupStatus) bool {
	return slices.ContainsFunc(g.Members, func(m vrrp.InstanceStatus) bool { return len(m.Missing) > 0 || m.LastStanding })
}
