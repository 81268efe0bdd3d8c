package route

import (
	"slices"
	"time"

	"ripcord/pkg/event"
)

const (
	// retryEvery is the period of attempts at what the kernel refused.
	retryEvery = 250 * time.Millisecond
	// auditEvery is the period at which the kernel is asked about the wanted routes and rules.
	auditEvery = 10 * time.Second
	// fightWindow is the time after its restoration in which an entry must be lost again to count
	// as one that another program keeps removing.
	fightWindow = 10 * time.Second
)

// presence is the state of a wanted entry in the kernel.
type presence uint8

const (
	absent presence = iota
	ours
	foreign // an entry without the mark is in its place
)

// tracked is one route or rule of a held instance.
type tracked struct {
	Op       // Index is that of the last attempt
	holding  *holding
	at       presence
	placed   bool // has been in place since it was ordered
	doubt    bool // it may have disappeared
	since    time.Time
	cause    event.Cause
	retry    time.Time // the earliest time of the next attempt
	delay    time.Duration
	restored time.Time // the last time
	failed   string    // the failure last reported
	refused  bool      // in the last attempt (Missing.Refused)
}

// is reports whether it is that entry.
func (t *tracked) is(e Entry) bool { return Same(t.Entry, e) }

// holding is the routes and rules of an instance that is or was held.
type holding struct {
	instance string
	cause    event.Cause
	since    time.Time
	all      []*tracked
	failed   bool // it was reported that the kernel keeps them
}

// ledger records which routes and rules should be held and their state. It has no copy of the
// kernel's tables.
type ledger struct {
	entries map[string][]Entry         // by instance
	ready   func(instance string) bool // its addresses are in place
	links   map[string]event.Link
	held    []*holding
	leaving []*holding
	removal time.Time // the next attempt to remove what the kernel would not remove
	audit   time.Time
	// replaced is set when another program may have put a route in the place of one of ours: adding
	// has the same answer for both.
	replaced bool
	moved    bool // a link has changed since unbound routes were last in doubt
}

func newLedger(entries map[string][]Entry, ready func(instance string) bool) *ledger {
	l := &ledger{entries: entries, ready: ready}
	l.nameLinks()
	return l
}

// nameLinks keeps the facts about the links of all routes, and drops other links.
func (l *ledger) nameLinks() {
	links := make(map[string]event.Link)
	add := func(e Entry) {
		for _, name := range e.Links() {
			fact, known := l.links[name]
			if !known {
				fact = event.Link{Name: name}
			}
			links[name] = fact
		}
	}
	for _, all := range l.entries {
		for _, e := range all {
			add(e)
		}
	}
	for _, h := range l.leaving {
		for _, t := range h.all {
			add(t.Entry)
		}
	}
	l.links = links
}

// link records a fact about a link: with its addresses, or when it is set down, the kernel removes
// routes and does not always notify.
func (l *ledger) link(fact event.Link) {
	l.moved = true
	old, ok := l.links[fact.Name]
	if !ok {
		return
	}
	l.links[fact.Name] = fact
	for t := range l.each {
		if !slices.Contains(t.Links(), fact.Name) {
			continue
		}
		t.doubt = true
		if old.Index != fact.Index || fact.AdminUp && !old.AdminUp {
			t.retry = time.Time{}
		}
	}
}

// doubt records that every held entry may have disappeared.
func (l *ledger) doubt() {
	for t := range l.each {
		t.doubt = true
	}
}

// each yields all routes and rules that are held.
func (l *ledger) each(yield func(*tracked) bool) {
	for _, h := range l.held {
		for _, t := range h.all {
			if !yield(t) {
				return
			}
		}
	}
}

func (l *ledger) find(instance string) int {
	return slices.IndexFunc(l.held, func(h *holding) bool { return h.instance == instance })
}

// hold begins to hold the routes and rules of an instance.
func (l *ledger) hold(at time.Time, cause event.Cause, instance string) {
	if len(l.entries[instance]) == 0 || l.find(instance) >= 0 {
		return
	}
	h := &holding{instance: instance, cause: cause, since: at}
	l.stay(instance)
	for _, e := range l.entries[instance] {
		h.all = append(h.all, &tracked{Op: Op{Entry: e}, holding: h, since: at, cause: cause})
	}
	l.held = append(l.held, h)
}

// adopt begins to hold the routes and rules of an instance, and takes over those among the
// leftovers.
func (l *ledger) adopt(at time.Time, cause event.Cause, instance string) {
	l.hold(at, cause, instance)
	n := l.find(instance)
	if n < 0 {
		return
	}
	for _, t := range l.held[n].all {
		for _, h := range l.leaving {
			i := slices.IndexFunc(h.all, func(o *tracked) bool { return Stands(t.Entry, o.Op) })
			if i < 0 {
				continue
			}
			t.at, t.placed, t.Index, t.Hops = ours, true, h.all[i].Index, h.all[i].Hops
			h.all = slices.Delete(h.all, i, i+1) // for those of several instances, the others find it in place
			break
		}
	}
	l.leaving = slices.DeleteFunc(l.leaving, func(h *holding) bool { return len(h.all) == 0 })
}

// release ceases to hold them. All that were tried are removed, also those that belonged to another
// program when last seen: the kernel keeps a route without the mark.
func (l *ledger) release(at time.Time, cause event.Cause, instance string) {
	n := l.find(instance)
	if n < 0 {
		return
	}
	all := l.held[n].all
	l.held = slices.Delete(l.held, n, n+1)
	l.giveUp(at, cause, instance, all)
}

// giveUp schedules the removal of the routes and rules of an instance that were tried.
func (l *ledger) giveUp(at time.Time, cause event.Cause, instance string, all []*tracked) {
	h := &holding{instance: instance, cause: cause, since: at}
	for _, t := range slices.Backward(all) { // a rule before the table to which it leads
		if t.never() {
			continue
		}
		t.holding = h
		h.all = append(h.all, t)
	}
	l.leave(h)
}

// never reports whether an entry was never passed to the kernel because its interface was missing.
func (t *tracked) never() bool { return len(t.Links()) > 0 && t.Index == 0 && len(t.Hops) == 0 }

// unbound reports whether an entry is a route whose interface the kernel chooses: it may disappear
// with any.
func (t *tracked) unbound() bool {
	r, isRoute := t.Entry.(Route)
	return isRoute && len(r.Links()) == 0 && !r.Type.Discards()
}

// stay cancels the removal of entries of an instance that was released before.
func (l *ledger) stay(instance string) {
	for _, h := range l.leaving {
		if h.instance == instance {
			h.all = slices.DeleteFunc(h.all, func(t *tracked) bool { return slices.ContainsFunc(l.entries[instance], t.is) })
		}
	}
	l.leaving = slices.DeleteFunc(l.leaving, func(h *holding) bool { return len(h.all) == 0 })
}

// configure replaces the routes and rules of all instances. Held entries that are among them stay
// as they are, and the others are released.
func (l *ledger) configure(at time.Time, cause event.Cause, entries map[string][]Entry) {
	l.entries = entries
	for _, h := range l.held {
		if !slices.EqualFunc(h.all, entries[h.instance], (*tracked).is) {
			l.change(at, cause, h)
		}
	}
	l.held = slices.DeleteFunc(l.held, func(h *holding) bool { return len(h.all) == 0 })
	l.nameLinks()
}

// change gives a held instance its present routes and rules.
func (l *ledger) change(at time.Time, cause event.Cause, h *holding) {
	l.stay(h.instance)
	old := h.all
	h.all = nil
	for _, e := range l.entries[h.instance] {
		n := slices.IndexFunc(old, func(t *tracked) bool { return t.is(e) })
		if n >= 0 {
			h.all = append(h.all, old[n])
			old = slices.Delete(old, n, n+1)
			continue
		}
		h.all = append(h.all, &tracked{Op: Op{Entry: e}, holding: h, since: at, cause: cause})
	}
	l.giveUp(at, cause, h.instance, old)
}

// leftovers records what a crashed run left, for removal.
func (l *ledger) leftovers(now time.Time, cause event.Cause, found []Op) {
	h := &holding{cause: cause, since: now}
	for _, op := range found {
		h.all = append(h.all, &tracked{Op: op, holding: h, at: ours})
	}
	l.leave(h)
}

func (l *ledger) leave(h *holding) {
	if len(h.all) > 0 {
		l.leaving, l.removal = append(l.leaving, h), time.Time{}
	}
}

// deadline returns when to try or to ask something if nothing happens.
func (l *ledger) deadline() (due time.Time, ok bool) {
	earlier := func(t time.Time) {
		if !ok || t.Before(due) {
			due, ok = t, true
		}
	}
	if len(l.leaving) > 0 {
		earlier(l.removal)
	}
	for t := range l.each {
		earlier(l.audit)
		if (t.at == absent || t.doubt) && l.ready(t.holding.instance) {
			earlier(t.retry)
		}
	}
	return due, ok
}
