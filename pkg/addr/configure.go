package addr

import (
	"maps"
	"slices"

	"ripcord/pkg/event"
)

// configure replaces the sets of the worker. An instance with an unchanged set is not touched.
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
	w.holdStatic(o.at, o.Cause)
	w.converge()
	w.ledger.forgetLinks()
}

// dismiss releases the instances that have no new set, and ends their warnings. It is called while
// the worker still has their old sets, which a Release needs.
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

// seeNewLinks records the state of links that no set named before.
func (w *Worker) seeNewLinks() {
	for _, l := range w.cfg.Links.Snapshot() {
		l.Downs = 0 // they were counted when they were reported
		w.neighbors.Link(l)
		if w.ledger.links[l.Name].Index == 0 {
			w.ledger.link(l)
		}
		if w.routes.Link(l.Name).Index == 0 {
			w.routes.SeeLink(l)
		}
	}
}

// follow informs the concerns that hold nothing themselves of the changes.
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
		w.announcer.configure(now, name, c.indexes)
		w.routes.Hold(o.at, o.Cause, name) // no effect if it is held already: it may have had no routes
		if c.is.Refuse && !c.was.Refuse {
			refusing = append(refusing, name)
		}
	}
	w.acceptance.refuse(o.at, o.Cause, refusing)
	w.addresses.doubt(len(changes) > 0) // facts of addresses that no set names are not recorded
}
