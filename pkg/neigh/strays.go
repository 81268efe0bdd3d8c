package neigh

import (
	"fmt"
	"net/netip"
	"time"
)

// strayAfter is how long an address of a released instance may stay on this machine before it is
// reported as a stray.
const strayAfter = time.Second

// strays records since when addresses of instances exist that ripcord did not add.
type strays map[netip.Addr]foundStray

type foundStray struct {
	index int // ifindex
	since time.Time
}

// findStrays reports addresses that are on this machine, and that answer, although their instance
// is not held: the Active answers for them too.
func (t *turn) findStrays() {
	now := t.held.Strays()
	for a, stray := range now {
		found, ok := t.strays[a]
		if !ok || found.index != stray.Index {
			found = foundStray{stray.Index, t.now}
			t.strays[a] = found
		}
		for _, h := range t.holders.of(a) {
			t.judgeStray(h.set, a, stray, t.now.Sub(found.since))
		}
	}
	for a := range t.strays {
		if _, still := now[a]; !still {
			delete(t.strays, a)
			t.clearConflicts(a)
		}
	}
}

// judgeStray reports whether a stray of an instance answers.
func (t *turn) judgeStray(set *Set, a netip.Addr, stray Stray, age time.Duration) {
	switch {
	case !t.answers(set, a, stray.Index):
		if !t.claims.inConflict(set.Instance, a) {
			t.clearConflict(set.Instance, a)
		}
	case age >= strayAfter:
		link, local := t.locals.byIndex(stray.Index)
		t.reportConflict(set.Instance, link, a, local.mac, fmt.Sprintf(
			"%s is on %s of this machine and answers, though %s is not Active here: remove it with ip address del %s dev %s, and from what added it",
			a, link, set.Instance, stray.Prefix, link))
	}
}

// answers reports whether a stray of an instance on a link answers instead of the Active's address.
func (t *turn) answers(set *Set, stray netip.Addr, index int) bool {
	if t.held.Holds(set.Instance) || set.Owner {
		return false
	}
	for _, a := range set.Addresses {
		if a.Addr != stray {
			continue
		}
		if t.locals[a.Link].index == index || t.indexOf(set, a) == index {
			return true
		}
		// This machine also answers for an address on another of its links, but only over IPv4, and
		// not if the link answers only for its own addresses.
		if name, _ := t.locals.byIndex(index); stray.Is4() && name != "" && !t.ignoresARP(a.Link) {
			return true
		}
	}
	return false
}

// ignoresARP reports whether a link does not answer ARP for addresses on other links.
func (t *turn) ignoresARP(link string) bool {
	for _, name := range []string{"all", link} {
		if value, ok := t.setting("ipv4/conf/" + name + "/arp_ignore"); ok && value != "0" {
			return true
		}
	}
	return false
}

// setting reads a setting of the kernel, below net; false if it cannot be read.
func (t *turn) setting(key string) (value string, ok bool) {
	if t.cfg.Setting == nil {
		return "", false
	}
	value, err := t.cfg.Setting(key)
	return value, err == nil
}

// deadline returns when a stray has existed for strayAfter.
func (s strays) deadline(now time.Time) (due time.Time, ok bool) {
	for _, found := range s {
		if at := found.since.Add(strayAfter); at.After(now) && (!ok || at.Before(due)) {
			due, ok = at, true
		}
	}
	return due, ok
}
