package link

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// A burst of changes of a link's addresses is judged when it is over: an address
// that is replaced is often gone for a moment, or stands twice.
const (
	burstQuiet = 10 * time.Millisecond // without a change end it
	burstMost  = 50 * time.Millisecond // after its first change it is judged in any case
)

// assigned holds the addresses of one link, and what was chosen of them.
type assigned struct {
	index int
	list  []standing           // in no order
	place map[netip.Prefix]int // in list
	// due is when the sources are chosen anew, and limit how long that may be put
	// off; zero where nothing has changed.
	due, limit time.Time
	chosen
}

// standing is an address of a link.
type standing struct {
	Assigned
	since  uint64 // greater for what came later
	dump   uint64 // the last dump that listed it
	source bool   // it is among the chosen sources
}

// find returns the address of that prefix; nil if it does not stand there.
func (a *assigned) find(p netip.Prefix) *standing {
	if i, ok := a.place[p]; ok {
		return &a.list[i]
	}
	return nil
}

// on returns the addresses of a link, which may have none.
func (t *Table) on(index int) *assigned {
	a := t.addresses[index]
	if a == nil {
		a = &assigned{index: index, place: make(map[netip.Prefix]int)}
		t.addresses[index] = a
	}
	return a
}

// put absorbs an address that is there, and publishes it.
func (t *Table) put(addr Assigned) *assigned {
	a := t.on(addr.Index)
	if s := a.find(addr.Prefix); s != nil {
		s.Assigned = addr
	} else {
		t.arrivals++
		a.place[addr.Prefix] = len(a.list)
		a.list = append(a.list, standing{Assigned: addr, since: t.arrivals, dump: t.dumps})
	}
	t.publishAddress(addr, true)
	return a
}

// take absorbs that an address is gone, and publishes that.
func (t *Table) take(addr Assigned) *assigned {
	a := t.on(addr.Index)
	if i, ok := a.place[addr.Prefix]; ok {
		last := len(a.list) - 1
		a.list[i] = a.list[last]
		a.place[a.list[i].Prefix] = i
		delete(a.place, addr.Prefix)
		a.list[last] = standing{}
		a.list = a.list[:last]
	}
	t.publishAddress(addr, false)
	return a
}

func (t *Table) publishAddress(addr Assigned, present bool) {
	fact := event.Address{
		Cause: t.stamp().Cause, Index: addr.Index, Prefix: addr.Prefix, Present: present, Marked: addr.Marked,
	}
	if !present {
		fact.Removals = 1
	}
	t.out.Addresses = append(t.out.Addresses, fact)
}

// changed has the sources of a link chosen when the burst of changes is over.
func (t *Table) changed(a *assigned) {
	switch {
	case !t.chooses(t.byIndex[a.index]):
		t.dropBare(a)
		return
	case a.due.IsZero():
		a.limit = t.at.Add(burstMost)
		t.unsettled[a.index] = a
		t.holds++
	}
	if a.due = t.at.Add(burstQuiet); a.due.After(a.limit) {
		a.due = a.limit
	}
}

// dropBare forgets a link's addresses where there are none and nothing is chosen.
func (t *Table) dropBare(a *assigned) {
	if len(a.list) == 0 && a.chosen == (chosen{}) {
		delete(t.addresses, a.index)
		delete(t.unsettled, a.index)
	}
}

// compareAddresses takes in the whole list; only differences are published.
// Nothing in it takes longer than the list is long.
func (t *Table) compareAddresses(list []Assigned, sifted bool) {
	if !sifted {
		t.dumps++
	}
	var changes []int // places in list
	for i := range list {
		a := t.addresses[list[i].Index]
		if a == nil {
			changes = append(changes, i)
			continue
		}
		s := a.find(list[i].Prefix)
		if s != nil {
			s.dump = t.dumps
		}
		if s == nil || s.Assigned != list[i] {
			changes = append(changes, i)
		}
	}
	touched := make(map[int]*assigned)
	for _, addr := range t.unlisted() {
		touched[addr.Index] = t.take(addr)
	}
	for _, i := range changes {
		touched[list[i].Index] = t.put(list[i])
	}
	for _, index := range sortedKeys(touched) {
		t.choose(touched[index])
	}
}

// unlisted returns the addresses that the last dump did not list, in a fixed order.
func (t *Table) unlisted() []Assigned {
	var gone []standing
	for _, a := range t.addresses {
		for i := range a.list {
			if a.list[i].dump != t.dumps {
				gone = append(gone, a.list[i])
			}
		}
	}
	slices.SortFunc(gone, func(a, b standing) int { return cmp.Or(a.Index-b.Index, earlier(a, b)) })
	all := make([]Assigned, len(gone))
	for i := range gone {
		all[i] = gone[i].Assigned
	}
	return all
}

func earlier(a, b standing) int { return int(a.since) - int(b.since) }

func sortedKeys[V any](m map[int]V) []int {
	keys := make([]int, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
