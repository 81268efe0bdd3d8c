package simulate

import (
	"fmt"
	"net/netip"
	"slices"

	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// Advice returns the contradictions between the configurations of the routers. Each is a sentence
// that names the difference, its consequence and the remedy.
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
		for _, sharing := range virtualRouters(virtual[k]) {
			for i, s := range sharing {
				if i > 0 {
					a.compare(sharing[0], s)
				}
				for _, o := range sharing[:i] {
					a.peers(o, s)
				}
			}
			a.owners(sharing)
			a.count(sharing)
			a.usedTwice(sharing)
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

// virtualRouters groups the instances of one VRID by virtual router.
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

// advice collects the sentences found so far.
type advice struct {
	*LAN
	found   []string
	grouped map[[2]*router]bool // pairs of routers whose groups were already reported to differ
}

// add adds a sentence unless it is there already.
func (a *advice) add(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(a.found, text) {
		a.found = append(a.found, text)
	}
}

// differentVRIDs finds addresses that have different VRIDs on two routers.
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
				a.add("%s has VRID %d on %s and VRID %d on %s: they ignore each other's adverts for it, and both serve it unless another member of its group decides; give it the same VRID on all routers.",
					ip, o.in.VRID, o.router.Name, s.in.VRID, s.router.Name)
			}
		}
	}
}

// compare compares the settings that have to be the same on two routers of one virtual router.
func (a *advice) compare(x, y subscriber) {
	who := x.title()
	xn, yn := x.router.Name, y.router.Name
	if x.in.Version != y.in.Version {
		a.add("%s: %s speaks VRRPv%d and %s VRRPv%d, so each discards the adverts of the other: both serve if they start together or lose contact, and a router that starts later stays Backup for ever; set the same version on both.",
			who, xn, versionNumber(x.in.Version), yn, versionNumber(y.in.Version))
		return // the other differences follow from it
	}
	if x.in.Version == wire.V2 && x.in.Interval != y.in.Interval {
		a.add("%s: %s advertises every %v and %s every %v, and VRRPv2 discards adverts with a different interval: both serve; set the same interval on both.", who, xn, x.in.Interval, yn, y.in.Interval)
	} else if x.in.Interval != y.in.Interval {
		a.add("%s: %s advertises every %v and %s every %v: the time of a takeover depends on which router was Active; set the same interval on both.", who, xn, x.in.Interval, yn, y.in.Interval)
	}
	if x.in.Miss != y.in.Miss {
		a.add("%s: miss is %d on %s and %d on %s: the time of a takeover depends on which router takes over; set the same value on both.", who, x.in.Miss, xn, y.in.Miss, yn)
	}
	a.authentication(who, x, y)
	a.unicast(who, x, y)
	a.addresses(who, x, y)
	if xg, yg := grouped(x), grouped(y); !slices.Equal(xg, yg) && !a.grouped[[2]*router{x.router, y.router}] {
		a.grouped[[2]*router{x.router, y.router}] = true // all members of the group would repeat the sentence
		a.add("%s moves with %s on %s, and with %s on %s: a fault moves different addresses on the two routers; give the group the same members on both.",
			who, orNothing(xg), xn, orNothing(yg), yn)
	}
}

// title returns the name of a virtual router for a sentence.
func (s subscriber) title() string { return fmt.Sprintf("VRID %d on %s", s.in.VRID, s.segment) }

// versionNumber returns the number of a version of VRRP.
func versionNumber(v wire.Version) int {
	if v == wire.V2 {
		return 2
	}
	return 3
}

// grouped returns the virtual routers in the group of an instance that another router has as
// well.
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

// owners finds virtual routers with more than one router of priority 255.
func (a *advice) owners(all []subscriber) {
	var names []string
	for _, s := range all {
		if s.in.Priority == vrrp.Owner {
			names = append(names, s.router.Name)
		}
	}
	if len(names) > 1 {
		a.add("%s: %s all have priority 255, which is reserved for the one router that owns the addresses: none yields to another; set 255 on at most one router.", all[0].title(), listed(names))
	}
}

// count finds virtual routers where `routers` contradicts the number of routers or is set on only
// some of them.
func (a *advice) count(all []subscriber) {
	unicast := slices.ContainsFunc(all, func(s subscriber) bool { return s.in.IsUnicast() }) // the number of their peers is compared elsewhere
	var wrong, others []string
	for _, s := range all {
		switch n := s.in.Routers; {
		case n > 0 && n < len(all):
			wrong = append(wrong, s.router.Name)
		case n == 0:
			others = append(others, s.router.Name)
		}
	}
	switch {
	case len(wrong) > 0:
		a.add("%s: routers is %d on %s, and %d routers share it: when the Active resigns, each Backup assumes that it is the only one and takes over at once, so that two may serve for a moment; set the actual number on all routers, or omit it.",
			all[0].title(), minRouters(all), listed(wrong), len(all))
	case len(others) > 0 && len(others) < len(all) && !unicast:
		a.add("%s: routers is omitted on %s and set on the others: whether a Backup takes over at once when the Active resigns depends on the router; set it on all routers or on none.", all[0].title(), listed(others))
	}
}

// alone finds routers that share neither a virtual router nor an address with another router.
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
		a.add("%s: no other router has the same, so nobody takes over when that router fails; configure the same interface, VRID and addresses on all routers.", listed(has))
	}
}

// minRouters returns the least `routers` that any router has.
func minRouters(all []subscriber) (least int) {
	for _, s := range all {
		if n := s.in.Routers; n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}
