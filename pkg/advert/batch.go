package advert

import (
	"time"

	"ripcord/pkg/wire"
)

// send adds the copies of an advert, which are what m begins, signed if they have
// to be: a turn sends the advert and the resignation of an entry once at most, so
// none is signed anew while it waits in the batch.
func (p *Plan) send(e *entry, m Message) {
	f := &e.frames
	if f.Key != nil {
		e.sign(p.now.Add(p.Ahead), m.Occasion == Resignation)
	}
	m.Instance, m.entry, m.Index, m.Source, m.HopLimit, m.Header = e.instance, e, f.Index, f.Source, f.HopLimit, f.Header
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

// sign puts the trailer on all copies of an advert that leaves at the instant now,
// by its wall clock. One signature serves them all, since it does not cover where
// they go. The frames are the plan's own, so nothing is allocated.
func (e *entry) sign(now time.Time, resign bool) {
	f := &e.frames
	e.sequence = e.sequence.Next(now, f.Window)
	var trailer []byte
	for i := range f.Copies {
		c := &f.Copies[i]
		b := c.Advert
		if resign {
			b = c.Resign
		}
		if i == 0 {
			f.Key.Sign(b, f.Source, e.sequence)
			trailer = b[len(b)-wire.TrailerLen:]
		} else {
			copy(b[len(b)-wire.TrailerLen:], trailer)
		}
		wire.Cover(b, f.Source, c.To)
	}
}
