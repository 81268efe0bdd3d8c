package link

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// A batch of changes of a link's addresses is taken in when it is over: an address
// that is replaced is often gone for a moment, or stands twice.
const (
	batchQuiet = 10 * time.Millisecond // without a change it is over
	maxBatch   = 50 * time.Millisecond // after its first change it is over, even if more come
)

// addresses holds the addresses of all links, and from which of them adverts may leave.
type addresses struct {
	byLink    map[int]*linkAddresses
	unsettled map[int]*linkAddresses // links whose sources are to be chosen anew
	arrivals  uint64
	dumps     uint64

	named   map[netip.Addr]bool  // the sources that instances ask for
	virtual map[netip.Addr]bool  // the addresses that routers share
	local   map[int][]netip.Addr // the named sources on each loopback link
}

// linkAddresses holds the addresses of one link, and the sources that were chosen among them.
type linkAddresses struct {
	index    int
	list     []knownAddress       // in no order
	position map[netip.Prefix]int // in list
	// due is when the sources are chosen anew, and limit how long that may be put
	// off; zero where nothing has changed.
	due, limit time.Time
	chosen
}

// knownAddress is an address of a link.
type knownAddress struct {
	Assigned
	arrival uint64 // greater for what came later
	dump    uint64 // the last dump that listed it
	source  bool   // it is among the chosen sources
}

func newAddresses(s Sources) addresses {
	t := addresses{
		byLink: make(map[int]*linkAddresses), unsettled: make(map[int]*linkAddresses),
	}
	t.configure(s)
	return t
}

// configure takes the addresses that the configuration names, and finds out anew which of
// them each loopback link has.
func (t *addresses) configure(s Sources) {
	t.named, t.virtual, t.local = make(map[netip.Addr]bool), make(map[netip.Addr]bool), make(map[int][]netip.Addr)
	for _, ip := range s.Named {
		t.named[ip] = true
	}
	for _, ip := range s.Virtual {
		t.virtual[ip] = true
	}
}

// anyNamed reports whether an instance asks for its source.
func (t *addresses) anyNamed() bool { return len(t.named) > 0 }

// on returns the addresses of a link, which may have none.
func (t *addresses) on(index int) *linkAddresses {
	l := t.byLink[index]
	if l == nil {
		l = &linkAddresses{index: index, position: make(map[netip.Prefix]int)}
		t.byLink[index] = l
	}
	return l
}

// find returns the address of that prefix; nil if it is not there.
func (l *linkAddresses) find(p netip.Prefix) *knownAddress {
	if i, ok := l.position[p]; ok {
		return &l.list[i]
	}
	return nil
}

// put takes in an address that is there.
func (t *addresses) put(a Assigned) *linkAddresses {
	l := t.on(a.Index)
	if known := l.find(a.Prefix); known != nil {
		known.Assigned = a
		return l
	}
	t.arrivals++
	l.position[a.Prefix] = len(l.list)
	l.list = append(l.list, knownAddress{Assigned: a, arrival: t.arrivals, dump: t.dumps})
	return l
}

// take takes in that an address is gone.
func (t *addresses) take(a Assigned) *linkAddresses {
	l := t.on(a.Index)
	if i, ok := l.position[a.Prefix]; ok {
		last := len(l.list) - 1
		l.list[i] = l.list[last]
		l.position[l.list[i].Prefix] = i
		delete(l.position, a.Prefix)
		l.list[last] = knownAddress{}
		l.list = l.list[:last]
	}
	return l
}

// postpone puts off the choice of a link's sources to the end of the batch of changes.
// It reports whether the batch begins now.
func (t *addresses) postpone(l *linkAddresses, at time.Time) (begins bool) {
	if begins = l.due.IsZero(); begins {
		l.limit = at.Add(maxBatch)
		t.unsettled[l.index] = l
	}
	if l.due = at.Add(batchQuiet); l.due.After(l.limit) {
		l.due = l.limit
	}
	return begins
}

// settle ends the batch of changes of a link.
func (t *addresses) settle(l *linkAddresses) {
	l.due, l.limit = time.Time{}, time.Time{}
	delete(t.unsettled, l.index)
}

// dropEmpty forgets a link that has no addresses and for which nothing is chosen.
func (t *addresses) dropEmpty(l *linkAddresses) {
	if len(l.list) == 0 && l.chosen == (chosen{}) {
		delete(t.byLink, l.index)
		delete(t.unsettled, l.index)
	}
}

// beginDump begins to compare a dump of all addresses.
func (t *addresses) beginDump() { t.dumps++ }

// sift appends the addresses in a piece of the dump that differ from the known ones, and
// notes all as listed.
func (t *addresses) sift(dst, list []Assigned) []Assigned {
	for i := range list {
		if l := t.byLink[list[i].Index]; l != nil {
			if known := l.find(list[i].Prefix); known != nil {
				known.dump = t.dumps
				if known.Assigned == list[i] {
					continue
				}
			}
		}
		dst = append(dst, list[i])
	}
	return dst
}

// unlisted returns the addresses that the last dump did not list, in a fixed order.
func (t *addresses) unlisted() []Assigned {
	var gone []knownAddress
	for _, l := range t.byLink {
		for i := range l.list {
			if l.list[i].dump != t.dumps {
				gone = append(gone, l.list[i])
			}
		}
	}
	slices.SortFunc(gone, func(a, b knownAddress) int { return cmp.Or(a.Index-b.Index, earlier(a, b)) })
	all := make([]Assigned, len(gone))
	for i := range gone {
		all[i] = gone[i].Assigned
	}
	return all
}

func earlier(a, b knownAddress) int { return int(a.arrival) - int(b.arrival) }

func sortedKeys[V any](m map[int]V) []int {
	keys := make([]int, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
