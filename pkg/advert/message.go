package advert

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// Occasion is why a Message is sent.
type Occasion uint8

// The occasions.
const (
	Repeat      Occasion = iota // the next of a series, or Now
	First                       // the first after Start
	Resignation                 // priority 0
	Trial                       // Probe
)

// String returns the word of the log; "repeat" is not logged.
func (o Occasion) String() string { return [...]string{"repeat", "first", "resign", "probe"}[o] }

// Message is one advert for a Sender to hand to the kernel.
type Message struct {
	Instance string
	Counters *stats.Counters // Given.Counters
	Occasion Occasion
	Index    int        // ifindex of the link
	Source   netip.Addr // source address, of the family of the message
	To       netip.Addr
	HopLimit uint8
	Header   []byte // Frames.Header
	Payload  []byte // the VRRP message, without IP header
	// Late is how long after its instant a Repeat leaves; negative if it leaves early to share a
	// wake-up.
	Late time.Duration
	// Err is set by the Sender: why the kernel refused the message, or nil.
	Err error

	Cause event.Cause
	Given time.Time // when the order was sent; for a lost lease, when the loss was found
	entry *entry
	copy  int  // the index of the copy
	last  bool // it is the last copy of its advert
}

// Priority returns the priority in the advert.
func (m *Message) Priority() uint8 { return wire.PriorityOf(m.Payload) }

// Outcome is the result of sending a Message, for its destination and for its advert.
type Outcome struct {
	Before, Now int  // adverts in a row to that destination that the kernel refused, without and with this one
	Miss        int  // the number of them that makes the instance silent for other routers
	Last        bool // all copies of the advert have a result
	Taken       bool // the kernel accepted one of them
	Whole       bool // the kernel accepted all of them
}

// send adds the copies of an advert to the batch, based on m, and signs them if necessary. A turn
// sends the advert and the resignation of an entry once at most, so none is signed again while it
// waits in the batch.
func (p *Plan) send(e *entry, m Message) {
	f := &e.frames
	if f.Key != nil {
		e.sign(p.wall.At(p.now), m.Occasion == Resignation)
	}
	m.Instance, m.Counters, m.entry = e.instance, e.counters, e
	m.Index, m.Source, m.HopLimit, m.Header = f.Index, f.Source, f.HopLimit, f.Header
	for i := range f.Copies {
		c := &f.Copies[i]
		m.To, m.Payload = c.To, c.Advert
		if m.Occasion == Resignation {
			m.Payload = c.Resign
		}
		m.copy, m.last = i, i == len(f.Copies)-1
		p.batch = append(p.batch, m)
	}
}

// unsend removes the messages of an instance from this turn's batch.
func (p *Plan) unsend(e *entry) {
	kept := p.batch[:0]
	for _, m := range p.batch {
		if m.entry != e {
			kept = append(kept, m)
		}
	}
	p.batch = kept
}

// Settle counts the results of the last turn's batch, once the Sender has set its errors, and
// calls yield for each message with its outcome. Each destination is counted separately: an
// advert that reached one peer has not reached the others.
func (p *Plan) Settle(yield func(*Message, Outcome) bool) {
	for i := range p.batch {
		if m := &p.batch[i]; !yield(m, m.entry.settle(m)) {
			return
		}
	}
}

func (e *entry) settle(m *Message) Outcome {
	if m.copy == 0 {
		e.taken, e.whole = false, true
	}
	n := &e.refused[m.copy]
	before := *n
	if *n++; m.Err == nil {
		*n, e.taken = 0, true
	} else {
		e.whole = false
	}
	e.begun = e.begun || e.taken && m.Occasion == First && m.last
	return Outcome{Before: before, Now: *n, Miss: e.miss, Last: m.last, Taken: e.taken, Whole: e.whole && m.last}
}

// Probed returns the result of a probe or of a first advert, whose last copy was m.
func (p *Plan) Probed(m *Message, cause event.Cause) vrrp.Probed {
	out := vrrp.Probed{Cause: cause, Instance: m.Instance}
	if m.Err != nil {
		out.Err = m.Err.Error()
	}
	for i, c := range m.entry.frames.Copies {
		if m.entry.refused[i] > 0 {
			out.Refused = append(out.Refused, c.To)
		}
	}
	return out
}
