package addr

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// news is the publishable result of a settlement.
type news struct {
	moved []event.AddressMoved
	// announce lists the instances whose addresses were added for the first time since the order;
	// again lists those whose addresses were restored, or have another MAC now.
	announce, again []string
	// later lists the added addresses, by instance, that were configured while others of the
	// instance were held.
	later map[string][]*entry
}

// doubtful lists the links of which the kernel must be asked whether they are up, before it is
// reported that another program removed addresses from them.
func (l *ledger) doubtful(now time.Time) []int {
	var indexes []int
	for _, name := range l.order {
		for _, e := range l.held[name].entries {
			index := l.links[e.Interface].Index
			asks := e.at != absent || e.waiting && !now.Before(e.retry)
			if index != 0 && asks && l.presence(e) == absent && !slices.Contains(indexes, index) {
				indexes = append(indexes, index)
			}
		}
	}
	return indexes
}

// up records the kernel's answer.
func (l *ledger) up(now time.Time, index int, up bool) {
	l.down[index] = !up
	for _, h := range l.held {
		for _, e := range h.entries {
			if e.waiting && l.links[e.Interface].Index == index {
				if e.waiting = !up; e.waiting {
					e.retry = now.Add(retryEvery)
				}
			}
		}
	}
}

// settle compares the present addresses with the last report, and returns the differences. Call it
// after everything that changes the ledger.
func (l *ledger) settle(now time.Time) (n news) {
	l.settleLeaving(now, &n)
	for _, name := range l.order {
		h := l.held[name]
		for _, e := range h.entries {
			l.settleEntry(now, h, e, &n)
		}
	}
	clear(l.causes)
	clear(l.down)
	clear(l.flapped)
	clear(l.remacked)
	return n
}

func (l *ledger) settleEntry(now time.Time, h *holding, e *entry, n *news) {
	at := l.presence(e)
	if l.isDown(e) { // it does not answer
		at = absent
	}
	switch {
	case at == e.at:
		if at != absent && l.remacked[e.Interface] && !h.set.Static {
			n.announceAgain(h.set.Instance)
		}
	case at == absent:
		l.lose(now, e)
	default:
		h.gain(now, e, at, n)
	}
	e.at = at
	if at != absent {
		return
	}
	// At the start of a Static set the state of the links is not known yet.
	if l.links[e.Interface].Index == 0 && !(h.set.Static && now.Sub(e.since) < h.within) {
		why := fmt.Sprintf("there is no interface %s: added when it appears", l.nameOf(e))
		h.fail(now, e, why, n)
	}
	e.missing = e.missing || now.Sub(e.since) >= h.within
}

// gain records that an address has been added or found.
func (h *holding) gain(now time.Time, e *entry, at presence, n *news) {
	if e.inherited {
		e.inherited, e.placed = false, true
		return
	}
	kind := event.AddressAdded
	switch {
	case at == foreign:
		kind = event.AddressForeign
	case e.placed:
		kind = event.AddressRestored
	}
	moved := event.AddressMoved{
		Stamp: event.Stamp{Cause: h.causeOf(e), At: now}, Kind: kind, Instance: h.set.Instance, Took: now.Sub(e.since),
	}
	report := true
	if kind == event.AddressRestored {
		moved.Count, report = e.back.take(now)
	}
	if report {
		n.add(moved, e)
	}
	switch {
	case h.set.Static: // no instance took it over
	case e.placed:
		n.announceAgain(h.set.Instance)
	case e.later:
		n.announceLater(h.set.Instance, e)
	case !slices.Contains(n.announce, h.set.Instance):
		n.announce = append(n.announce, h.set.Instance)
	}
	e.placed, e.failed, e.refused, e.missing, e.waiting = true, "", false, false, false
}

// lose records that an address is gone. If it disappeared with its link, it is not tried again
// until the link is up.
func (l *ledger) lose(now time.Time, e *entry) {
	key := l.key(e.Address)
	e.since, e.retry, e.cause = now, time.Time{}, l.causes[key]
	e.waiting = key.Index == 0 || l.down[key.Index]
}

// fail records why the kernel did not add those of ops that do not exist.
func (l *ledger) fail(now time.Time, ops []Op, err error) (n news) {
	answers := make(map[event.AddressKey]*AddressError, len(ops)) // nil: there is no answer for this address
	for _, op := range ops {
		answers[op.key()] = nil
	}
	var batch BatchError
	errors.As(err, &batch)
	for i := range batch {
		answers[batch[i].AddressKey] = &batch[i]
	}
	for _, name := range l.order {
		h := l.held[name]
		for _, e := range h.entries {
			answer, tried := answers[l.key(e.Address)]
			if !tried || l.presence(e) != absent {
				continue
			}
			why, again := err, retryEvery
			if answer != nil {
				why, e.refused = answer.Err, answer.Refused
			}
			if e.refused {
				again, e.retry = refusedEvery, now.Add(refusedEvery)
			}
			h.fail(now, e, fmt.Sprintf("not added, tried again every %v: %v", again, why), &n)
		}
	}
	return n
}

func (h *holding) fail(now time.Time, e *entry, why string, n *news) {
	if e.failed == why {
		return
	}
	e.failed = why
	n.add(event.AddressMoved{
		Stamp: event.Stamp{Cause: h.causeOf(e), At: now}, Kind: event.AddressFailed,
		Instance: h.set.Instance, Took: now.Sub(e.since), Err: why,
	}, e)
}

// deadline returns when the ledger must be looked at again if nothing happens.
func (l *ledger) deadline() (due time.Time, ok bool) {
	earlier := func(t time.Time) {
		if !ok || t.Before(due) {
			due, ok = t, true
		}
	}
	if len(l.leaving) > 0 {
		earlier(l.removal)
	}
	if len(l.unmarkedOps(l.remark)) > 0 {
		earlier(l.remark)
	}
	for _, h := range l.held {
		for _, e := range h.entries {
			if e.at != absent {
				continue
			}
			if !e.missing {
				earlier(e.since.Add(h.within))
			}
			if l.links[e.Interface].Index != 0 && l.presence(e) == absent {
				earlier(e.retry)
			}
		}
	}
	return due, ok
}

// stands reports whether the n-th address of a held instance is in place.
func (l *ledger) stands(instance string, n int) bool {
	h := l.held[instance]
	return h != nil && n < len(h.entries) && h.entries[n].at != absent
}

// sentAhead reports, once, whether the next announcement of the n-th address of a held instance has
// been sent.
func (l *ledger) sentAhead(instance string, n int) (ahead bool) {
	e := l.held[instance].entries[n]
	ahead, e.ahead = e.ahead, false
	return ahead
}

func (h *holding) causeOf(e *entry) event.Cause {
	if e.cause.Trace != 0 {
		return e.cause
	}
	return h.cause
}

// add adds an address to the event to which it belongs.
func (n *news) add(m event.AddressMoved, e *entry) {
	for i := len(n.moved) - 1; i >= 0 && n.moved[i].Instance == m.Instance; i-- {
		t := &n.moved[i]
		if t.Kind == m.Kind && t.Cause == m.Cause && t.Err == m.Err && t.Took == m.Took && t.Count == m.Count {
			t.Addresses = append(t.Addresses, e.Prefix)
			return
		}
	}
	m.Addresses = append(m.Addresses, e.Prefix)
	n.moved = append(n.moved, m)
}

func (n *news) announceAgain(instance string) {
	if !slices.Contains(n.again, instance) {
		n.again = append(n.again, instance)
	}
}

func (n *news) announceLater(instance string, e *entry) {
	if n.later == nil {
		n.later = make(map[string][]*entry)
	}
	n.later[instance] = append(n.later[instance], e)
}
