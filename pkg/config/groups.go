package config

import (
	"cmp"
	"fmt"

	"ripcord/pkg/spelling"
	"ripcord/pkg/vrrp"
)

// group is one entry of groups.
type group struct {
	name    string
	members []member

	track    []tracked
	faultAll bool
	// lastStanding lets sound members serve where nobody does.
	lastStanding bool
	fence        *vrrp.Fence
	notify       Notify

	at      place
	present keySet
}

// member is one entry of members.
type member struct {
	name     string
	at       place
	instance *instance // nil: there is none of that name
}

func readGroup(l *loader, at place) (group, bool) {
	g := group{at: at}
	groupKeys.start(&g)
	notifyKeys.start(&g.notify)
	g.present = groupKeys.read(l, at, &g)
	groupKeys.need(l, at, g.present)
	return g, g.present != nil
}

func readMember(l *loader, at place) (member, bool) {
	s, ok := l.word(at, "the name of an instance")
	return member{name: s, at: at}, ok
}

// checkGroups finds the members of the groups, and checks that each group can move as one.
func (d *document) checkGroups(l *loader) {
	byName, names := map[string]*instance{}, []string{}
	for _, i := range d.instances {
		if i.sound("name") && byName[i.Name] == nil {
			byName[i.Name] = i
			names = append(names, i.Name)
		}
	}
	first := map[string]place{}
	for n := range d.groups {
		g := &d.groups[n]
		if at, taken := first[g.name]; taken && g.name != "" {
			l.fail(g.at.key("name"), "%s is the name of %s already", g.name, l.mention(at, g.at))
		} else {
			first[g.name] = g.at
		}
		g.findMembers(l, byName, names)
		g.checkPriority(l)
	}
}

// findMembers finds each member, which can be in one group only and once.
func (g *group) findMembers(l *loader, byName map[string]*instance, names []string) {
	for n := range g.members {
		m := &g.members[n]
		i := byName[m.name]
		switch {
		case i == nil:
			l.advise(m.at, spelling.DidYouMean(l.suggest(m.name, names)), "no instance is named %s", show(m.name))
		case i.group == g:
			l.fail(m.at, "%s is given twice", m.name)
		case i.group != nil:
			l.fail(m.at, "%s is in %s already; an instance is in one group", m.name, l.mention(i.group.at, m.at))
		default:
			i.group, m.instance = g, i
		}
	}
}

// checkFences sees that a member leaves the fence to its group, and that no group has one
// and may serve in part: a router with a fault cannot know whom to fence.
func (d *document) checkFences(l *loader) {
	for n := range d.groups {
		if g := &d.groups[n]; g.lastStanding && cmp.Or(g.fence, d.defaults.fence) != nil {
			l.advise(g.present["last_standing"], "leave one of the two out",
				"a member that serves while its group is in Fault takes over from whoever fell silent, and runs no fence")
		}
	}
	for _, i := range d.instances {
		if _, own := i.own["fence"]; own && i.group != nil {
			l.advise(i.where("fence"), "give the fence to the group", "%s is in %s, which takes over as one", i.Name, l.mention(i.group.at, i.where("fence")))
		}
	}
}

// checkPriority sees that all members have one priority: the group has it.
func (g *group) checkPriority(l *loader) {
	var first *member
	for n := range g.members {
		m := &g.members[n]
		switch {
		case m.instance == nil || m.instance.present["priority"].bad:
		case g.lastStanding && m.instance.Priority <= vrrp.ImpairedLastStanding:
			l.advise(m.at, fmt.Sprintf("give it %d or more", vrrp.ImpairedLastStanding+1),
				"%s has priority %d, and with last_standing 1 and 2 are those of routers that serve in part", m.name, m.instance.Priority)
		case first == nil:
			first = m
		case m.instance.Priority != first.instance.Priority:
			l.advise(m.at, "give all members of a group one priority", "%s has priority %d, but %s has %d",
				m.name, m.instance.Priority, first.name, first.instance.Priority)
		}
	}
}
