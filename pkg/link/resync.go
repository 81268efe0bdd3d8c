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
		return // one line per audit is enough
	}
	s.log(event.LinkResync{
		Stamp: s.stamp(), Reason: string(d.Reason), Links: len(s.order), Differences: differences,
	})
}

// compareAddresses compares the known addresses with the whole list, and publishes only the
// differences. Its time is linear in the length of the list.
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

// compareLinks records the whole list before it decides about any link, since a link may be listed
// before its parent.
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
	if sifted { // the other links have not changed
		for _, e := range slices.SortedFunc(maps.Keys(unseen), byIndex) {
			s.settle(e, unseen[e])
		}
		return
	}
	for _, e := range slices.Clone(s.order) {
		s.settle(e, unseen[e])
	}
}

// publishAbsent publishes for each watched name without an interface that there is none, so that no
// subscriber waits for a fact that never comes.
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

// A dump of tens of thousands of links and addresses, of which almost none has changed, is first
// sifted in parts, so that a lost carrier need not wait for the comparison of the whole. The same
// subscriber sifts the dump and reads the notifications of its subject, so that the subject does
// not change in the table meanwhile.

// maxSift is the number of entries of a dump that are sifted at once.
const maxSift = 256

// Sift reduces a dump to the differences from the table. For each part it calls locked, which calls
// its argument with the table.
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

// siftLinks appends the links that differ from the known ones.
func (t *Table) siftLinks(dst, links []Seen) []Seen {
	for i := range links {
		s := &links[i]
		if e := t.byIndex[s.Index]; e == nil || !e.seen.equal(s) {
			dst = append(dst, *s)
		}
	}
	return dst
}
