package advert

import (
	"cmp"
	"math"
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/stats"
	"ripcord/pkg/wire"
)

// Given is an order and the instant at which the loop sent it.
type Given struct {
	Order
	At       time.Time
	Counters *stats.Counters // of the instance; nil if none are kept
}

// Report reports that the plan woke Gap late for an instance and holds its adverts back for one
// interval, or that the loop's lease of age Gap is lost and the instance resigned.
type Report struct {
	Instance  string
	LeaseLost bool // otherwise it is a stall
	Gap       time.Duration
}

// Turn is the work of one turn of a plan: the messages to send now, in this order, and the
// reports for the loop. It is valid until the next turn.
type Turn struct {
	Batch   []Message
	Reports []Report
}

// Plan decides which adverts leave at which instant. In steady state it allocates nothing.
//
// A turn handles leases, stalls, orders and due adverts, in this order. So an order that waited
// in the queue while the process was stopped finds its instance already stalled.
type Plan struct {
	wall    wire.Wall // the clock for the time in signed adverts
	entries map[string]*entry
	queue   deadline.Queue[*entry] // the entries that are advertised
	watch   lease.Watch
	turn    uint64
	now     time.Time // of the turn
	batch   []Message
	reports []Report
	crowd   []*entry // the entries that repeated their adverts in this turn, at their own instants

	// The minimum over all planned entries, so that a turn need not examine each of them.
	minLateness time.Duration
	minLease    time.Duration
	outdated    bool
}

// NewPlan returns an empty plan that signs adverts with the time of a wall clock.
func NewPlan(wall wire.Wall) *Plan { return &Plan{wall: wall, entries: make(map[string]*entry)} }

// Next returns the instant of the next turn, unless orders arrive before; it is false while
// nothing is planned. stamp is the last renewal of the lease.
func (p *Plan) Next(stamp time.Time) (time.Time, bool) {
	if p.queue.Len() == 0 {
		p.watch.Plan(time.Time{})
		return time.Time{}, false
	}
	at := p.queue.First().due
	if end := p.watch.Expiry(stamp, p.minLease); end.Before(at) {
		at = end
	}
	p.watch.Plan(at)
	return at, true
}

// Turn advances the plan to the instant now: stamp is the last renewal of the lease, orders are
// those sent since the last turn.
func (p *Plan) Turn(now, stamp time.Time, orders []Given) Turn {
	p.turn, p.now = p.turn+1, now
	if len(p.crowd) > crowded { // the crowd is spread now, and such a large batch is rare
		p.batch, p.crowd = nil, nil
	}
	p.batch, p.reports = p.batch[:0], p.reports[:0]
	p.watch.Woke(now)
	p.endLeases(now, stamp)
	p.findStalls(now)
	for i := range orders {
		p.watch.Seen(now) // a loop that sends orders does not hang
		p.carryOut(&orders[i], now)
	}
	p.repeat(now)
	p.recount()
	return Turn{p.batch, p.reports}
}

// endLeases resigns the instances whose lease of the loop is lost.
func (p *Plan) endLeases(now, stamp time.Time) {
	if p.queue.Len() == 0 || !p.watch.Expired(now, stamp, p.minLease) {
		return
	}
	gap := p.watch.Age(now, stamp)
	p.keep(func(e *entry) bool {
		if !p.watch.Expired(now, stamp, lease.Limit(e.miss, e.interval)) {
			return true
		}
		if !e.armed {
			p.resign(e, event.Cause{}, now)
			p.reports = append(p.reports, Report{Instance: e.instance, LeaseLost: true, Gap: gap})
		}
		return false
	})
}

// findStalls holds back for one interval the entries that are later than their own miss
// intervals: another router may be the Active by now. An entry that is only armed for its first
// advert is dropped.
func (p *Plan) findStalls(now time.Time) {
	if p.queue.Len() == 0 || now.Sub(p.queue.First().due) <= p.minLateness {
		return
	}
	p.keep(func(e *entry) bool {
		late := now.Sub(e.due)
		switch {
		case late <= e.lateness():
		case e.armed:
			return false
		default:
			p.stall(e, now, late)
		}
		return true
	})
}

// stall holds an entry back while the state machine listens: the others advertise at the interval
// in the adverts.
func (p *Plan) stall(e *entry, now time.Time, gap time.Duration) {
	e.keepPhase()
	e.due = now.Add(e.advertised)
	e.quiet, e.stalled = e.due, p.turn
	p.reports = append(p.reports, Report{Instance: e.instance, Gap: gap})
}

// holdBack holds the adverts of an entry back until an instant, unless a stall of the engine holds
// them back for longer.
func (p *Plan) holdBack(e *entry, until time.Time) {
	if e.armed || !until.After(e.quiet) {
		return
	}
	e.quiet = until
	if e.due.Before(until) {
		e.keepPhase()
		e.due = until
		p.queue.Put(e)
		p.outdated = true
	}
}

func (p *Plan) carryOut(o *Given, now time.Time) {
	e := p.entries[o.Instance]
	planned := e != nil && e.Queued()
	switch {
	case o.Kind == Start && planned && !e.armed:
		moved := e.frames.Source != o.Advert.Source
		p.take(o)
		p.outdated = true
		if moved { // a Backup that probes the old address would take this machine for dead
			p.advertiseNow(e, now)
		}
	case o.Kind == Start:
		if planned {
			p.remove(e)
		}
		p.start(o, now)
	case o.Kind == Probe && !planned:
		p.probe(o)
	case !planned:
		// It has resigned already, or never started: no advert may follow.
	case o.Kind == Now:
		p.advertiseNow(e, now)
	case o.Kind == HoldBack:
		p.holdBack(e, o.When)
	case o.Kind == Resign, o.Kind == Disarm:
		p.remove(e)
		if !e.armed && e.stalled != p.turn { // otherwise the order is from before the pause
			p.resign(e, o.Cause, o.At)
		}
	case o.Kind == Mute:
		p.remove(e)
		p.unsend(e)
	}
}

// take returns the entry of an instance, updated with the frames of an order.
func (p *Plan) take(o *Given) *entry {
	e := p.entries[o.Instance]
	if e == nil {
		e = &entry{instance: o.Instance, rank: uint64(len(p.entries))}
		p.entries[o.Instance] = e
	}
	e.frames, e.interval, e.advertised, e.miss = o.Advert, o.Interval, max(o.Advertised, o.Interval), o.Miss
	e.counters = o.Counters
	for len(e.refused) < len(o.Advert.Copies) {
		e.refused = append(e.refused, 0)
	}
	return e
}

func (p *Plan) start(o *Given, now time.Time) {
	e := p.take(o)
	e.quiet, e.grid, e.begun, e.cause, e.given = time.Time{}, time.Time{}, false, o.Cause, o.At
	e.due, e.armed = now.Add(e.interval), false
	if !o.When.IsZero() {
		e.due, e.armed, e.given = o.When, true, o.When
		if now.Sub(e.due) > e.lateness() {
			return
		}
	}
	p.queue.Put(e)
	p.outdated = true
	if e.armed {
		return // it is due now or later
	}
	if late := now.Sub(o.At); late > e.lateness() {
		p.stall(e, now, late) // the order is from before a pause
		return
	}
	p.advertise(e, 0)
}

func (p *Plan) remove(e *entry) {
	p.queue.Remove(e)
	p.outdated = true
}

// keep removes the entries for which kept returns false.
func (p *Plan) keep(kept func(*entry) bool) {
	p.queue.Keep(kept)
	p.outdated = true
}

// repeat sends the adverts that are due, or due within their slack.
func (p *Plan) repeat(now time.Time) {
	if p.queue.Len() == 0 || p.queue.First().due.After(now) {
		return
	}
	p.crowd = p.crowd[:0]
	for {
		e := p.queue.First()
		late := now.Sub(e.due)
		if late < -e.slack() {
			break
		}
		p.advertise(e, late)
		if e.grid.IsZero() {
			p.crowd = append(p.crowd, e)
		}
		e.due = e.next(now)
		p.queue.Put(e)
	}
	if len(p.crowd) > crowded {
		p.spread(now)
	}
}

// Instances that took over together would advertise in one batch for ever. The kernel sends a
// thousand adverts in 10 ms, so the last would be a tenth of that late whenever the machine is a
// little slower. More than crowded entries are spread over batches of at most BatchSize: half that
// size halves p99 of the lateness, from 0.5 ms, and costs the Active a tenth more CPU and the
// Backup a fifth, in wake-ups.
const (
	BatchSize = 256
	crowded   = BatchSize + BatchSize/2
)

// spread advances the next adverts of the crowd, each batch to another part of the interval,
// since an advert may be early and never late. The batches have about the same size, and each covers
// as few links as possible: each link costs the sender a system call, and the receivers a wake-up.
func (p *Plan) spread(now time.Time) {
	slices.SortStableFunc(p.crowd, func(e, f *entry) int { return cmp.Compare(e.frames.Index, f.frames.Index) })
	batches := (len(p.crowd) + BatchSize - 1) / BatchSize
	for i := range batches {
		batch := p.crowd[i*len(p.crowd)/batches : (i+1)*len(p.crowd)/batches]
		left := slices.MinFunc(batch, func(e, f *entry) int { return e.due.Compare(f.due) }).due.Sub(now)
		for _, e := range batch {
			e.due = now.Add(left * time.Duration(batches-i) / time.Duration(batches))
			p.queue.Put(e)
		}
	}
}

func (p *Plan) advertise(e *entry, late time.Duration) {
	e.sentIn = p.turn
	if e.armed || e.heldBack() {
		e.armed, p.outdated = false, true
	}
	m := Message{Occasion: Repeat, Late: late}
	if !e.begun {
		m.Occasion, m.Cause, m.Given = First, e.cause, e.given
	}
	p.send(e, m)
}

// advertiseNow sends an advert ahead of time, unless the entry is held back, waits for its first
// advert, or already has one in this batch.
func (p *Plan) advertiseNow(e *entry, now time.Time) {
	if now.Before(e.quiet) || e.armed || e.sentIn == p.turn {
		return
	}
	p.advertise(e, 0)
	e.keepPhase()
	e.due = now.Add(e.interval)
	p.queue.Put(e)
}

func (p *Plan) resign(e *entry, cause event.Cause, given time.Time) {
	p.send(e, Message{Occasion: Resignation, Cause: cause, Given: given})
}

func (p *Plan) probe(o *Given) {
	p.send(p.take(o), Message{Occasion: Trial, Cause: o.Cause, Given: o.At})
}

// recount computes the minimum lateness and lease again after the entries have changed.
func (p *Plan) recount() {
	if !p.outdated {
		return
	}
	p.outdated = false
	p.minLateness, p.minLease = math.MaxInt64, math.MaxInt64
	for e := range p.queue.All {
		p.minLateness = min(p.minLateness, e.lateness())
		p.minLease = min(p.minLease, lease.Limit(e.miss, e.interval))
	}
}
