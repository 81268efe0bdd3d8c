package neigh

import (
	"maps"
	"net/netip"
	"time"
)

const (
	// probeAfter is the time from the order to hold an address until it is probed: by then
	// the former Active has given it up.
	probeAfter = time.Second
	// probeEvery is how often the addresses that are held are probed. A station that
	// was given the address by hand announces nothing.
	probeEvery = 30 * time.Second
	// confirmAfter is how long after a claim its station is probed: it may have given
	// the address up by then, as an Active that preempts us has.
	confirmAfter = time.Second
	// confirmApart is how far two claims must be apart to be a conflict.
	confirmApart = confirmAfter / 2
	// conflictProbe is how often a station that is in conflict is probed, and after
	// conflictOver without an answer it has given the address up.
	conflictProbe = 5 * time.Second
	conflictOver  = 3*conflictProbe + time.Second
)

// claim is a message of another station: a configured address is at its MAC.
type claim struct {
	address netip.Addr
	index   int // of the link on which it was heard
	mac     [6]byte
	at      time.Time
}

// claims judges what other stations claim of the addresses that are held (RFC 5227
// §2.4). One claim is no conflict: the address may just be changing hands.
type claims struct {
	claimed map[netip.Addr]*claimed
	next    map[string]time.Time // when an instance that is held is probed, by name
}

// claimed is an address that another station claims.
type claimed struct {
	instance    string
	mac         [6]byte
	first, last time.Time
	probe       time.Time // when it is probed again
	conflict    bool      // it was claimed for confirmApart or longer
}

func newClaims() *claims {
	return &claims{claimed: make(map[netip.Addr]*claimed), next: make(map[string]time.Time)}
}

// add takes a claim of an address that an instance holds, and reports whether that is
// a conflict.
func (c *claims) add(instance string, of claim) (conflict bool) {
	known := c.claimed[of.address]
	if known == nil || !known.conflict && known.mac != of.mac {
		known = &claimed{instance: instance, mac: of.mac, first: of.at, probe: of.at.Add(confirmAfter)}
		c.claimed[of.address] = known
	}
	known.mac = of.mac
	if of.at.After(known.last) {
		known.last = of.at
	}
	known.conflict = known.conflict || known.last.Sub(known.first) >= confirmApart
	return known.conflict
}

// due returns of which of the instances that are held all addresses are to be probed
// now, which single addresses are, and which addresses are claimed no more.
func (c *claims) due(now time.Time, held Holdings) (instances []string, addresses, over []netip.Addr) {
	for _, name := range held.Held() {
		next, ok := c.next[name]
		switch {
		case !ok:
			c.next[name] = now.Add(probeAfter)
		case !now.Before(next):
			c.next[name] = now.Add(probeEvery)
			instances = append(instances, name)
		}
	}
	maps.DeleteFunc(c.next, func(name string, _ time.Time) bool { return !held.Holds(name) })
	for a, known := range c.claimed {
		limit := conflictOver
		if !known.conflict {
			limit = 3 * confirmAfter
		}
		switch {
		case !held.Holds(known.instance), now.Sub(known.last) >= limit:
			delete(c.claimed, a)
			over = append(over, a)
		case !now.Before(known.probe):
			known.probe = now.Add(confirmAfter)
			if known.conflict {
				known.probe = now.Add(conflictProbe)
			}
			addresses = append(addresses, a)
		}
	}
	return instances, addresses, over
}

// inConflict reports whether an instance that is held is in conflict for an address.
func (c *claims) inConflict(instance string, a netip.Addr) bool {
	known := c.claimed[a]
	return known != nil && known.conflict && known.instance == instance
}

// deadline is when due has something to do if nothing happens.
func (c *claims) deadline() (due time.Time, ok bool) {
	earlier := func(t time.Time) {
		if !ok || t.Before(due) {
			due, ok = t, true
		}
	}
	for _, t := range c.next {
		earlier(t)
	}
	for _, known := range c.claimed {
		earlier(known.probe)
	}
	return due, ok
}
