package link

import (
	"maps"
	"slices"

	"ripcord/pkg/event"
)

// compare puts a dump in the place of what was known, and tells the
// differences.
func (t *Table) compare(d Dump) {
	if d.OfAddresses { // first, so that the first fact of a link has its addresses
		t.compareAddresses(d.Addresses, d.listed != nil)
	}
	if d.OfLinks {
		t.compareLinks(d.Links, d.listed)
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
func (t *Table) compareLinks(links []Seen, listed map[int]bool) {
	sifted := listed != nil
	if !sifted {
		listed = make(map[int]bool, len(links))
		for _, s := range links {
			listed[s.Index] = true
		}
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
	if sifted { // the others are as they were
		for _, e := range slices.SortedFunc(maps.Keys(losses), byIndex) {
			t.settle(e, losses[e])
		}
		return
	}
	for _, e := range slices.Clone(t.order) {
		t.settle(e, losses[e])
	}
}

// A dump of tens of thousands of links and addresses, of which next to nothing has
// changed, is first sifted piece by piece, so that a lost carrier need not wait for all
// of it to be compared. Whoever sifts is the one who hears the notifications of what is
// dumped, so that nothing of it changes meanwhile.

// siftMost is how many entries of a dump are sifted at once.
const siftMost = 256

// beginSift begins to sift a dump of addresses.
func (t *Table) beginSift() { t.dumps++ }

// siftLinks appends those of the links that are not as they are known.
func (t *Table) siftLinks(dst, links []Seen) []Seen {
	for i := range links {
		s := &links[i]
		if e := t.byIndex[s.Index]; e == nil || !e.seen.equal(s) {
			dst = append(dst, *s)
		}
	}
	return dst
}

// siftAddresses does the same for addresses, and notes that they are listed.
func (t *Table) siftAddresses(dst, list []Assigned) []Assigned {
	for i := range list {
		a := t.addresses[list[i].Index]
		if a != nil {
			if s := a.find(list[i].Prefix); s != nil {
				s.dump = t.dumps
				if s.Assigned == list[i] {
					continue
				}
			}
		}
		dst = append(dst, list[i])
	}
	return dst
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
