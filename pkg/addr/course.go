package addr

import (
	"slices"
	"time"

	"ripcord/pkg/event"
)

// sureEvery is how often the kernel is asked about routes and rules that stand
// as far as we know.
const sureEvery = 10 * time.Second

// course is one route or rule of a held instance.
type course struct {
	WayOp    // Index is that with which it was last tried
	holder   *courses
	at       place
	placed   bool // has been in place since it was ordered
	doubt    bool // it may have gone
	since    time.Time
	cause    event.Cause
	retry    time.Time // not to be tried before
	delay    time.Duration
	restored time.Time // for the last time
	failed   string    // the failure last told
}

// courses are the routes and rules of an instance that is held or was.
type courses struct {
	instance string
	cause    event.Cause
	since    time.Time
	all      []*course
	failed   bool // told that the kernel keeps them
}

// guide knows which routes and rules should be held and how they stand. It has
// no copy of the kernel's tables, which may hold a million routes: to add what
// stands is refused and harmless, so adding is also how it asks.
type guide struct {
	ways    map[string][]Way
	ready   func(instance string) bool // its addresses are in place
	links   map[string]event.Link
	held    []*courses
	leaving []*courses
	removal time.Time // the next attempt at what the kernel would not remove
	audit   time.Time
	// replaced: somebody may have put a route in the place of one of ours, to which
	// adding gives the same answer as to ours.
	replaced bool
}

func newGuide(sets []Set, ready func(instance string) bool) *guide {
	g := &guide{ways: make(map[string][]Way), ready: ready, links: make(map[string]event.Link)}
	for _, set := range sets {
		if len(set.Ways) == 0 {
			continue
		}
		g.ways[set.Instance] = set.Ways
		for _, w := range set.Ways {
			if name := w.link(); name != "" {
				g.links[name] = event.Link{Name: name}
			}
		}
	}
	return g
}

// link absorbs a fact about a link: with its addresses, or when it is set down,
// the kernel removes routes and does not always say so.
func (g *guide) link(fact event.Link) {
	old, ok := g.links[fact.Name]
	if !ok {
		return
	}
	g.links[fact.Name] = fact
	for c := range g.each {
		if c.link() != fact.Name {
			continue
		}
		c.doubt = true
		if old.Index != fact.Index || fact.AdminUp && !old.AdminUp {
			c.retry = time.Time{}
		}
	}
}

// doubt says that anything of what is held may have gone.
func (g *guide) doubt() {
	for c := range g.each {
		c.doubt = true
	}
}

// each yields all courses that are held.
func (g *guide) each(yield func(*course) bool) {
	for _, h := range g.held {
		for _, c := range h.all {
			if !yield(c) {
				return
			}
		}
	}
}

func (g *guide) find(instance string) int {
	return slices.IndexFunc(g.held, func(h *courses) bool { return h.instance == instance })
}

// hold begins to hold the routes and rules of an instance.
func (g *guide) hold(at time.Time, cause event.Cause, instance string) {
	if len(g.ways[instance]) == 0 || g.find(instance) >= 0 {
		return
	}
	h := &courses{instance: instance, cause: cause, since: at}
	g.leaving = slices.DeleteFunc(g.leaving, func(h *courses) bool { return h.instance == instance })
	for _, w := range g.ways[instance] {
		h.all = append(h.all, &course{WayOp: WayOp{Way: w}, holder: h, since: at, cause: cause})
	}
	g.held = append(g.held, h)
}

// release ceases to hold them. All that were tried are to be removed, those too
// that were another's when last seen: what does not bear the mark, the kernel
// keeps.
func (g *guide) release(at time.Time, cause event.Cause, instance string) {
	n := g.find(instance)
	if n < 0 {
		return
	}
	h := g.held[n]
	g.held = slices.Delete(g.held, n, n+1)
	h.cause, h.since = cause, at
	h.all = slices.DeleteFunc(h.all, func(c *course) bool { return c.Index == 0 && c.link() != "" })
	slices.Reverse(h.all) // a rule before the table it leads to
	g.leave(h)
}

// leftovers are to be removed: a crashed run left them.
func (g *guide) leftovers(now time.Time, cause event.Cause, found []WayOp) {
	h := &courses{cause: cause, since: now}
	for _, op := range found {
		h.all = append(h.all, &course{WayOp: op, holder: h, at: ours})
	}
	g.leave(h)
}

func (g *guide) leave(h *courses) {
	if len(h.all) > 0 {
		g.leaving, g.removal = append(g.leaving, h), time.Time{}
	}
}

// deadline is when there is something to try or to ask if nothing happens.
func (g *guide) deadline() (due time.Time, ok bool) {
	earlier := func(t time.Time) {
		if !ok || t.Before(due) {
			due, ok = t, true
		}
	}
	if len(g.leaving) > 0 {
		earlier(g.removal)
	}
	for c := range g.each {
		earlier(g.audit)
		if (c.at == nowhere || c.doubt) && g.ready(c.holder.instance) {
			earlier(c.retry)
		}
	}
	return due, ok
}

// wayNews is what is to be told of routes and rules.
type wayNews []event.RouteMoved

// tell adds a course to the event it belongs to.
func (n *wayNews) tell(kind event.RouteKind, now time.Time, c *course, why string) {
	took := now.Sub(c.since)
	for i := len(*n) - 1; i >= 0; i-- {
		m := &(*n)[i]
		if m.Kind == kind && m.Instance == c.holder.instance && m.Cause == c.cause && m.Err == why && m.Took == took {
			m.Routes = append(m.Routes, c.String())
			return
		}
	}
	*n = append(*n, event.RouteMoved{
		Stamp: event.Stamp{Cause: c.cause, At: now}, Kind: kind, Instance: c.holder.instance,
		Routes: []string{c.String()}, Took: took, Err: why,
	})
}
