package send

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/stats"
	"ripcord/pkg/thread"
	"ripcord/pkg/vrrp"
)

// Sender passes messages to the kernel. It tries every message, whatever the result for previous
// ones, never blocks, and sets Err of each.
type Sender interface {
	Send(batch []advert.Message)
	// Open prepares for the adverts of an instance that will be sent, and closes what it had
	// prepared for its earlier ones.
	Open(instance string, f *advert.Frames)
}

// Waiter suspends the engine and wakes it.
type Waiter interface {
	// WaitUntil returns at t, or soon after Wake. The zero time means never. It may also return
	// without a reason.
	WaitUntil(t time.Time)
	// Wake ends the present WaitUntil, or else the next one; it never blocks and may be called
	// from any goroutine.
	Wake()
}

// Record keeps the facts about our adverts that the next daemon needs. It is called on the path
// that keeps time: no method blocks or allocates.
type Record interface {
	// Sent records an advert that left to all its destinations.
	Sent(instance string, priority uint8, at time.Time)
	// Silent records, before a resignation, that no advert follows.
	Silent(instance string)
}

// Config has everything that an Engine needs. Only Late and Record may be nil.
type Config struct {
	Stats   stats.Book
	Lease   *lease.Lease // renewed by the loop that sends the orders
	Sender  Sender
	Waiter  Waiter
	Results *bus.Topic[vrrp.Result]
	Events  *bus.Topic[event.Event]
	Minter  *event.Minter
	Now     func() time.Time // its wall clock is used in signed adverts
	// Late, if not nil, is called for each advert that follows another, with the time from its
	// instant until the kernel had it. It is called on the path that keeps time: it must neither
	// block nor allocate.
	Late func(time.Duration)
	// Threads raises the priority of the engine's thread.
	Threads thread.Raiser
	Record  Record
}

// Engine repeats adverts until an order ends it.
type Engine struct {
	cfg    Config
	plan   *advert.Plan
	taken  []advert.Given
	logged map[string]failures // logged failures, by instance

	turns atomic.Uint64

	mu      sync.Mutex
	pending []advert.Given
}

// New returns an engine that does nothing until Run.
func New(cfg Config) *Engine {
	cfg.Stats = stats.OrEmpty(cfg.Stats)
	return &Engine{cfg: cfg, plan: advert.NewPlan(nil), logged: make(map[string]failures)}
}

// Do sends orders to the engine. The adverts of one call leave in one batch, in order.
func (e *Engine) Do(orders ...advert.Order) {
	now := e.cfg.Now()
	e.mu.Lock()
	for _, o := range orders {
		e.pending = append(e.pending, advert.Given{Order: o, At: now, Counters: e.cfg.Stats.Of(o.Instance)})
	}
	e.mu.Unlock()
	e.cfg.Waiter.Wake()
}

// Run keeps time until ctx ends, and then carries out the orders that were sent before: the
// router has resigned by then. Its error is always nil.
func (e *Engine) Run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer e.raisePriority(ctx)()

	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		e.cfg.Waiter.Wake()
		close(woken)
	})
	defer func() {
		if !stop() {
			<-woken
		}
	}()

	for {
		ended := ctx.Err() != nil
		e.turn()
		if ended {
			return nil
		}
		at, _ := e.plan.Next(e.cfg.Lease.Last())
		e.cfg.Waiter.WaitUntil(at)
	}
}

// Turns returns the number of turns of the engine. It turns at least once after each Wake, unless
// it hangs.
func (e *Engine) Turns() uint64 { return e.turns.Load() }

// Wake makes the engine turn.
func (e *Engine) Wake() { e.cfg.Waiter.Wake() }

func (e *Engine) turn() {
	defer e.turns.Add(1)
	e.mu.Lock()
	e.taken, e.pending = e.pending, e.taken[:0]
	e.mu.Unlock()

	now := e.cfg.Now()
	turn := e.plan.Turn(now, e.cfg.Lease.Last(), e.taken)
	if e.cfg.Record != nil {
		e.recordSilence(turn.Reports)
	}
	if len(turn.Batch) > 0 {
		e.cfg.Sender.Send(turn.Batch)
		e.settle(now)
	}
	for _, r := range turn.Reports {
		e.report(r, now)
	}
	e.open()
}

// recordSilence records which instances fall silent in this turn, before their resignations:
// after a crash between the two, the next daemon must not adopt them.
func (e *Engine) recordSilence(reports []advert.Report) {
	for i := range e.taken {
		switch o := &e.taken[i]; o.Kind {
		case advert.Resign, advert.Mute, advert.Disarm:
			e.cfg.Record.Silent(o.Instance)
		}
	}
	for _, r := range reports {
		if r.LeaseLost {
			e.cfg.Record.Silent(r.Instance)
		}
	}
}

// open makes the sender open its sockets for the orders. Adverts that leave at once have left by
// now: opening a socket for a new link must not delay the others.
func (e *Engine) open() {
	for i := range e.taken {
		if o := &e.taken[i]; o.Kind == advert.Start || o.Kind == advert.Probe {
			e.cfg.Sender.Open(o.Instance, &o.Advert)
		}
	}
	if clear(e.taken); cap(e.taken) > fewOrders { // releases replaced frames
		e.taken = nil
	}
}

// fewOrders is the number of orders for which memory is kept. More arrive at once when many
// instances move, which is rare.
const fewOrders = 64

// settle counts the outcomes of the batch of the turn that began at begun, and reports failures.
// In steady state nothing is published.
func (e *Engine) settle(begun time.Time) {
	var sent time.Time // when the kernel had the batch; read once, if at all
	at := func() time.Time {
		if sent.IsZero() {
			sent = e.cfg.Now()
		}
		return sent
	}
	for m, s := range e.plan.Settle {
		switch {
		case m.Err != nil:
			e.failed(m, s, at())
		case s.Before > 0:
			e.cfg.Results.Publish(vrrp.Sends{Cause: e.cfg.Minter.Cause(at()), Instance: m.Instance, To: m.To})
			fallthrough
		default:
			count(m)
		}
		if s.Whole && e.cfg.Record != nil && (m.Occasion == advert.First || m.Occasion == advert.Repeat) {
			e.cfg.Record.Sent(m.Instance, m.Priority(), begun)
		}
		if s.Last && (m.Occasion == advert.Trial || m.Occasion == advert.First) {
			e.cfg.Results.Publish(e.plan.Probed(m, e.cfg.Minter.Cause(at())))
		}
		if !s.Last || !s.Taken {
			continue
		}
		if m.Occasion != advert.Repeat {
			e.cfg.Events.Publish(event.AdvertSent{
				Stamp:    event.Stamp{Cause: m.Cause, At: at()},
				Instance: m.Instance, Kind: m.Occasion.String(), Took: at().Sub(m.Given),
			})
		} else if e.cfg.Late != nil {
			e.cfg.Late(max(m.Late+at().Sub(begun), 0))
		}
	}
}

func count(m *advert.Message) {
	if m.Counters == nil {
		return
	}
	m.Counters.Add(stats.AdvertisementSent)
	if m.Occasion == advert.Resignation {
		m.Counters.Add(stats.PriorityZeroSent)
	}
}

// failures counts the logged failures of an instance.
type failures struct {
	since time.Time // the first of the present window
	lines int       // logged in that window
}

// logEvery and logAtMost limit how often failures of one instance are logged: a queue that drains
// only occasionally refuses several in a row again and again.
const (
	logEvery  = 10 * time.Second
	logAtMost = 5
)

// failed reports a copy that the kernel refused.
func (e *Engine) failed(m *advert.Message, s advert.Outcome, now time.Time) {
	inRow := s.Now
	cause := e.cfg.Minter.Cause(now)
	e.cfg.Results.Publish(vrrp.Sends{Cause: cause, Instance: m.Instance, To: m.To, InRow: inRow, Err: m.Err.Error()})
	last, ok := e.logged[m.Instance]
	soon := ok && now.Sub(last.since) < logEvery && m.Occasion != advert.Resignation
	if soon && (inRow != s.Miss || last.lines >= logAtMost) { // the failure that makes the instance silent is logged
		return
	}
	if !soon {
		last = failures{since: now}
	}
	last.lines++
	e.logged[m.Instance] = last
	e.cfg.Events.Publish(event.AdvertFailed{
		Stamp:    event.Stamp{Cause: cause, At: now},
		Instance: m.Instance, Err: m.Err.Error(), Count: inRow, Silent: inRow >= s.Miss,
	})
}

// report publishes a result for the loop. A loop whose lease is lost reads it only when it runs
// again, so the event is published here.
func (e *Engine) report(r advert.Report, now time.Time) {
	cause := e.cfg.Minter.Cause(now)
	if !r.LeaseLost {
		e.cfg.Results.Publish(vrrp.Stalled{Cause: cause, Instance: r.Instance, Gap: r.Gap})
		return
	}
	e.cfg.Results.Publish(vrrp.LeaseLost{Cause: cause, Instance: r.Instance, Gap: r.Gap, Resigned: true})
	e.cfg.Events.Publish(event.EngineLease{
		Stamp: event.Stamp{Cause: cause, At: now}, Instance: r.Instance, Gap: r.Gap,
		Done: "resigned; the addresses are removed",
	})
}
