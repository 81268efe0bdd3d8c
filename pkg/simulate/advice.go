package simulate

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// Advice returns what the configurations of the routers contradict one another in, a sentence
// for each that says what comes of it and what to do.
func (l *LAN) Advice() []string {
	a := advice{LAN: l, found: []string{}, grouped: make(map[[2]*router]bool)}
	all := l.subscribers()
	a.differentVRIDs(all)
	virtual := make(map[key][]subscriber)
	var order []key
	for _, s := range all {
		if virtual[s.key()] == nil {
			order = append(order, s.key())
		}
		virtual[s.key()] = append(virtual[s.key()], s)
	}
	for _, k := range order {
		for _, alike := range virtualRouters(virtual[k]) {
			for _, s := range alike[1:] {
				a.compare(alike[0], s)
			}
			a.owners(alike)
		}
	}
	a.crossed()
	a.delays()
	return a.found
}

// virtualRouters divides the instances of one VRID among their virtual routers.
func virtualRouters(all []subscriber) (divided [][]subscriber) {
	for _, s := range all {
		at := slices.IndexFunc(divided, func(of []subscriber) bool { return of[0].meets(s, all) })
		if at < 0 {
			divided = append(divided, []subscriber{s})
			continue
		}
		divided[at] = append(divided[at], s)
	}
	return divided
}

// advice is what was found so far.
type advice struct {
	*LAN
	found   []string
	grouped map[[2]*router]bool // pairs of routers whose groups differ
}

// add adds a sentence, once.
func (a *advice) add(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(a.found, text) {
		a.found = append(a.found, text)
	}
}

// differentVRIDs finds addresses that have one VRID on a router and another one on the next.
func (a *advice) differentVRIDs(all []subscriber) {
	first := make(map[netip.Addr]subscriber)
	for _, s := range all {
		for _, ip := range s.in.Addresses {
			o, known := first[ip]
			if !known {
				first[ip] = s
				continue
			}
			if o.router != s.router && o.segment == s.segment && o.in.VRID != s.in.VRID {
				a.add("%s has VRID %d on %s and VRID %d on %s: they do not hear each other there, and both serve it unless another member of its group decides; give it one VRID on all routers.",
					ip, o.in.VRID, o.router.Name, s.in.VRID, s.router.Name)
			}
		}
	}
}

// compare compares what has to be alike on two routers of one virtual router.
func (a *advice) compare(x, y subscriber) {
	who := fmt.Sprintf("VRID %d on %s", x.in.VRID, x.segment)
	xn, yn := x.router.Name, y.router.Name
	if x.in.Version != y.in.Version {
		a.add("%s: %s speaks VRRPv%d and %s VRRPv%d, so neither believes the other: both serve if they start together or lose each other, and one that comes later stays Backup for ever; give both one version.",
			who, xn, versionNumber(x.in.Version), yn, versionNumber(y.in.Version))
		return // the rest follows from it
	}
	a.authentication(who, x, y)
	if x.in.Version == wire.V2 && x.in.Interval != y.in.Interval {
		a.add("%s: %s advertises each %v and %s each %v, and VRRPv2 discards adverts of another interval: both serve; give both one interval.", who, xn, x.in.Interval, yn, y.in.Interval)
	} else if x.in.Interval != y.in.Interval {
		a.add("%s: %s advertises each %v and %s each %v: how long a takeover takes depends on who was Active; give both one interval.", who, xn, x.in.Interval, yn, y.in.Interval)
	}
	a.addressLists(who, x, y)
	a.unicast(who, x, y)
	if xg, yg := grouped(x), grouped(y); !slices.Equal(xg, yg) && !a.grouped[[2]*router{x.router, y.router}] {
		a.grouped[[2]*router{x.router, y.router}] = true // the other members say the same
		a.add("%s moves with %s on %s, and with %s on %s: a fault moves other addresses on one router than on the other; configure the group alike.",
			who, orNothing(xg), xn, orNothing(yg), yn)
	}
}

// versionNumber returns the number of a version of VRRP.
func versionNumber(v wire.Version) int {
	if v == wire.V2 {
		return 2
	}
	return 3
}

func (a *advice) authentication(who string, x, y subscriber) {
	xn, yn := x.router.Name, y.router.Name
	switch xp, yp := x.in.Auth, y.in.Auth; {
	case xp == yp:
	case xp == (wire.Auth{}):
		a.add("%s: %s has a password and %s has none, so neither believes the other and both serve; give both the same one, or none.", who, yn, xn)
	case yp == (wire.Auth{}):
		a.add("%s: %s has a password and %s has none, so neither believes the other and both serve; give both the same one, or none.", who, xn, yn)
	default:
		a.add("%s: the passwords of %s and %s differ, so neither believes the other and both serve; give both the same one.", who, xn, yn)
	}
	xs, ys := x.in.HMAC, y.in.HMAC
	switch {
	case xs == nil && ys == nil:
	case xs == nil && ys.Mode == vrrp.Enforce, ys == nil && xs.Mode == vrrp.Enforce, xs != nil && ys != nil && !sameKey(xs, ys):
		a.add("%s: %s and %s do not sign with a key that both have, so the one that asks for signatures believes no advert of the other; see docs/authentication.md for the order of changes.", who, xn, yn)
	}
}

// sameKey reports whether each has the key with which the other signs.
func sameKey(x, y *vrrp.HMAC) bool {
	return x.Keys[x.Active].Equal(y.Keys[x.Active]) && y.Keys[y.Active].Equal(x.Keys[y.Active])
}

func (a *advice) addressLists(who string, x, y subscriber) {
	xs, ys := slices.Clone(x.in.Addresses), slices.Clone(y.in.Addresses)
	slices.SortFunc(xs, netip.Addr.Compare)
	slices.SortFunc(ys, netip.Addr.Compare)
	if slices.Equal(xs, ys) {
		return
	}
	only := func(s subscriber, list, of []netip.Addr) (parts []string) {
		for _, ip := range list {
			if !slices.Contains(of, ip) {
				parts = append(parts, fmt.Sprintf("%s only on %s", ip, s.router.Name))
			}
		}
		return parts
	}
	parts := append(only(x, xs, ys), only(y, ys, xs)...)
	a.add("%s: the address lists differ (%s): those are not served while the other router is Active; give both the same list.", who, listed(parts))
}

func (a *advice) unicast(who string, x, y subscriber) {
	xu, yu := len(x.in.Unicast.Peers) > 0, len(y.in.Unicast.Peers) > 0
	if xu == yu {
		return
	}
	one, other := x.router.Name, y.router.Name
	if yu {
		one, other = other, one
	}
	a.add("%s: %s sends to its peers alone and %s to the multicast group, so they do not hear each other and both serve; give both unicast peers, or none.", who, one, other)
}

// grouped returns the virtual routers with which an instance moves, as another router has them,
// too.
func grouped(s subscriber) (with []string) {
	for g := range s.router.Config.Groups {
		members := s.router.Config.Groups[g].Members
		if !slices.ContainsFunc(members, func(in vrrp.Instance) bool { return in.Name == s.in.Name }) {
			continue
		}
		for i := range members {
			if in := &members[i]; in.Name != s.in.Name {
				with = append(with, fmt.Sprintf("%s on %s", addresses(in)[0], s.router.links[in.Interface].Segment))
			}
		}
	}
	slices.Sort(with)
	return with
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return listed(list)
}

// owners finds two routers that both say that the addresses are their own.
func (a *advice) owners(all []subscriber) {
	var names []string
	for _, s := range all {
		if s.in.Priority == vrrp.Owner {
			names = append(names, s.router.Name)
		}
	}
	if len(names) > 1 {
		a.add("VRID %d on %s: %s all have priority 255, which is that of the one router that owns the addresses: none yields; give 255 to one at most.", all[0].in.VRID, all[0].segment, listed(names))
	}
}

// pair is a group that two routers have.
type pair struct {
	x, y     *router
	of, with *vrrp.Group
}

// pairs returns the groups that two routers have: those that share the first virtual router.
func (l *LAN) pairs() (all []pair) {
	for i, x := range l.routers {
		for _, y := range l.routers[i+1:] {
			for g := range x.Config.Groups {
				of := &x.Config.Groups[g]
				if with := l.counterpart(x, y, of); with != nil {
					all = append(all, pair{x, y, of, with})
				}
			}
		}
	}
	return all
}

func (l *LAN) counterpart(x, y *router, of *vrrp.Group) *vrrp.Group {
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

// delays finds preempt delays by which the better router comes back again and again while a
// check of it goes up and down, or which nobody waits for.
func (a *advice) delays() {
	for _, p := range a.pairs() {
		x, y := &p.of.Members[0], &p.with.Members[0]
		if x.PreemptDelay > 0 && y.PreemptDelay > 0 && x.Preempt && y.Preempt && mayOvertake(p.of, p.with) && mayOvertake(p.with, p.of) {
			a.add("%s: %s and %s may each fall below the other by what they track, and each takes over after its preempt_delay (%v and %v): while that changes as fast, they chase each other; let one have preempt: false, or weights by which only one of them can overtake.",
				p.of.Title(), p.x.Name, p.y.Name, x.PreemptDelay, y.PreemptDelay)
		}
		if x.Preempt != y.Preempt {
			a.add("%s: preempt is %v on %s and %v on %s: who serves after a failover depends on who failed; set it alike.", p.of.Title(), x.Preempt, p.x.Name, y.Preempt, p.y.Name)
		}
		low, high := p.of, p.with
		name := p.x.Name
		if low.Members[0].Priority > high.Members[0].Priority {
			low, high, name = high, low, p.y.Name
		}
		if d := low.Members[0].PreemptDelay; d > 0 && low.Members[0].Priority < high.Members[0].Priority && !mayOvertake(low, high) && high.Members[0].PreemptDelay == 0 {
			a.add("%s: the preempt_delay of %v stands on %s, which is the lower and preempts nobody, and not on the other: it delays nothing; move it to the router with the greater priority.", p.of.Title(), d.Round(time.Millisecond), name)
		}
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
	weights := make(map[vrrp.Tracker]bool)
	for _, t := range g.Track {
		weights[t] = true
	}
	for i := range g.Members {
		for _, t := range g.Members[i].Track {
			weights[t] = true
		}
	}
	for t := range maps.Keys(weights) {
		switch {
		case t.Reported:
			return 1, vrrp.Owner - 1
		case t.Weight < 0:
			least += t.Weight
		case t.Weight > 0:
			most += t.Weight
		}
	}
	return least, most
}
