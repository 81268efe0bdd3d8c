package addr

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/firewall"
)

// leaving is a set of released addresses until the kernel has removed them.
type leaving struct {
	instance string
	cause    event.Cause
	since    time.Time
	keys     []event.AddressKey
	refused  map[event.AddressKey]firewall.Destination // those for which nothing is accepted
	failed   bool
}

// release ceases to hold an instance: those of its addresses that are or may be ours are removed.
func (l *ledger) release(at time.Time, cause event.Cause, instance string) {
	h := l.held[instance]
	if h == nil {
		return
	}
	delete(l.held, instance)
	l.order = slices.DeleteFunc(l.order, func(name string) bool { return name == instance })
	l.giveUp(at, cause, h.set, h.entries)
}

// giveUp removes addresses that an instance of this set held, if they are or may be ours.
func (l *ledger) giveUp(at time.Time, cause event.Cause, set *Set, entries []*entry) {
	gone := &leaving{instance: set.Instance, cause: cause, since: at}
	for _, e := range entries {
		key := l.key(e.Address)
		if l.presence(e) == ours || l.unsure[key] {
			gone.add(key, set, l.destination(e.Address))
		}
	}
	if len(gone.keys) > 0 {
		l.leaving = append(l.leaving, gone)
		l.removal = time.Time{}
	}
}

// add adds an address of a set.
func (g *leaving) add(key event.AddressKey, set *Set, d firewall.Destination) {
	g.keys = append(g.keys, key)
	if !set.Refuse {
		return
	}
	if g.refused == nil {
		g.refused = make(map[event.AddressKey]firewall.Destination)
	}
	g.refused[key] = d
}

// destination returns an address in the form in which the firewall drops packets for it.
func (l *ledger) destination(a Address) firewall.Destination {
	d := firewall.Destination{Addr: a.Prefix.Addr()}
	if d.Addr.Is6() && d.Addr.IsLinkLocalUnicast() {
		d.Interface = l.links[a.Interface].Own()
	}
	return d
}

// removes lists the addresses that bear or may bear the mark and are not held: released ones, and
// the leftovers of a crashed run.
func (l *ledger) removes(now time.Time, cause event.Cause) []Op {
	if now.Before(l.removal) {
		return nil
	}
	keys := l.unwanted()
	if len(keys) == 0 {
		return nil
	}
	known := make(map[event.AddressKey]bool)
	for _, g := range l.leaving {
		for _, key := range g.keys {
			known[key] = true
		}
	}
	// The last comes first: each removal of a primary IPv4 address makes the kernel promote another
	// and rewrite the routes of all, 0.5 ms each with 250.
	slices.SortFunc(keys, func(a, b event.AddressKey) int { return l.standing[b].rank - l.standing[a].rank })
	names := make(map[int]string)
	for _, link := range l.links {
		names[link.Index] = link.Own()
	}
	var ops []Op
	for _, key := range keys {
		ops = append(ops, Op{Index: key.Index, Address: Address{Prefix: key.Prefix, Interface: names[key.Index]}})
		if !known[key] {
			l.leftover(now, cause, key)
		}
	}
	l.removal = now.Add(retryEvery)
	return ops
}

// unwanted lists the addresses that bear or may bear the mark and that no held instance wants.
func (l *ledger) unwanted() (keys []event.AddressKey) {
	for key, s := range l.standing {
		if s.ours {
			keys = append(keys, key)
		}
	}
	for key := range l.unsure {
		if !l.standing[key].ours {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 { // as at a takeover, which has no time to look for those that are wanted
		return nil
	}
	wanted := l.wanted()
	return slices.DeleteFunc(keys, func(key event.AddressKey) bool { return wanted[key] })
}

// leftover records a marked address that was not released.
func (l *ledger) leftover(now time.Time, cause event.Cause, key event.AddressKey) {
	set, of := new(Set), Address{} // not configured any more, unless a set is found
	for name, one := range l.sets {
		for _, a := range one.Addresses {
			if l.key(a) == key && (set.Instance == "" || name < set.Instance) {
				set, of = one, a
			}
		}
	}
	for _, g := range l.leaving {
		if g.instance == set.Instance && g.cause == cause {
			g.add(key, set, l.destination(of))
			return
		}
	}
	g := &leaving{instance: set.Instance, cause: cause, since: now}
	g.add(key, set, l.destination(of))
	l.leaving = append(l.leaving, g)
}

// removed records that the kernel removed all of ops.
func (l *ledger) removed(ops []Op) {
	for _, op := range ops {
		key := op.key()
		delete(l.standing, key)
		delete(l.mine, key)
		delete(l.stripped, key)
		delete(l.unsure, key)
		delete(l.replace, key)
	}
	l.removal = time.Time{}
}

// settleLeaving reports the addresses that the kernel has removed.
func (l *ledger) settleLeaving(now time.Time, n *news) {
	if len(l.leaving) == 0 {
		return
	}
	wanted := l.wanted()
	var still []*leaving
	for _, g := range l.leaving {
		moved := event.AddressMoved{
			Stamp: event.Stamp{Cause: g.cause, At: now}, Kind: event.AddressRemoved, Instance: g.instance, Took: now.Sub(g.since),
		}
		g.keys = slices.DeleteFunc(g.keys, func(key event.AddressKey) bool {
			if wanted[key] { // another instance holds it
				return true
			}
			if l.standing[key].ours || l.unsure[key] {
				return false
			}
			moved.Addresses = append(moved.Addresses, key.Prefix)
			return true
		})
		if len(moved.Addresses) > 0 {
			n.moved = append(n.moved, moved)
		}
		if len(g.keys) > 0 {
			still = append(still, g)
		}
	}
	l.leaving = still
}

// unremoved records why the kernel did not remove what is leaving.
func (l *ledger) unremoved(now time.Time, err error) (n news) {
	for _, g := range l.leaving {
		if g.failed {
			continue
		}
		g.failed = true
		moved := event.AddressMoved{
			Stamp: event.Stamp{Cause: g.cause, At: now}, Kind: event.AddressFailed, Instance: g.instance,
			Took: now.Sub(g.since), Err: fmt.Sprintf("not removed, tried again every %v: %v", retryEvery, err),
		}
		for _, key := range g.keys {
			moved.Addresses = append(moved.Addresses, key.Prefix)
		}
		n.moved = append(n.moved, moved)
	}
	return n
}
