package link

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// A link's sources are chosen again when a batch of changes of its addresses is over, because an
// address that is replaced is often missing for a moment, or present twice.
const (
	batchQuiet = 10 * time.Millisecond // the batch is over after this time without a change
	maxBatch   = 50 * time.Millisecond // the batch is over this long after its first change, even if more changes come
)

// addresses holds the addresses of all links, and the ones from which adverts may be sent.
type addresses struct {
	byLink    map[int]*linkAddresses
	unsettled map[int]*linkAddresses // the links whose sources must be chosen again
	arrivals  uint64
	dumps     uint64

	named   map[netip.Addr]bool  // the source addresses in the configuration of instances
	virtual map[netip.Addr]bool  // the addresses that routers share
	global  bool                 // global IPv6 addresses may be sources
	local   map[int][]netip.Addr // the named sources on each loopback link
}

// linkAddresses holds the addresses of one link and the sources chosen among them.
type linkAddresses struct {
	index    int
	list     []knownAddress       // in no order
	position map[netip.Prefix]int // the index of each address in list
	// due is when the sources are chosen again, limit is how far changes may postpone due; both are
	// zero if no address has changed.
	due, limit time.Time
	chosen
}

// knownAddress is an address of a link.
type knownAddress struct {
	Assigned
	arrival uint64 // greater for an address that came later
	dump    uint64 // the last dump that listed it
	source  bool   // the address is one of the chosen sources
}

func newAddresses(s Sources) addresses {
	t := addresses{
		byLink: make(map[int]*linkAddresses), unsettled: make(map[int]*linkAddresses),
	}
	t.configure(s)
	return t
}

// configure takes over the addresses in the configuration, and looks up again which of them each
// loopback link has.
func (t *addresses) configure(s Sources) {
	t.named, t.virtual, t.local = make(map[netip.Addr]bool), make(map[netip.Addr]bool), make(map[int][]netip.Addr)
	for _, ip := range s.Named {
		t.named[ip] = true
	}
	for _, ip := range s.Virtual {
		t.virtual[ip] = true
	}
	t.global = s.Global
}

// anyNamed reports whether the configuration of an instance names its source.
func (t *addresses) anyNamed() bool { return len(t.named) > 0 }

// on returns the addresses of a link, which may have none yet.
func (t *addresses) on(index int) *linkAddresses {
	l := t.byLink[index]
	if l == nil {
		l = &linkAddresses{index: index, position: make(map[netip.Prefix]int)}
		t.byLink[index] = l
	}
	return l
}

// find returns the address with that prefix, or nil.
func (l *linkAddresses) find(p netip.Prefix) *knownAddress {
	if i, ok := l.position[p]; ok {
		return &l.list[i]
	}
	return nil
}

// put adds an address, or updates it.
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

// take removes an address.
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

// postpone postpones the choice of a link's sources to the end of the batch of changes. It reports
// whether this change begins the batch.
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

// dropEmpty deletes the record of a link that has no addresses and no chosen sources.
func (t *addresses) dropEmpty(l *linkAddresses) {
	if len(l.list) == 0 && l.chosen == (chosen{}) {
		delete(t.byLink, l.index)
		delete(t.unsettled, l.index)
	}
}

// beginDump begins the comparison with a dump of all addresses.
func (t *addresses) beginDump() { t.dumps++ }

// sift appends the addresses in a part of the dump that differ from the known ones, and marks all
// addresses in it as listed.
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
