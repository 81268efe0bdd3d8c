package advert

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// Occasion is the reason why a Message leaves.
type Occasion uint8

// The occasions.
const (
	Repeat      Occasion = iota // the next of a row, or Now
	First                       // the first since Start
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
	Index    int        // ifindex to send on
	Source   netip.Addr // its family is the message's
	To       netip.Addr
	HopLimit uint8
	Header   []byte // Frames.Header
	Payload  []byte // the VRRP message, without IP header
	// Late is how long after its instant a Repeat leaves; negative where it
	// leaves early to share a wake-up.
	Late time.Duration
	// Err is set by the Sender: why the kernel refused it, or nil.
	Err error

	Cause event.Cause
	Given time.Time // when the order was given; for a lost lease, when it was found
	entry *entry
	copy  int  // which of the copies of its advert it is
	last  bool // it is the last of them
}

// Priority returns the priority that an advert bears.
func (m *Message) Priority() uint8 { return wire.PriorityOf(m.Payload) }

// Outcome is what became of a Message, for its destination and for its advert.
type Outcome struct {
	Before, Now int  // adverts in a row that the kernel refused to send to that destination, before this one and now
	Miss        int  // so many of them make the instance silent to the others
	Last        bool // all copies of the advert are settled
	Taken       bool // one of them was taken
	Whole       bool // all of them were
}

// send adds the copies of an advert, which are what m begins, signed if they have
// to be: a turn sends the advert and the resignation of an entry once at most, so
// none is signed anew while it waits in the batch.
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

// unsend takes back what this turn would have sent for an instance.
func (p *Plan) unsend(e *entry) {
	kept := p.batch[:0]
	for _, m := range p.batch {
		if m.entry != e {
			kept = append(kept, m)
		}
	}
	p.batch = kept
}

// Settle accounts for the batch of the last turn, once the Sender has set its errors, and
// calls yield for each message with its outcome. Each destination has an account of its own:
// an advert that reached one peer has not reached the others.
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

// Probed returns the result of a probe or of a first advert, of which m was the last copy.
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
