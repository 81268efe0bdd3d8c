package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ripcord/pkg/event"
	"ripcord/pkg/route"
	"ripcord/pkg/tree"
)

// routeEntry is one entry of routes, ruleEntry one of rules.
type (
	routeEntry struct {
		route.Route
		hops    []hopEntry
		at      place
		present keySet
	}
	ruleEntry struct {
		route.Rule
		said    event.Family // the key family
		at      place
		present keySet
	}
)

func readRoute(l *loader, at place) (routeEntry, bool) {
	r := routeEntry{at: at}
	routeKeys.start(&r)
	r.present = routeKeys.read(l, at, &r)
	routeKeys.need(l, at, r.present)
	return r, r.present != nil
}

func readRule(l *loader, at place) (ruleEntry, bool) {
	r := ruleEntry{at: at}
	ruleKeys.start(&r)
	r.present = ruleKeys.read(l, at, &r)
	ruleKeys.need(l, at, r.present)
	return r, r.present != nil
}

// network is a prefix without bits behind its length.
func network(l *loader, at place) (netip.Prefix, bool) {
	s, ok := l.word(at, "a network")
	if !ok {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		l.advise(at, "write it like 198.51.100.0/24 or 2001:db8::/32", "%s is not a network", show(s))
	case p.Addr().Is4In6():
		l.advise(at, "write it as IPv4", "%s is an IPv4 network mapped into IPv6", s)
	case p != p.Masked():
		l.advise(at, "write "+p.Masked().String(), "%s is an address in a network", s)
	default:
		return p, true
	}
	return netip.Prefix{}, false
}

// destination is a network, or default, whose family the check finds.
func destination(l *loader, at place) (netip.Prefix, bool) {
	if at.node.Kind == tree.Scalar && at.node.Text == "default" {
		return netip.Prefix{}, true
	}
	return network(l, at)
}

// station is an address that one station can have.
func station(l *loader, at place) (netip.Addr, bool) {
	s, ok := l.word(at, "an address")
	if !ok {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	switch {
	case err == nil && a.Zone() != "":
		l.advise(at, "leave the zone out: the interface is said elsewhere", "%s has a zone", s)
	case err != nil && strings.Contains(s, "/"):
		l.advise(at, "leave its length out", "%s is not an address", show(s))
	case err != nil:
		l.advise(at, "write it like 192.0.2.254 or fe80::1", "%s is not an address", show(s))
	case a.Is4In6():
		l.advise(at, "write it as IPv4", "%s is an IPv4 address mapped into IPv6", s)
	case a.IsUnspecified(), a.IsMulticast(), a.IsLoopback():
		l.fail(at, "%s is the address of no other station", s)
	default:
		return a, true
	}
	return netip.Addr{}, false
}

var tableNumber = number[uint32](1, 1<<32-1)

// tableOf is a routing table, by number or by one of the kernel's own names.
func tableOf(l *loader, at place) (uint32, bool) {
	if at.node.Kind == tree.Scalar && !at.node.Quoted {
		switch at.node.Text {
		case "main":
			return route.MainTable, true
		case "default":
			return route.MainTable - 1, true
		}
		if !digits.MatchString(at.node.Text) {
			l.advise(at, "write main, default or its number", "%s is no routing table", show(at.node.Text))
			return 0, false
		}
	}
	return tableNumber.read(l, at)
}

// fwmark reads 1, 0x1 or 0x1/0xff: a mark of packets, and the bits that count.
func fwmark(l *loader, at place) (mark, mask uint32, ok bool) {
	s, ok := l.word(at, "a mark")
	if !ok {
		return 0, 0, false
	}
	value, bits, masked := strings.Cut(s, "/")
	mark, ok = word32(value)
	if mask = ^uint32(0); ok && masked {
		mask, ok = word32(bits)
	}
	if !ok || mask == 0 {
		l.advise(at, "write it like 1, 0x1 or 0x1/0xff", "%s is not a mark of 32 bits", show(s))
		return 0, 0, false
	}
	return mark, mask, true
}

func word32(s string) (uint32, bool) {
	base := 10
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		s, base = hex, 16
	}
	v, err := strconv.ParseUint(s, base, 32)
	return uint32(v), err == nil
}

// checkRoutes sees that the parts of each route and rule are of one family, and
// finds the family of those that do not say it.
func (i *instance) checkRoutes(l *loader) {
	i.routes, i.rules = slices.Clone(i.routes), slices.Clone(i.rules) // of the defaults, perhaps
	for n := range i.routes {
		r := &i.routes[n]
		i.checkType(l, r)
		i.checkHops(l, r)
		parts := []part{{"to", r.To.Addr()}, {"via", r.Via}, {"source", r.Source}}
		for _, h := range r.hops {
			parts = append(parts, part{"nexthops", h.Via})
		}
		f := i.one(l, "routes", r.present, parts...)
		switch {
		case r.To.IsValid() || !routeKeys.sound(r.present):
		case f == event.IPv6:
			r.To = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		default:
			r.To = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		}
	}
	for n := range i.rules {
		i.checkRule(l, &i.rules[n])
	}
}

// checkType sees that a route has what its type and its family have.
func (i *instance) checkType(l *loader, r *routeEntry) {
	for _, key := range []string{"via", "nexthops", "interface", "source", "scope"} {
		if at, ok := r.present[key]; ok && r.Type.Discards() {
			l.advise(i.spot("routes", at), "leave it out", "a route of type %s leads nowhere", r.Type)
		}
	}
	at, ok := r.present["scope"]
	if !ok || at.bad || r.Type.Discards() {
		return
	}
	switch at = i.spot("routes", at); {
	case i.ofFamily(r) == event.IPv6:
		l.advise(at, "leave it out", "IPv6 routes have no scope")
	case r.Via.IsValid() && r.Scope >= scopeOfLink:
		l.advise(at, "write global or site", "a route with a gateway reaches beyond the link")
	}
}

// ofFamily returns the family of a route: that of the instance if it has no address.
func (i *instance) ofFamily(r *routeEntry) event.Family {
	for _, a := range []netip.Addr{r.To.Addr(), r.Via, r.Source} {
		if a.IsValid() {
			return event.FamilyOf(a)
		}
	}
	return i.Family
}

// scopeOfLink is RT_SCOPE_LINK; nowhere, RT_SCOPE_NOWHERE, is that of nothing.
const scopeOfLink, nowhere = 253, 255

// routeScope is the scope of a route.
func routeScope(l *loader, at place) (uint8, bool) {
	s, ok := scope(l, at)
	if ok && s == nowhere {
		l.fail(at, "%s is not between 0 and %d", show(at.node.Text), nowhere-1)
		return 0, false
	}
	return s, ok
}

// part is what one key of a route or rule says.
type part struct {
	key     string
	address netip.Addr // invalid: the key is not said
}

// one finds the family that all parts are of; the instance's if none has one.
func (i *instance) one(l *loader, list string, keys keySet, parts ...part) event.Family {
	f, by := i.Family, ""
	for _, p := range parts {
		switch of := event.FamilyOf(p.address); {
		case !p.address.IsValid():
		case by == "":
			f, by = of, p.key
		case of != f:
			l.fail(i.spot(list, keys[p.key]), "%s is %s, but %s is %s", p.address, of, by, f)
		}
	}
	return f
}

// checkRoutesOnce sees that no two routes take one place in a table, and that no
// rule is there twice.
func checkRoutesOnce(l *loader, all []*instance) {
	first := map[any]place{}
	once := func(key any, at place, hint string) {
		before, taken := first[key]
		switch {
		case !taken:
			first[key] = at
		case l.format == Keepalived: // which has the kernel refuse the second one
			l.warn(at, hint, "it stands as %s already: of the two only one is placed at a time", l.mention(before, at))
		default:
			l.advise(at, hint, "it stands as %s already", l.mention(before, at))
		}
	}
	for _, i := range all {
		for _, r := range i.routes {
			if !routeKeys.sound(r.present) {
				continue
			}
			once(r.Key(), i.spot("routes", r.at), "give one of them another metric or table")
		}
		for _, r := range i.rules {
			if ruleKeys.sound(r.present) {
				once(r.Rule, i.spot("rules", r.at), "leave one out")
			}
		}
	}
}

// routeSet returns the routes and rules of an instance, in the order in which they are
// added: no rule leads to a table that is still empty.
func (i *instance) routeSet() (all []route.Entry) {
	for _, r := range i.routes {
		if r.Interface == "" && len(r.hops) == 0 && !r.Type.Discards() {
			r.Interface = i.Interface
		}
		for _, h := range r.hops {
			r.Hops = append(r.Hops, h.Hop)
		}
		all = append(all, r.Route)
	}
	for _, r := range i.rules {
		all = append(all, r.Rule)
	}
	return all
}
