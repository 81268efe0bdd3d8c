package advert

import (
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/wire"
)

// entry is one instance in the plan. It is kept after the instance ceases to be Active, so that a
// Message may point to it.
type entry struct {
	deadline.Position // the position in the queue of advertised entries
	instance          string
	frames            Frames
	interval          time.Duration
	advertised        time.Duration // the interval in the adverts; longer than interval while the old one is kept after a reload
	miss              int
	counters          *stats.Counters

	rank    uint64    // the order among entries due at one instant: that in which they were planned
	due     time.Time // when the next advert leaves
	quiet   time.Time // no advert leaves before it, while the state machine listens after a stall
	grid    time.Time // after a stall or an extra advert: one of the instants at which it advertised before
	stalled uint64    // the turn of its last stall
	armed   bool      // the first advert is for a later instant, due

	// begun is set once the kernel has accepted a first advert. Until then cause and given are
	// those of the order to start.
	begun bool
	cause event.Cause
	given time.Time

	sequence wire.Sequence // of the last signed advert
	sentIn   uint64        // the turn in which it last sent an advert

	refused []int // adverts in a row that the kernel refused, for each copy
	taken   bool  // a copy of the present advert was accepted
	whole   bool  // all copies of it were accepted so far
}

// Before orders entries by the instant at which they are due.
func (e *entry) Before(f *entry) bool {
	if order := e.due.Compare(f.due); order != 0 {
		return order < 0
	}
	return e.rank < f.rank
}

// next returns when the advert after one that leaves now is due: at the first instant of the grid
// after now, so that lateness does not add up and no two adverts leave at once. After a stall
// that is the grid from before the stall, once one advert has left: a stall delays all
// instances by the same time; otherwise they would advertise in one batch for ever, and the last of a
// thousand would be milliseconds late.
func (e *entry) next(now time.Time) time.Time {
	from := e.due
	if !e.grid.IsZero() {
		from, e.grid = e.grid, time.Time{}
		now = now.Add(e.slack()) // an advert that is due earlier would again leave in this batch
	}
	steps := max(now.Sub(from), 0)/e.interval + 1
	return from.Add(steps * e.interval)
}

// keepPhase makes the entry return to its present instants once the next advert has left at
// another one. Otherwise instances that were held back by a stall, or that advertise at once
// because of a check that all of them track, would leave in one batch for ever, the last of a
// thousand milliseconds late.
func (e *entry) keepPhase() {
	if e.grid.IsZero() {
		e.grid = e.due
	}
}

// heldBack reports whether the next advert is the first one after a stall.
func (e *entry) heldBack() bool { return e.due.Equal(e.quiet) }

// lateness returns how late an entry must be to count as stalled. An armed entry counts as
// stalled early, because the verification of its takeover is soon outdated. So does an entry that is
// held back: another stall interrupted the listening.
func (e *entry) lateness() time.Duration {
	missed := time.Duration(e.miss) * e.interval
	switch {
	case e.armed:
		return min(maxArmed, e.interval/4)
	case e.heldBack():
		return min(maxHeldBack, missed)
	}
	return missed
}

const (
	// maxArmed bounds how late a first advert may leave after its verification.
	maxArmed = 5 * time.Millisecond
	// maxHeldBack bounds how late the first advert after a stall may leave. The loop counts a
	// wake-up that is as late as a stall, too.
	maxHeldBack = 30 * time.Millisecond
)

// slack returns how early an advert may leave to share a wake-up. The first advert may not leave
// early, since the Active has until then.
func (e *entry) slack() time.Duration {
	if e.armed {
		return 0
	}
	return min(maxSlack, e.interval/20)
}

// maxSlack bounds the slack. A wake-up costs more than a packet: at 10,000 adverts a second, a
// wake-up for each advert takes six times the CPU of one for each 20 adverts.
const maxSlack = time.Millisecond

// sign writes the trailer into all copies of an advert that leaves when the wall clock shows now.
// They share one signature, since it does not cover the destination. The frames belong to the
// plan, so nothing is allocated.
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
