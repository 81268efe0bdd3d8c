package link

import (
	"maps"
	"slices"

	"ripcord/pkg/event"
)

// compare replaces the known state with a dump, and publishes the differences.
func (s *step) compare(d Dump) {
	if d.OfAddresses { // first, so that the first fact of a link has its addresses
		s.compareAddresses(d.Addresses, d.listed != nil)
	}
	if d.OfLinks {
		s.compareLinks(d.Links, d.listed)
	}
	if !s.started {
		s.started = true
		s.publishAbsent()
		return
	}
	differences := len(s.Facts) + len(s.Addresses)
	if d.Reason == Audit && !d.OfLinks && differences == 0 {
		return // one line for each audit is enough
	}
	s.log(event.LinkResync{
		Stamp: s.stamp(), Reason: string(d.Reason), Links: len(s.order), Differences: differences,
	})
}

// compareAddresses takes in the whole list; only differences are published.
// It takes no longer than the list is long.
func (s *step) compareAddresses(list []Assigned, sifted bool) {
	if !sifted {
		s.addresses.beginDump()
	}
	changes := s.addresses.sift(nil, list)
	touched := make(map[int]*linkAddresses)
	for _, a := range s.addresses.unlisted() {
		touched[a.Index] = s.takeAddress(a)
	}
	for _, a := range changes {
		touched[a.Index] = s.putAddress(a)
	}
	for _, index := range sortedKeys(touched) {
		s.chooseSources(touched[index])
	}
}

// compareLinks takes in the whole list before it decides about any link, since a link
// may be listed before its parent.
func (s *step) compareLinks(links []Seen, listed map[int]bool) {
	sifted := listed != nil
	if !sifted {
		listed = make(map[int]bool, len(links))
		for i := range links {
			listed[links[i].Index] = true
		}
	}
	var gone []*entry
	s.order = slices.DeleteFunc(s.order, func(e *entry) bool {
		if listed[e.seen.Index] {
			return false
		}
		gone = append(gone, e)
		return true
	})
	for _, e := range gone {
		s.retire(e)
	}
	unseen := make(map[*entry]int)
	for i := range links {
		if e, n, ok := s.describe(links[i]); ok {
			unseen[e] = n
		}
	}
	if sifted { // the others are as they were
		for _, e := range slices.SortedFunc(maps.Keys(unseen), byIndex) {
			s.settle(e, unseen[e])
		}
		return
	}
	for _, e := range slices.Clone(s.order) {
		s.settle(e, unseen[e])
	}
}

// publishAbsent publishes for each watched name without an interface that there is
// none, so that no subscriber waits for a fact that never comes.
func (s *step) publishAbsent() {
	for _, name := range s.watched {
		if s.byName[name] == nil {
			s.publishAbsentName(name)
		}
	}
}

func (s *step) publishAbsentName(name string) {
	s.publish(event.Link{Name: name, LastChange: s.at, LastSource: s.source, Unchanged: true})
}

// A dump of tens of thousands of links and addresses, of which next to nothing has
// changed, is first sifted piece by piece, so that a lost carrier need not wait for all
// of it to be compared. The subscriber that sifts is the one that reads the
// notifications of what is dumped, so that nothing of it changes meanwhile.

// maxSift is how many entries of a dump are sifted at once.
const maxSift = 256

// Sift leaves in a dump only the differences from the table. It calls locked for each
// piece, which calls its argument with the table.
func (d *Dump) Sift(locked func(func(*Table))) {
	links, list := d.Links, d.Addresses
	d.listed = make(map[int]bool, len(links))
	for i := range links {
		d.listed[links[i].Index] = true
	}
	if d.OfAddresses {
		locked(func(t *Table) { t.addresses.beginDump() })
	}
	d.Links, d.Addresses = nil, nil
	for piece := range slices.Chunk(links, maxSift) {
		locked(func(t *Table) { d.Links = t.siftLinks(d.Links, piece) })
	}
	for piece := range slices.Chunk(list, maxSift) {
		locked(func(t *Table) { d.Addresses = t.addresses.sift(d.Addresses, piece) })
	}
}

// siftLinks appends those of the links that differ from what is known.
func (t *Table) siftLinks(dst, links []Seen) []Seen {
	for i := range links {
		s := &links[i]
		if e := t.byIndex[s.Index]; e == nil || !e.seen.equal(s) {
			dst = append(dst, *s)
		}
	}
	return dst
}
