package addr

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// adds lists what is to be added now, or asked about, of the instances whose
// addresses are in place. What cannot be tried for want of its interface is told.
func (g *guide) adds(now time.Time) (try []*course, n wayNews) {
	if !now.Before(g.audit) {
		g.audit = now.Add(sureEvery)
		g.doubt()
	}
	for c := range g.each {
		if c.at != nowhere && !c.doubt || now.Before(c.retry) || !g.ready(c.holder.instance) {
			continue
		}
		c.doubt, c.retry = false, now.Add(max(c.delay, retryEvery))
		if why := g.trouble(c); why != "" {
			c.gone(now)
			c.fail(now, why, &n)
			continue
		}
		try = append(try, c)
	}
	return try, n
}

// trouble says why a course cannot be tried; else it has the link's index then.
func (g *guide) trouble(c *course) string {
	name := c.link()
	if name == "" {
		return ""
	}
	link := g.links[name]
	c.Index = link.Index
	switch {
	case link.Index == 0:
		return fmt.Sprintf("there is no interface %s: added when it appears", name)
	case !link.AdminUp:
		return fmt.Sprintf("the interface %s is down: added when it is up", name)
	}
	return ""
}

// tried books what the kernel said to each.
func (g *guide) tried(now time.Time, cause event.Cause, try []*course, errs []error) (n wayNews) {
	for i, c := range try {
		switch err := errs[i]; {
		case err == nil:
			c.gone(now)
			c.gain(now, cause, &n)
		case errors.Is(err, fs.ErrExist) && c.at == nowhere:
			n.tell(event.RouteForeign, now, c, "")
			c.at, c.placed, c.failed = foreign, true, ""
		case errors.Is(err, fs.ErrExist): // still stands, or one in its place does
		default:
			c.gone(now)
			c.fail(now, fmt.Sprintf("not added, tried again every %v: %v", retryEvery, err), &n)
		}
	}
	return n
}

// suspect lists, of those of which the kernel said that something stands in their
// place, the routes that may have been replaced.
func (g *guide) suspect(try []*course, errs []error) (all []*course) {
	if !g.replaced {
		return nil
	}
	for i, c := range try {
		if _, isRoute := c.Way.(Route); isRoute && c.at == ours && errors.Is(errs[i], fs.ErrExist) {
			all = append(all, c)
		}
	}
	return all
}

// standsAmong reports whether a route is among those that bear the mark.
func (c *course) standsAmong(marked []WayOp) bool {
	return slices.ContainsFunc(marked, func(op WayOp) bool { return samePlace(c.Way, op.Way) })
}

// samePlace reports whether two routes cannot stand beside each other.
func samePlace(a, b Way) bool {
	r, isRoute := a.(Route)
	s, isOther := b.(Route)
	if !isRoute || !isOther {
		return a == b
	}
	return r.To == s.To && r.Table == s.Table && r.metric() == s.metric()
}

// metric returns the metric under which the kernel keeps the route.
func (r Route) metric() uint32 {
	const default6 = 1024 // IP6_RT_PRIO_USER
	if r.Metric == 0 && r.To.Addr().Is6() {
		return default6
	}
	return r.Metric
}

// gone books that a course is not in place.
func (c *course) gone(now time.Time) {
	if c.at != nowhere {
		c.at, c.since = nowhere, now
	}
}

// gain books that a course was added. One that is lost again and again, as when
// two programs fight for it, is put back less and less often.
func (c *course) gain(now time.Time, cause event.Cause, n *wayNews) {
	kind := event.RouteAdded
	if c.placed {
		kind, c.cause = event.RouteRestored, cause
		if now.Sub(c.restored) < lossWindow {
			c.delay = min(2*max(c.delay, retryEvery), lossWindow)
		} else {
			c.delay = 0
		}
		c.restored, c.retry = now, now.Add(max(c.delay, retryEvery))
	}
	n.tell(kind, now, c, "")
	c.at, c.placed, c.failed = ours, true, ""
}

func (c *course) fail(now time.Time, why string, n *wayNews) {
	if c.failed != why {
		c.failed = why
		n.tell(event.RouteFailed, now, c, why)
	}
}

// removes lists what is to be removed now.
func (g *guide) removes(now time.Time) (gone []*course) {
	if now.Before(g.removal) {
		return nil
	}
	for _, h := range g.leaving {
		gone = append(gone, h.all...)
	}
	g.removal = now.Add(retryEvery)
	return gone
}

// usable reports whether the interface of a course is as it was when the course was
// added, so that the kernel has not removed it by itself.
func (g *guide) usable(c *course) bool {
	link := g.links[c.link()]
	return c.link() != "" && link.Index == c.Index && link.AdminUp
}

// removed books what the kernel said to each: no error, too, if it was not there.
func (g *guide) removed(now time.Time, gone []*course, errs []error) (n wayNews) {
	for i, c := range gone {
		h := c.holder
		err := errs[i]
		absent := errors.Is(err, fs.ErrNotExist)
		if err != nil && !absent {
			if !h.failed {
				c.cause, c.since = h.cause, h.since
				n.tell(event.RouteFailed, now, c, fmt.Sprintf("not removed, tried again every %v: %v", retryEvery, err))
			}
			continue
		}
		h.all = slices.DeleteFunc(h.all, func(other *course) bool { return other == c })
		switch {
		case c.at != ours:
		case absent && g.usable(c):
			// It was not there, though nothing took it away but somebody's hand.
			c.cause, c.since = h.cause, h.since
			n.tell(event.RouteReplaced, now, c, "")
		default:
			c.cause, c.since = h.cause, h.since
			n.tell(event.RouteRemoved, now, c, "")
		}
	}
	for _, h := range g.leaving {
		h.failed = true
	}
	g.leaving = slices.DeleteFunc(g.leaving, func(h *courses) bool { return len(h.all) == 0 })
	return n
}
