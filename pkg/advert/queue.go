package advert

import (
	"container/heap"
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// entry is what the plan knows of one instance. It outlives the instance's time
// as Active, so that a Message may point to it.
type entry struct {
	instance string
	frames   Frames
	interval time.Duration
	miss     int

	rank      uint64    // among those due at one instant: who was planned first
	due       time.Time // when the next advert leaves
	heapIndex int       // in the queue; -1 while it is not planned
	quiet     time.Time // after a stall: nothing is sent before
	stalled   uint64    // the turn in which it was last found stalled
	armed     bool      // the first advert is for later: it leaves when due

	// What its first advert answers, until one was taken by the kernel.
	begun bool
	cause event.Cause
	given time.Time

	sequence   wire.Sequence // of the last signed advert
	advertised uint64        // the turn in which it last sent an advert

	refused []int // adverts in a row that the kernel refused, for each copy
	taken   bool  // a copy of the present advert was taken
}

// lateness is how late an entry must be before it counts as stalled. What was
// verified for an instant that has passed is soon old.
func (e *entry) lateness() time.Duration {
	if e.armed {
		return min(maxArmed, e.interval/4)
	}
	return time.Duration(e.miss) * e.interval
}

// maxArmed bounds how late a first advert may leave on what was found out before.
const maxArmed = 5 * time.Millisecond

// slack is how much ahead of its time an advert may leave to share a wake-up. The
// first may not: the Active has until then.
func (e *entry) slack() time.Duration {
	if e.armed {
		return 0
	}
	return min(maxSlack, e.interval/20)
}

// maxSlack bounds the slack. A wake-up costs more than a packet: at 10,000
// adverts a second, one wake-up each takes six times the CPU of slots of 20.
const maxSlack = time.Millisecond

// queue holds the planned entries as a heap, the earliest due first.
type queue []*entry

// Len is part of heap.Interface.
func (q queue) Len() int { return len(q) }

// Less is part of heap.Interface.
func (q queue) Less(i, j int) bool {
	if order := q[i].due.Compare(q[j].due); order != 0 {
		return order < 0
	}
	return q[i].rank < q[j].rank
}

// Swap is part of heap.Interface.
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].heapIndex, q[j].heapIndex = i, j
}

// Push is part of heap.Interface.
func (q *queue) Push(x any) {
	e := x.(*entry)
	e.heapIndex = len(*q)
	*q = append(*q, e)
}

// Pop is part of heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	e.heapIndex = -1
	return e
}

// keep takes out of the queue what is not kept.
func (p *Plan) keep(kept func(*entry) bool) {
	all := p.queue
	p.queue = all[:0]
	for _, e := range all {
		if e.heapIndex = -1; kept(e) {
			e.heapIndex = len(p.queue) // where Init finds it
			p.queue = append(p.queue, e)
		}
	}
	clear(all[len(p.queue):])
	heap.Init(&p.queue)
	p.outdated = true
}

// Occasion says why a Message leaves.
type Occasion uint8

// The occasions.
const (
	Repeat      Occasion = iota // the next of a row, or Now
	First                       // the first since Start
	Resignation                 // priority 0
	Trial                       // Probe
)

// String gives the word of the log; "repeat" is not logged.
func (o Occasion) String() string { return [...]string{"repeat", "first", "resign", "probe"}[o] }

// Message is one advert for a Sender to hand to the kernel.
type Message struct {
	Instance string
	Occasion Occasion
	Index    int        // ifindex to send on
	Source   netip.Addr // its family is the message's
	To       netip.Addr
	HopLimit uint8
	Header   []byte // Frames.Header
	Payload  []byte // the VRRP message, without IP header
	// Late is how long after its instant a Repeat leaves; negative where it
	// leaves early to share a wake-up.
	Late time.Duration
	// Err is for the Sender to set: why the kernel refused it, or nil.
	Err error

	cause event.Cause
	given time.Time // when the order was given; for a lost lease, when it was found
	entry *entry
	copy  int  // which of the copies of its advert it is
	last  bool // it is the last of them
}

// Settled is what became of a Message, for its destination and for its advert.
type Settled struct {
	Before, Now int  // adverts in a row that the kernel refused to send to that destination, before this one and now
	Last        bool // all copies of the advert are settled
	Taken       bool // one of them was taken
}

// Settle notes in its instance's account what became of the message (Err). Each
// destination counts for itself: an advert that reached one peer has not reached
// the others.
func (m *Message) Settle() Settled {
	e := m.entry
	if m.copy == 0 {
		e.taken = false
	}
	n := &e.refused[m.copy]
	before := *n
	if *n++; m.Err == nil {
		*n, e.taken = 0, true
	}
	e.begun = e.begun || e.taken && m.Occasion == First && m.last
	return Settled{Before: before, Now: *n, Last: m.last, Taken: e.taken}
}

// Probed is the result of a probe, of which m was the last copy, once that is settled.
func (m *Message) Probed(cause event.Cause) vrrp.Probed {
	out := vrrp.Probed{Cause: cause, Instance: m.Instance}
	for i, c := range m.entry.frames.Copies {
		if m.entry.refused[i] > 0 {
			out.Refused = append(out.Refused, c.To)
		}
	}
	return out
}
