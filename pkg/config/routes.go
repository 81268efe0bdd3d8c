package config

import (
	"net/netip"
	"slices"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/config/value"
	"ripcord/pkg/event"
	"ripcord/pkg/route"
)

// A routeEntry is one entry of routes, and a ruleEntry one entry of rules.
type (
	routeEntry struct {
		route.Route
		hops    []hopEntry
		at      problem.Place
		present schema.KeySet
	}
	ruleEntry struct {
		route.Rule
		said    event.Family // the value of the key family
		at      problem.Place
		present schema.KeySet
	}
)

func readRoute(report *problem.Report, at problem.Place) (routeEntry, bool) {
	r := routeEntry{at: at}
	r.present = routeKeys.Fill(report, at, &r)
	return r, r.present != nil
}

func readRule(report *problem.Report, at problem.Place) (ruleEntry, bool) {
	r := ruleEntry{at: at}
	r.present = ruleKeys.Fill(report, at, &r)
	return r, r.present != nil
}

// routing holds the routes and rules of an instance.
type routing struct {
	routes []routeEntry
	rules  []ruleEntry
}

// check checks that the parts of each route and rule are of one family, and sets the family of
// those whose parts determine none to that of the instance.
func (r *routing) check(report *problem.Report, o origin, family event.Family) {
	r.routes, r.rules = slices.Clone(r.routes), slices.Clone(r.rules) // the defaults may share them
	for n := range r.routes {
		to := &r.routes[n]
		to.checkType(report, o, family)
		to.checkHops(report, o)
		parts := []part{{"to", to.To.Addr()}, {"via", to.Via}, {"source", to.Source}}
		for _, h := range to.hops {
			parts = append(parts, part{"nexthops", h.Via})
		}
		f := oneFamily(report, o, family, "routes", to.present, parts...)
		switch {
		case to.To.IsValid() || !routeKeys.Sound(to.present):
		case f == event.IPv6:
			to.To = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		default:
			to.To = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		}
	}
	for n := range r.rules {
		r.rules[n].check(report, o, family)
	}
}

// checkType checks that a route has the keys that its type and family need, and no others.
func (r *routeEntry) checkType(report *problem.Report, o origin, family event.Family) {
	for _, key := range []string{"via", "nexthops", "interface", "source", "scope"} {
		if at, ok := r.present[key]; ok && r.Type.Discards() {
			report.Advise(o.spot("routes", at), "leave it out", "a route of type %s has no next hop", r.Type)
		}
	}
	at, ok := r.present["scope"]
	if !ok || at.Bad || r.Type.Discards() {
		return
	}
	switch at = o.spot("routes", at); {
	case r.family(family) == event.IPv6:
		report.Advise(at, "leave it out", "IPv6 routes have no scope")
	case r.Via.IsValid() && r.Scope >= scopeOfLink:
		report.Advise(at, "write global or site", "a route with a gateway reaches beyond the link")
	}
}

// family returns the family of a route, or the given one if the route has no address.
func (r *routeEntry) family(otherwise event.Family) event.Family {
	for _, a := range []netip.Addr{r.To.Addr(), r.Via, r.Source} {
		if a.IsValid() {
			return event.FamilyOf(a)
		}
	}
	return otherwise
}

// scopeOfLink is RT_SCOPE_LINK. nowhere is RT_SCOPE_NOWHERE, which no route can have.
const scopeOfLink, nowhere = 253, 255

// routeScope reads the scope of a route.
func routeScope(report *problem.Report, at problem.Place) (uint8, bool) {
	s, ok := value.Scope(report, at)
	if ok && s == nowhere {
		report.Fail(at, "%s is not between 0 and %d", problem.Show(at.Node.Text), nowhere-1)
		return 0, false
	}
	return s, ok
}

// part is the address in one key of a route or rule.
type part struct {
	key     string
	address netip.Addr // invalid if the key is missing
}

// oneFamily returns the family of all parts, or the given one if no part has an address.
func oneFamily(report *problem.Report, o origin, otherwise event.Family, list string, keys schema.KeySet, parts ...part) event.Family {
	f, by := otherwise, ""
	for _, p := range parts {
		switch of := event.FamilyOf(p.address); {
		case !p.address.IsValid():
		case by == "":
			f, by = of, p.key
		case of != f:
			report.Fail(o.spot(list, keys[p.key]), "%s is %s, but %s is %s", p.address, of, by, f)
		}
	}
	return f
}

// checkRoutesOnce reports two routes in the same place of a table, and a rule that stands twice, in
// one instance. Several instances may have the same route, which stays as long as one is Active.
func checkRoutesOnce(report *problem.Report, all []*instance) {
	type entry struct {
		route.Entry
		of *instance
		at problem.Place
	}
	first := map[any]entry{}
	once := func(key any, e entry, hint string) {
		before, taken := first[key]
		switch {
		case !taken:
			first[key] = e
		case before.of != e.of && route.Same(before.Entry, e.Entry):
		case before.of != e.of || report.Tolerant: // under keepalived the kernel refuses the second one
			report.Warn(e.at, hint, "it is the same as %s: only one of the two is installed at a time", report.Mention(before.at, e.at))
		default:
			report.Advise(e.at, hint, "it is the same as %s", report.Mention(before.at, e.at))
		}
	}
	for _, i := range all {
		for _, r := range i.routing.routes {
			if !routeKeys.Sound(r.present) {
				continue
			}
			once(r.Key(), entry{r.Route, i, i.spot("routes", r.at)}, "give one of them another metric or table")
		}
		for _, r := range i.routing.rules {
			if ruleKeys.Sound(r.present) {
				once(r.Rule, entry{r.Rule, i, i.spot("rules", r.at)}, "leave one out")
			}
		}
	}
}

// set returns the routes and rules in the order in which they are added, routes first, so that no
// rule leads to an empty table. A route that names no link leaves by the given one, unless the
// kernel finds the link by the gateway.
func (r *routing) set(on string) (all []route.Entry) {
	for _, to := range r.routes {
		gateway := to.Via.IsValid() && !to.OnLink && (to.Via.Is4() || !to.Via.IsLinkLocalUnicast())
		if to.Interface == "" && len(to.hops) == 0 && !to.Type.Discards() && !gateway {
			to.Interface = on
		}
		for _, h := range to.hops {
			to.Hops = append(to.Hops, h.Hop)
		}
		all = append(all, to.Route)
	}
	for _, rule := range r.rules {
		all = append(all, rule.Rule)
	}
	return all
}
