package route

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// report collects events about routes and rules: one event for all that differ only in their text.
type report []event.RouteMoved

func (r *report) add(kind event.RouteKind, now time.Time, t *tracked, why string) {
	took := now.Sub(t.since)
	for i := len(*r) - 1; i >= 0; i-- {
		m := &(*r)[i]
		if m.Kind == kind && m.Instance == t.holding.instance && m.Cause == t.cause && m.Err == why && m.Took == took {
			m.Routes = append(m.Routes, t.String())
			return
		}
	}
	*r = append(*r, event.RouteMoved{
		Stamp: event.Stamp{Cause: t.cause, At: now}, Kind: kind, Instance: t.holding.instance,
		Routes: []string{t.String()}, Took: took, Err: why,
	})
}

// adds lists what to add now, or to ask about, for the instances whose addresses are in place. It
// reports entries that cannot be tried because their interface is missing.
func (l *ledger) adds(now time.Time) (try []*tracked, r report) {
	if !now.Before(l.audit) {
		l.audit = now.Add(auditEvery)
		l.doubt()
	}
	unbound := l.moved
	l.moved = false
	for t := range l.each {
		t.doubt = t.doubt || unbound && t.unbound()
		if t.at != absent && !t.doubt || now.Before(t.retry) || !l.ready(t.holding.instance) {
			continue
		}
		t.doubt, t.retry = false, now.Add(max(t.delay, retryEvery))
		if why := l.obstacle(t); why != "" {
			t.lose(now)
			t.refused = !t.placed && slices.ContainsFunc(t.Links(), func(name string) bool { return l.links[name].Index == 0 })
			t.fail(now, why, &r)
			continue
		}
		try = append(try, t)
	}
	return try, r
}

// obstacle returns why an entry cannot be tried; empty if it can, and then it sets the indexes of
// its links.
func (l *ledger) obstacle(t *tracked) string {
	for _, name := range t.Links() {
		switch link := l.links[name]; {
		case link.Index == 0:
			return fmt.Sprintf("there is no interface %s: added when it appears", name)
		case !link.AdminUp:
			return fmt.Sprintf("the interface %s is down: added when it is up", name)
		}
	}
	if r, ok := t.Entry.(Route); ok {
		t.Index, t.Hops = l.links[r.Interface].Index, nil
		for _, h := range r.Hops {
			t.Hops = append(t.Hops, l.links[h.Interface].Index)
		}
	}
	return ""
}

// tried records the kernel's answers.
func (l *ledger) tried(now time.Time, cause event.Cause, try []*tracked, errs []error) (r report) {
	var standing installed // made when needed
	for i, t := range try {
		if errors.Is(errs[i], fs.ErrExist) && t.at == absent && standing == nil {
			standing = l.standing(true)
		}
		switch err := errs[i]; {
		case err == nil:
			t.lose(now)
			t.gain(now, cause, &r)
		case errors.Is(err, fs.ErrExist) && t.at == absent && standing.has(t):
			l.keep(t.Entry)
			t.gain(now, cause, &r)
		case errors.Is(err, fs.ErrExist) && t.at == absent:
			r.add(event.RouteForeign, now, t, "")
			t.at, t.placed, t.failed, t.refused = foreign, true, "", false
		case errors.Is(err, fs.ErrExist): // it still exists, or another in its place
		default:
			t.lose(now)
			t.refused = true
			t.fail(now, fmt.Sprintf("not added, tried again every %v: %v", retryEvery, err), &r)
		}
	}
	return r
}

// suspects returns those routes that the kernel refused as existing and that another program may
// have replaced.
func (l *ledger) suspects(try []*tracked, errs []error) (all []*tracked) {
	if !l.replaced {
		return nil
	}
	for i, t := range try {
		if _, isRoute := t.Entry.(Route); isRoute && t.at == ours && errors.Is(errs[i], fs.ErrExist) {
			all = append(all, t)
		}
	}
	return all
}

// standsAmong reports whether a route is among those with the mark.
func standsAmong(e Entry, marked []Op) bool {
	return slices.ContainsFunc(marked, func(op Op) bool { return Stands(e, op) })
}

// lose records that an entry is not in place.
func (t *tracked) lose(now time.Time) {
	if t.at != absent {
		t.at, t.since = absent, now
	}
}

// gain records that an entry was added. An entry that is lost repeatedly, as when two programs
// fight for it, is restored less and less often.
func (t *tracked) gain(now time.Time, cause event.Cause, r *report) {
	kind := event.RouteAdded
	if t.placed {
		kind, t.cause = event.RouteRestored, cause
		if now.Sub(t.restored) < fightWindow {
			t.delay = min(2*max(t.delay, retryEvery), fightWindow)
		} else {
			t.delay = 0
		}
		t.restored, t.retry = now, now.Add(max(t.delay, retryEvery))
	}
	r.add(kind, now, t, "")
	t.at, t.placed, t.failed, t.refused = ours, true, "", false
}

func (t *tracked) fail(now time.Time, why string, r *report) {
	if t.failed != why {
		t.failed = why
		r.add(event.RouteFailed, now, t, why)
	}
}

// removes lists the entries to remove now.
func (l *ledger) removes(now time.Time) (gone []*tracked) {
	if now.Before(l.removal) {
		return nil
	}
	if len(l.leaving) == 0 {
		return nil
	}
	standing := l.standing(false)
	for _, h := range l.leaving {
		h.all = slices.DeleteFunc(h.all, standing.has)
		gone = append(gone, h.all...)
	}
	l.leaving = slices.DeleteFunc(l.leaving, func(h *holding) bool { return len(h.all) == 0 })
	l.removal = now.Add(retryEvery)
	return gone
}

// unchanged reports whether the interface of an entry is as it was when the entry was added, so
// that the kernel has not removed it by itself.
func (l *ledger) unchanged(t *tracked) bool {
	r, _ := t.Entry.(Route)
	link := l.links[r.Interface]
	return r.Interface != "" && link.Index == t.Index && link.AdminUp
}

// removed records the kernel's answers; fs.ErrNotExist is not a failure.
func (l *ledger) removed(now time.Time, gone []*tracked, errs []error) (r report) {
	for i, t := range gone {
		h, err := t.holding, errs[i]
		missing := errors.Is(err, fs.ErrNotExist)
		if err != nil && !missing {
			if !h.failed {
				t.cause, t.since = h.cause, h.since
				r.add(event.RouteFailed, now, t, fmt.Sprintf("not removed, tried again every %v: %v", retryEvery, err))
			}
			continue
		}
		h.all = slices.DeleteFunc(h.all, func(other *tracked) bool { return other == t })
		if t.at != ours {
			continue
		}
		kind := event.RouteRemoved
		if missing && l.unchanged(t) {
			kind = event.RouteReplaced // only another program can have removed it
		}
		t.cause, t.since = h.cause, h.since
		r.add(kind, now, t, "")
	}
	for _, h := range l.leaving {
		h.failed = true
	}
	l.leaving = slices.DeleteFunc(l.leaving, func(h *holding) bool { return len(h.all) == 0 })
	return r
}
