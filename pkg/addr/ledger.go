package addr

import (
	"iter"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
)

// ledger records which addresses should be held, which exist in the kernel and which of these are
// ours. Additions and removals follow from these three.
type ledger struct {
	sets    map[string]*Set
	managed map[netip.Addr]bool // all configured addresses
	links   map[string]event.Link
	down    map[int]bool // links that the kernel reports as administratively down
	flapped map[int]bool // links that were down for a moment
	// remacked contains the links whose MAC has changed: the neighbors know the old one.
	remacked map[string]bool

	standing map[event.AddressKey]standing
	// unsure contains the addresses that were passed to the kernel without a known result: they are
	// ours if they exist, since none existed before.
	unsure   map[event.AddressKey]bool
	unmarked map[spot]bool
	// mine contains the addresses that this run added, or held with the mark, until they are
	// removed: they are ours even if another program re-applied them without the mark (`ip address
	// replace`, a network manager). stripped contains those of them that now lack the mark.
	mine, stripped map[event.AddressKey]bool
	remark         time.Time // the earliest time to set marks again
	// replace contains the addresses that exist and must be removed before they are added again.
	replace map[event.AddressKey]bool
	// strays are configured addresses that exist without the mark.
	strays map[netip.Addr]neigh.Stray
	last   int // the greatest rank in standing

	held    map[string]*holding
	order   []string // the order in which the instances were held
	leaving []*leaving
	removal time.Time // the next attempt to remove what the kernel would not remove
	causes  map[event.AddressKey]event.Cause
}

// standing describes an address that exists in the kernel.
type standing struct {
	ours bool // it bears the mark, or is in mine
	// rank is greater for an address that was added later. The first address of an IPv4 subnet is
	// its primary one, and is best removed last.
	rank int
}

func newLedger(sets []Set) *ledger {
	l := &ledger{
		sets: make(map[string]*Set), managed: make(map[netip.Addr]bool),
		links: make(map[string]event.Link), down: make(map[int]bool), flapped: make(map[int]bool),
		remacked: make(map[string]bool),
		standing: make(map[event.AddressKey]standing), unsure: make(map[event.AddressKey]bool), unmarked: make(map[spot]bool),
		mine: make(map[event.AddressKey]bool), stripped: make(map[event.AddressKey]bool),
		strays: make(map[netip.Addr]neigh.Stray),
		held:   make(map[string]*holding), causes: make(map[event.AddressKey]event.Cause),
		replace: make(map[event.AddressKey]bool),
	}
	for i := range sets {
		l.learn(onLinks(&sets[i]))
	}
	return l
}

// learn adds a set, and registers the addresses and links that it names.
func (l *ledger) learn(set *Set) {
	l.sets[set.Instance] = set
	note := func(where, name string) {
		if _, known := l.links[where]; !known {
			l.links[where] = event.Link{Name: name}
		}
	}
	if set.Device != nil {
		note(onDevice(set), set.Device.Name)
	}
	for _, a := range set.Addresses {
		l.managed[a.Prefix.Addr()] = true
		note(a.Interface, a.Interface)
	}
}

// link records a fact about a link. dirty says that only a dump can show what became of the
// addresses on it.
func (l *ledger) link(fact event.Link) (dirty bool) { return l.attach(fact.Name, fact) }

// attach records the link, and its state, for the addresses that name where: a link by its name, or
// a device.
func (l *ledger) attach(where string, fact event.Link) (dirty bool) {
	old, ok := l.links[where]
	if !ok {
		return false
	}
	l.links[where] = fact
	for _, h := range l.held {
		for _, e := range h.entries {
			if e.Interface != where {
				continue
			}
			e.retry = time.Time{}
			// An IPv6 address disappears when its link is set down, and either message may come
			// first.
			dirty = dirty || e.Prefix.Addr().Is6() && (!fact.AdminUp || fact.Downs > 0)
		}
	}
	if fact.Downs > 0 {
		l.flapped[fact.Index] = true
	}
	if old.Index == fact.Index && old.HardwareAddr != fact.HardwareAddr {
		l.remacked[where] = true
	}
	return dirty || old.Index != fact.Index
}

// fact records the kernel's notification about one address. dirty says that it contradicts the
// ledger: the fact may be older, so that only a dump can decide.
func (l *ledger) fact(f event.Address) (dirty bool) {
	if !l.managed[f.Prefix.Addr()] {
		l.tryRefused(f.Index)
	}
	is, stands := l.standing[f.Key()]
	if f.Present == stands && (!stands || f.Marked == is.ours) {
		return false
	}
	if !stands && !l.managed[f.Prefix.Addr()] {
		return false
	}
	l.causes[f.Key()] = f.Cause
	return true
}

// tryRefused schedules another attempt for what the kernel refused on a link, because other
// addresses of the link came or went: one of them may have been the reason.
func (l *ledger) tryRefused(index int) {
	for _, h := range l.held {
		for _, e := range h.entries {
			if e.refused && l.links[e.Interface].Index == index {
				e.retry = time.Time{}
			}
		}
	}
}

// observe replaces the known state with a dump.
func (l *ledger) observe(all []Standing) {
	clear(l.standing)
	clear(l.unsure)
	clear(l.unmarked)
	clear(l.stripped)
	clear(l.strays)
	for _, s := range all { // the primary address of a subnet comes before its others
		key := event.AddressKey{Index: s.Index, Prefix: s.Prefix}
		l.stand(key, s.Marked || l.mine[key])
		switch {
		case s.Marked:
		case l.mine[key]:
			l.stripped[key] = true
		default:
			l.unmarked[spot{s.Index, s.Prefix.Addr()}] = true
			if a := s.Prefix.Addr(); l.managed[a] {
				l.strays[a] = neigh.Stray{Index: s.Index, Prefix: s.Prefix}
			}
		}
	}
	maps.DeleteFunc(l.replace, func(key event.AddressKey, _ bool) bool {
		_, stands := l.standing[key]
		return !stands
	})
	l.forget()
}

// hold begins to hold an instance, ordered at the instant at. fresh is false if it is held already,
// and known is false if there is no such instance.
func (l *ledger) hold(at time.Time, cause event.Cause, instance string) (fresh, known bool) {
	set, known := l.sets[instance]
	if !known || l.held[instance] != nil {
		return false, known
	}
	h := &holding{set: set, cause: cause, within: inPlaceWithin, entries: make([]*entry, len(set.Addresses))}
	entries := make([]entry, len(set.Addresses)) // in one piece: a takeover must not wait for memory
	for n, a := range set.Addresses {
		entries[n] = entry{Address: a, since: at}
		h.entries[n] = &entries[n]
	}
	l.held[instance] = h
	l.order = append(l.order, instance)
	return true, true
}

// holdStatic begins to hold the Static set, unless it is held, and reports whether there is one.
func (l *ledger) holdStatic(at time.Time, cause event.Cause) bool {
	set := l.sets[StaticName]
	if set == nil || !set.Static {
		return false
	}
	l.hold(at, cause, StaticName)
	return true
}

// holds reports whether an instance is held.
func (l *ledger) holds(instance string) bool { return l.held[instance] != nil }

// adds lists the addresses that are held, missing, and may be tried now, and maps them to their
// entries.
func (l *ledger) adds(now time.Time) (ops []Op, entries map[event.AddressKey]position) {
	for _, name := range l.order {
		h := l.held[name]
		for n, e := range h.entries {
			index := l.links[e.Interface].Index
			if index == 0 || e.waiting || now.Before(e.retry) || l.presence(e) != absent {
				continue
			}
			e.retry, e.inherited = now.Add(retryEvery), false
			if l.replace[l.key(e.Address)] {
				continue
			}
			key := l.key(e.Address)
			if _, listed := entries[key]; !listed {
				if entries == nil {
					entries = make(map[event.AddressKey]position, len(h.entries)-n)
				}
				entries[key] = position{h, n}
				if len(ops) == cap(ops) {
					ops = slices.Grow(ops, len(h.entries)-n) // at a takeover all are missing
				}
				ops = append(ops, l.op(e))
			}
		}
	}
	return ops, entries
}

// nameOf returns the name of the link to which an entry belongs.
func (l *ledger) nameOf(e *entry) string { return l.links[e.Interface].Name }

// op returns the operation that adds an entry.
func (l *ledger) op(e *entry) Op {
	link := l.links[e.Interface]
	op := Op{Index: link.Index, Address: e.Address, Behind: link.Name != e.Interface}
	op.Interface = link.Own()
	return op
}

// added records that the kernel added all of ops.
func (l *ledger) added(ops []Op) {
	for _, op := range ops {
		key := op.key()
		l.mine[key] = true
		l.stand(key, true)
	}
}

// stand records an address that exists in the kernel, later than those that are recorded.
func (l *ledger) stand(key event.AddressKey, ours bool) {
	l.last++
	l.standing[key] = standing{ours, l.last}
}

// begin yields, of the addresses that adds has listed with their entries and that exist now, those
// to announce at once, ahead of the rest of their instances: those that were not in place before,
// and that need no pause between them. It records that they are announced.
func (l *ledger) begin(ops []Op, entries map[event.AddressKey]position) iter.Seq[announced] {
	return func(yield func(announced) bool) {
		for _, op := range ops {
			at := entries[op.key()]
			set, e := at.set, at.entries[at.n]
			if set.Static || set.Announce.Count == 0 || set.Announce.Spacing > 0 || e.placed || e.later || l.isDown(e) {
				continue
			}
			e.ahead = true
			if !yield(announced{set.Instance, &e.Address}) {
				return
			}
		}
	}
}

// attempted records that ops were passed to the kernel, and that the result is unknown.
func (l *ledger) attempted(ops []Op) {
	for _, op := range ops {
		l.unsure[op.key()] = true
	}
}

// presence returns the present state of a wanted address.
func (l *ledger) presence(e *entry) presence {
	key := l.key(e.Address)
	switch {
	case key.Index == 0, l.replace[key]:
		return absent
	case l.standing[key].ours:
		return ours
	case l.unmarked[spot{key.Index, key.Prefix.Addr()}]:
		return foreign
	}
	return absent
}

// isDown reports whether a wanted address is on a link that is administratively down, where it does
// not answer.
func (l *ledger) isDown(e *entry) bool {
	return l.presence(e) != absent && !l.links[e.Interface].AdminUp
}

func (l *ledger) key(a Address) event.AddressKey {
	return event.AddressKey{Index: l.links[a.Interface].Index, Prefix: a.Prefix}
}

// complete reports whether all addresses of a held instance are in place, except those that will
// not be: routes need not wait for these.
func (l *ledger) complete(instance string) bool {
	h := l.held[instance]
	return h != nil && !slices.ContainsFunc(h.entries, func(e *entry) bool { return e.at == absent && !e.refused && !l.tolerated(h, e) })
}

// tolerated reports whether an instance does without an address that is not in place: its set is
// Tolerant, and the kernel refuses the address, or its interface never existed. A Static set has no
// instance that could resign.
func (l *ledger) tolerated(h *holding, e *entry) bool {
	never := !e.placed && l.links[e.Interface].Index == 0
	return e.at == absent && (h.set.Static || h.set.Tolerant && (e.refused || never))
}

// wanted lists the keys of the addresses of all held instances that may stay.
func (l *ledger) wanted() map[event.AddressKey]bool {
	keys := make(map[event.AddressKey]bool)
	for _, h := range l.held {
		for _, e := range h.entries {
			if key := l.key(e.Address); !l.replace[key] {
				keys[key] = true
			}
		}
	}
	return keys
}

// change is a set that is new or differs from the previous one.
type change struct {
	was, is *Set        // was is nil if the instance is new
	indexes map[int]int // the new indexes of held addresses that stay, by their old ones
}

// configure takes over new sets. It returns those that have changed.
func (l *ledger) configure(at time.Time, cause event.Cause, sets []Set) (changes []change) {
	before := l.sets
	l.sets, l.managed = make(map[string]*Set), make(map[netip.Addr]bool)
	for i := range sets {
		is := onLinks(&sets[i])
		was := before[is.Instance]
		if was != nil && reflect.DeepEqual(was, is) {
			l.learn(was)
			continue
		}
		l.learn(is)
		c := change{was: was, is: is}
		if h := l.held[is.Instance]; h != nil {
			c.indexes = l.change(at, cause, h, is)
		}
		changes = append(changes, c)
	}
	maps.DeleteFunc(l.strays, func(a netip.Addr, _ neigh.Stray) bool { return !l.managed[a] })
	return changes
}

// change gives a held instance another set. It returns the new indexes of the addresses that stay,
// by their old ones.
func (l *ledger) change(at time.Time, cause event.Cause, h *holding, set *Set) (indexes map[int]int) {
	type spelled struct {
		where  string
		prefix netip.Prefix
	}
	was, old := h.set, make(map[spelled]int)
	for n, e := range h.entries {
		old[spelled{e.Interface, e.Prefix}] = n
	}
	var entries, altered []*entry
	indexes, gone := make(map[int]int), slices.Clone(h.entries)
	for n, a := range set.Addresses {
		of := spelled{a.Interface, a.Prefix}
		m, known := old[of]
		delete(old, of)
		if known {
			e := h.entries[m]
			if alike(e.Address, a) || l.presence(e) == foreign {
				e.Address, indexes[m], gone[m] = a, n, nil
				entries = append(entries, e)
				continue
			}
			altered = append(altered, e)
		}
		entries = append(entries, &entry{Address: a, since: at, cause: cause, later: true})
	}
	gone = slices.DeleteFunc(gone, func(e *entry) bool { return e == nil || slices.Contains(altered, e) })
	h.set, h.entries, h.within = set, entries, inPlaceWithin
	l.giveUp(at, cause, was, gone)
	l.replaceAll(at, cause, was, altered)
	return indexes
}

// alike reports whether two addresses with the same prefix on the same link are the same for the
// kernel.
func alike(a, b Address) bool {
	a.Extra = b.Extra
	return a == b
}

// replaceAll removes addresses that an instance of this set holds or held, before they are added
// again.
func (l *ledger) replaceAll(at time.Time, cause event.Cause, set *Set, entries []*entry) {
	var keys []event.AddressKey
	for _, e := range entries {
		if key := l.key(e.Address); l.presence(e) == ours || l.unsure[key] {
			keys = append(keys, key)
		}
	}
	l.giveUp(at, cause, set, entries)
	for _, key := range keys {
		l.replace[key] = true
	}
}

// forgetLinks drops the links that no set names: their changes are not reported any more.
func (l *ledger) forgetLinks() {
	named := make(map[string]bool)
	for _, set := range l.sets {
		if set.Device != nil {
			named[onDevice(set)] = true
		}
		for _, a := range set.Addresses {
			named[a.Interface] = true
		}
	}
	maps.DeleteFunc(l.links, func(where string, _ event.Link) bool { return !named[where] })
}
