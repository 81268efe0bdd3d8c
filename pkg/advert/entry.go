package advert

import (
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/wire"
)

// entry is one instance in the plan. It outlives the instance's time as Active, so that
// a Message may point to it.
type entry struct {
	deadline.Position // among the entries that are advertised
	instance          string
	frames            Frames
	interval          time.Duration
	bears             time.Duration // the interval that the adverts bear; longer while the pace of before a reload is kept
	miss              int
	counters          *stats.Counters

	rank    uint64    // among those due at one instant: who was planned first
	due     time.Time // when the next advert leaves
	quiet   time.Time // after a stall: nothing is sent before
	grid    time.Time // after a stall or an advert out of turn: an instant of those at which it advertised before
	stalled uint64    // the turn in which it was last found stalled
	armed   bool      // the first advert is for later: it leaves when due

	// begun is set once the kernel took a first advert. Until then cause and given are
	// those of the order that it answers.
	begun bool
	cause event.Cause
	given time.Time

	sequence   wire.Sequence // of the last signed advert
	advertised uint64        // the turn in which it last sent an advert

	refused []int // adverts in a row that the kernel refused, for each copy
	taken   bool  // a copy of the present advert was taken
	whole   bool  // all copies of it were so far
}

// Before orders entries by the instant at which they are due.
func (e *entry) Before(f *entry) bool {
	if order := e.due.Compare(f.due); order != 0 {
		return order < 0
	}
	return e.rank < f.rank
}

// next returns when the advert after one that leaves now is due: on the grid, past now, so
// that lateness does not add up and no adverts leave at once. After a stall that is the grid
// from before, as soon as one advert has left: the stall held back all instances alike,
// which would advertise in one batch for ever, and the last of a thousand milliseconds late.
func (e *entry) next(now time.Time) time.Time {
	from := e.due
	if !e.grid.IsZero() {
		from, e.grid = e.grid, time.Time{}
		now = now.Add(e.slack()) // what is due earlier would leave in this batch, again
	}
	steps := max(now.Sub(from), 0)/e.interval + 1
	return from.Add(steps * e.interval)
}

// keepPhase has the entry return to the instants at which it advertises now, once the next
// advert has left at another one. What a stall holds back, or a check that many instances
// track has advertise at once, would leave in one batch for ever, and the last of a thousand
// milliseconds late.
func (e *entry) keepPhase() {
	if e.grid.IsZero() {
		e.grid = e.due
	}
}

// lateness returns how late an entry has to be to count as stalled. An armed one is
// stalled early: what was verified for an instant that has passed is soon old.
func (e *entry) lateness() time.Duration {
	if e.armed {
		return min(maxArmed, e.interval/4)
	}
	return time.Duration(e.miss) * e.interval
}

// maxArmed bounds how late a first advert may leave on what was found out before.
const maxArmed = 5 * time.Millisecond

// slack returns how much ahead of its time an advert may leave to share a wake-up. The
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

// sign puts the trailer on all copies of an advert that leaves when the wall clock shows
// now. One signature serves them all, since it does not cover where they go. The frames
// are the plan's own, so nothing is allocated.
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
