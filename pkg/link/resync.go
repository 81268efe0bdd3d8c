package link

import (
	"slices"

	"ripcord/pkg/event"
)

// compare puts a dump in the place of what was known, and tells the
// differences.
func (t *Table) compare(d Dump) {
	if d.OfAddresses { // first, so that the first fact of a link has its addresses
		t.compareAddresses(d.Addresses)
	}
	if d.OfLinks {
		t.compareLinks(d.Links)
	}
	if !t.started {
		t.started = true
		t.tellAbsent()
		return
	}
	differences := len(t.out.Facts) + len(t.out.Addresses)
	if d.Reason == Audit && !d.OfLinks && differences == 0 {
		return // one line for each audit is enough
	}
	t.out.Events = append(t.out.Events, event.LinkResync{
		Stamp: t.stamp(), Reason: string(d.Reason), Links: len(t.order), Differences: differences,
	})
}

// compareLinks takes in the whole list before it judges any link, since a link
// may be listed before its parent.
func (t *Table) compareLinks(links []Seen) {
	listed := make(map[int]bool, len(links))
	for _, s := range links {
		listed[s.Index] = true
	}
	var gone []*entry
	t.order = slices.DeleteFunc(t.order, func(e *entry) bool {
		if listed[e.seen.Index] {
			return false
		}
		gone = append(gone, e)
		return true
	})
	for _, e := range gone {
		t.forget(e)
	}
	losses := make(map[*entry]int)
	for _, s := range links {
		if e, n, ok := t.absorb(s); ok {
			losses[e] = n
		}
	}
	for _, e := range slices.Clone(t.order) {
		t.settle(e, losses[e])
	}
}

// tellAbsent publishes that there is no such interface for each watched name
// without one, so that nobody waits for a fact that never comes.
func (t *Table) tellAbsent() {
	for _, name := range t.watched {
		if t.byName[name] == nil {
			t.publish(event.Link{Name: name, LastChange: t.at, LastSource: t.source})
		}
	}
}
