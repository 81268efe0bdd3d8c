package simulate

import (
	"fmt"
	"net/netip"
	"slices"

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
			for i, s := range alike {
				if i > 0 {
					a.compare(alike[0], s)
				}
				for _, o := range alike[:i] {
					a.peers(o, s)
				}
			}
			a.owners(alike)
			a.count(alike)
			a.usedTwice(alike)
		}
	}
	a.oneSource(all)
	a.apart()
	a.alone(all)
	a.crossed()
	for _, p := range a.pairs() {
		a.delays(p)
		a.tracking(p)
		a.fences(p)
	}
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
	who := x.title()
	xn, yn := x.router.Name, y.router.Name
	if x.in.Version != y.in.Version {
		a.add("%s: %s speaks VRRPv%d and %s VRRPv%d, so neither believes the other: both serve if they start together or lose each other, and one that comes later stays Backup for ever; give both one version.",
			who, xn, versionNumber(x.in.Version), yn, versionNumber(y.in.Version))
		return // the rest follows from it
	}
	if x.in.Version == wire.V2 && x.in.Interval != y.in.Interval {
		a.add("%s: %s advertises each %v and %s each %v, and VRRPv2 discards adverts of another interval: both serve; give both one interval.", who, xn, x.in.Interval, yn, y.in.Interval)
	} else if x.in.Interval != y.in.Interval {
		a.add("%s: %s advertises each %v and %s each %v: how long a takeover takes depends on who was Active; give both one interval.", who, xn, x.in.Interval, yn, y.in.Interval)
	}
	if x.in.Miss != y.in.Miss {
		a.add("%s: miss is %d on %s and %d on %s: how long a takeover takes depends on who takes over; set it alike.", who, x.in.Miss, xn, y.in.Miss, yn)
	}
	a.authentication(who, x, y)
	a.unicast(who, x, y)
	a.addresses(who, x, y)
	if xg, yg := grouped(x), grouped(y); !slices.Equal(xg, yg) && !a.grouped[[2]*router{x.router, y.router}] {
		a.grouped[[2]*router{x.router, y.router}] = true // the other members say the same
		a.add("%s moves with %s on %s, and with %s on %s: a fault moves other addresses on one router than on the other; configure the group alike.",
			who, orNothing(xg), xn, orNothing(yg), yn)
	}
}

// title returns how a sentence calls a virtual router.
func (s subscriber) title() string { return fmt.Sprintf("VRID %d on %s", s.in.VRID, s.segment) }

// versionNumber returns the number of a version of VRRP.
func versionNumber(v wire.Version) int {
	if v == wire.V2 {
		return 2
	}
	return 3
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
		a.add("%s: %s all have priority 255, which is that of the one router that owns the addresses: none yields; give 255 to one at most.", all[0].title(), listed(names))
	}
}

// count finds routers that are told that they are two, and are more, or of which only some are
// told.
func (a *advice) count(all []subscriber) {
	unicast := slices.ContainsFunc(all, func(s subscriber) bool { return s.in.IsUnicast() }) // their peers are counted
	var told, others []string
	for _, s := range all {
		switch n := s.in.Routers; {
		case n > 0 && n < len(all):
			told = append(told, s.router.Name)
		case n == 0:
			others = append(others, s.router.Name)
		}
	}
	switch {
	case len(told) > 0:
		a.add("%s: routers is %d on %s, and %d routers share it: when the Active resigns, each Backup takes itself for the only one and takes over at once, so that two may serve for a moment; give the true number to all, or leave it out.",
			all[0].title(), leastRouters(all), listed(told), len(all))
	case len(others) > 0 && len(others) < len(all) && !unicast:
		a.add("%s: routers is left out on %s and set on the others: who takes over at once from an Active that resigns depends on who is Backup; set it alike.", all[0].title(), listed(others))
	}
}

// alone finds routers that share neither a virtual router nor an address with another one.
func (a *advice) alone(all []subscriber) {
	var has []string
	for _, r := range a.routers {
		of := slices.DeleteFunc(slices.Clone(all), func(s subscriber) bool { return s.router != r })
		shares := func(s subscriber) bool {
			return slices.ContainsFunc(all, func(o subscriber) bool { return o.router != r && (o.key() == s.key() || share(o.in, s.in)) })
		}
		if len(of) > 0 && !slices.ContainsFunc(of, shares) {
			has = append(has, fmt.Sprintf("%s has %s over %v", r.Name, of[0].title(), of[0].in.Family))
		}
	}
	if len(has) > 0 && len(a.routers) > 1 {
		a.add("%s: no other router has that, and nobody takes over when it fails; give all the same interface, VRID and addresses.", listed(has))
	}
}

// leastRouters returns the least number of routers that any is told.
func leastRouters(all []subscriber) (least int) {
	for _, s := range all {
		if n := s.in.Routers; n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}
