package addr

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
)

// configure takes new sets in place of those the worker has. An instance whose set is
// the same stays untouched.
func (w *Worker) configure(o queued) {
	w.dismiss(o)
	w.cfg.Sets = o.Sets
	changes := w.ledger.configure(o.at, o.Cause, o.Sets)
	w.macvlans.Configure(macvlansOf(o.Sets))
	w.routes.Configure(o.at, o.Cause, routesOf(o.Sets))
	w.neighbors.Configure(w.cfg.Now(), neighborSets(o.Sets))
	w.seeNewLinks()
	if someRefuse(o.Sets) {
		w.watchFilter()
	}
	w.follow(o, changes)
	w.converge()
	w.ledger.forgetLinks()
}

// dismiss releases the instances that are in none of the new sets, while all is known
// that a Release needs, and ends their warnings.
func (w *Worker) dismiss(o queued) {
	stays := make(map[string]bool)
	for i := range o.Sets {
		stays[o.Sets[i].Instance] = true
	}
	held := slices.DeleteFunc(slices.Clone(w.ledger.order), func(name string) bool { return stays[name] })
	if len(held) > 0 {
		w.execute(queued{Order: Order{Kind: Release, Cause: o.Cause, Instances: held}, at: o.at})
	}
	stamp := event.Stamp{Cause: o.Cause, At: w.cfg.Now()}
	for _, name := range slices.Sorted(maps.Keys(w.ledger.sets)) {
		if stays[name] {
			continue
		}
		w.placements.configure(o.Cause, name, false)
		w.announcer.unmute(name)
		for _, warning := range w.cfg.Warnings.Of(name) {
			w.cfg.Warnings.Clear(warning.Key(), stamp)
		}
	}
}

// seeNewLinks takes what is known of links that no set named before.
func (w *Worker) seeNewLinks() {
	for _, l := range w.cfg.Links.Snapshot() {
		l.Downs = 0 // counted when they were news
		w.neighbors.Link(l)
		if w.ledger.links[l.Name].Index == 0 {
			w.ledger.link(l)
		}
		if w.routes.Link(l.Name).Index == 0 {
			w.routes.SeeLink(l)
		}
	}
}

// follow lets those concerns know what has changed that hold nothing themselves.
func (w *Worker) follow(o queued, changes []change) {
	now := w.cfg.Now()
	var refusing []string
	for _, c := range changes {
		name := c.is.Instance
		w.placements.configure(o.Cause, name, true)
		if c.was != nil && c.was.Refuse && !c.is.Refuse {
			w.acceptance.forget(name, o.Cause)
		}
		if !w.ledger.holds(name) {
			continue
		}
		w.announcer.configure(now, name, c.places)
		w.routes.Hold(o.at, o.Cause, name) // unless it is held: it may have had none
		if c.is.Refuse && !c.was.Refuse {
			refusing = append(refusing, name)
		}
	}
	w.acceptance.refuse(o.at, o.Cause, refusing)
	w.addresses.doubt(len(changes) > 0) // no facts are taken of addresses that no set names
}

// change is a set that is new, or another than before.
type change struct {
	was, is *Set        // was is nil if the instance is new
	places  map[int]int // where addresses are now that are held and stay, by where they were
}

// configure takes new sets. It returns those that are not as they were.
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
			c.places = l.change(at, cause, h, is)
		}
		changes = append(changes, c)
	}
	maps.DeleteFunc(l.strays, func(a netip.Addr, _ neigh.Stray) bool { return !l.managed[a] })
	return changes
}

// change gives an instance that is held another set. It returns the places of the
// addresses that stay, by those that they had.
func (l *ledger) change(at time.Time, cause event.Cause, h *holding, set *Set) (places map[int]int) {
	type place struct {
		where  string
		prefix netip.Prefix
	}
	was, old := h.set, make(map[place]int)
	for n, e := range h.entries {
		old[place{e.Interface, e.Prefix}] = n
	}
	var entries, altered []*entry
	places, gone := make(map[int]int), slices.Clone(h.entries)
	for n, a := range set.Addresses {
		of := place{a.Interface, a.Prefix}
		m, known := old[of]
		delete(old, of)
		if known {
			e := h.entries[m]
			if alike(e.Address, a) || l.presence(e) == foreign {
				e.Address, places[m], gone[m] = a, n, nil
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
	return places
}

// alike reports whether the kernel makes no difference between an address and another
// with the same prefix on the same link.
func alike(a, b Address) bool {
	a.Extra = b.Extra
	return a == b
}

// replaceAll has addresses removed that an instance of this set holds or held, ahead of
// their being added again.
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

// forgetLinks forgets the links that no set names: nothing more is reported of them.
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
