package neigh

import (
	"maps"
	"net/netip"
	"time"
)

const (
	// probeAfter is the time from the order to hold an address until it is probed: by then the
	// former Active has removed it.
	probeAfter = time.Second
	// probeEvery is the period at which held addresses are probed. A station to which the address
	// was added by hand announces nothing.
	probeEvery = 30 * time.Second
	// confirmAfter is how long after a claim its station is probed: by then it may have removed the
	// address, as an Active that preempts us has.
	confirmAfter = time.Second
	// confirmApart is the least time between two claims that are a conflict.
	confirmApart = confirmAfter / 2
	// conflictProbe is the period at which a station in conflict is probed. After conflictOver
	// without an answer it has removed the address.
	conflictProbe = 5 * time.Second
	conflictOver  = 3*conflictProbe + time.Second
)

// claim is a message of another station which says that a configured address is at its MAC.
type claim struct {
	address netip.Addr
	index   int // of the link on which it was received
	mac     [6]byte
	at      time.Time
}

// claims evaluates claims of other stations to held addresses (RFC 5227 §2.4). One claim is not a
// conflict: the address may just be moving.
type claims struct {
	claimed map[netip.Addr]*claimed
	next    map[string]time.Time // the next probe of each held instance, by name
}

// claimed is an address that another station claims.
type claimed struct {
	instance    string
	mac         [6]byte
	first, last time.Time
	probe       time.Time // the time of the next probe
	conflict    bool      // it was claimed for confirmApart or longer
}

func newClaims() *claims {
	return &claims{claimed: make(map[netip.Addr]*claimed), next: make(map[string]time.Time)}
}

// add records a claim of an address that an instance holds, and reports whether that is a conflict.
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

// due returns the held instances whose addresses must all be probed now, the single addresses to
// probe, and the addresses that are no longer claimed.
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

// inConflict reports whether a held instance has a conflict about an address.
func (c *claims) inConflict(instance string, a netip.Addr) bool {
	known := c.claimed[a]
	return known != nil && known.conflict && known.instance == instance
}

// deadline returns when due has something to do if nothing happens.
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
