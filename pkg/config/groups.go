package config

import (
	"fmt"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/spelling"
	"ripcord/pkg/vrrp"
)

// group is one entry of groups.
type group struct {
	name    string
	members []member

	track    []tracked
	faultAll bool
	// lastStanding lets healthy members serve if no other router does.
	lastStanding bool
	fence        *vrrp.Fence
	notify       Notify

	at      problem.Place
	present schema.KeySet
}

// member is one entry of members.
type member struct {
	name     string
	at       problem.Place
	instance *instance // nil: there is none with that name
}

func readGroup(report *problem.Report, at problem.Place) (group, bool) {
	g := group{at: at}
	notifyKeys.Start(&g.notify)
	g.present = groupKeys.Fill(report, at, &g)
	return g, g.present != nil
}

func readMember(report *problem.Report, at problem.Place) (member, bool) {
	s, ok := report.Word(at, "the name of an instance")
	return member{name: s, at: at}, ok
}

// checkGroups finds the members of the groups, and requires that each group can move as one.
func checkGroups(report *problem.Report, groups []group, instances []*instance) {
	byName, names := map[string]*instance{}, []string{}
	for _, i := range instances {
		if i.sound("name") && byName[i.Name] == nil {
			byName[i.Name] = i
			names = append(names, i.Name)
		}
	}
	first := map[string]problem.Place{}
	for n := range groups {
		g := &groups[n]
		if at, taken := first[g.name]; taken && g.name != "" {
			report.Fail(g.at.Key("name"), "%s is the name of %s already", g.name, report.Mention(at, g.at))
		} else {
			first[g.name] = g.at
		}
		g.findMembers(report, byName, names)
		g.checkPriority(report)
	}
}

// findMembers finds each member, which can be in only one group, once.
func (g *group) findMembers(report *problem.Report, byName map[string]*instance, names []string) {
	for n := range g.members {
		m := &g.members[n]
		i := byName[m.name]
		switch {
		case i == nil:
			report.Advise(m.at, spelling.DidYouMean(report.Suggest(m.name, names)), "no instance is named %s", problem.Show(m.name))
		case i.group == g:
			report.Fail(m.at, "%s is given twice", m.name)
		case i.group != nil:
			report.Fail(m.at, "%s is in %s already; an instance can be in one group only", m.name, report.Mention(i.group.at, m.at))
		default:
			i.group, m.instance = g, i
		}
	}
}

// checkPriority requires that all members have one priority: the group's.
func (g *group) checkPriority(report *problem.Report) {
	var first *member
	for n := range g.members {
		m := &g.members[n]
		switch {
		case m.instance == nil || m.instance.present["priority"].Bad:
		case g.lastStanding && m.instance.Priority <= vrrp.ImpairedLastStanding:
			report.Advise(m.at, fmt.Sprintf("give it %d or more", vrrp.ImpairedLastStanding+1),
				"%s has priority %d, but with last_standing 1 and 2 are the priorities of routers that serve in part", m.name, m.instance.Priority)
		case first == nil:
			first = m
		case m.instance.Priority != first.instance.Priority:
			report.Advise(m.at, "give all members of a group one priority", "%s has priority %d, but %s has %d",
				m.name, m.instance.Priority, first.name, first.instance.Priority)
		}
	}
}

// warnTrack warns about a key for the track of a group without one.
func (g *group) warnTrack(report *problem.Report) {
	if at, ok := g.present["fault"]; ok && len(g.track) == 0 && !g.present["track"].Bad {
		report.Warn(at, "it applies to the group's own track", "has no effect")
	}
}
