package router

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ripcord/pkg/addr"
	"ripcord/pkg/advert"
	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// Config is what a Router is made of.
type Config struct {
	Groups []vrrp.Group
	Stats  stats.Book

	Links   *bus.Retained[string, event.Link]
	Heard   *bus.Topic[vrrp.Heard]
	Results *bus.Topic[vrrp.Result]
	Events  *bus.Topic[event.Event]
	// Warnings takes those of the groups.
	Warnings *event.Warnings

	Engine    Engine
	Addresses Addresses
	Receiver  Receiver
	Confirmer Confirmer
	Fencer    Fencer  // needed where a group has a fence
	Watcher   Watcher // needed where an instance watches the machine of its Active

	Lease  *lease.Lease
	Minter *event.Minter
	Alarm  Alarm
	Now    func() time.Time
}

// Engine carries out orders for adverts. Do never blocks.
type Engine interface{ Do(...advert.Order) }

// Addresses carries out orders for addresses, one after another. No method blocks.
type Addresses interface {
	Do(...addr.Order)
	// Ask asks the stations on some links to answer: one order more.
	Ask(links ...string)
	// Executed returns how many of the orders have been carried out.
	Executed() uint64
}

// Receiver drains its sockets when asked, and answers the ticket on Results. It reports each
// advert on Heard, or where it is to summarize, one now and then of those that repeat the last
// one. Neither method blocks.
type Receiver interface {
	Verify(ticket uint64)
	Summarize(...vrrp.Summarize)
}

// Confirmer asks the kernel for the carrier of some links, once when it is
// asked to verify, and again and again while they are engaged. Neither blocks.
type Confirmer interface {
	Verify(ticket uint64, links []string)
	Engage(links []string)
}

// Fencer runs fence commands, and answers each by a vrrp.Fenced on Results. Fence never
// blocks.
type Fencer interface{ Fence(vrrp.RunFence) }

// Watcher watches the machines of Actives, and reports each change by a vrrp.Watched on Results.
// Watch never blocks.
type Watcher interface{ Watch(...vrrp.Watch) }

// Alarm wakes the loop at an instant. Set replaces the instant before; C is
// readable once it has come.
type Alarm interface {
	Set(at time.Time)
	C() <-chan struct{}
	Run(ctx context.Context) error
}

// Bounds of the backlogs: adverts of one sender, adverts in all. A receiver that summarizes reports
// up to 16384 virtual routers at once (pkg/repeatfilter), and none of these may be lost: the next
// report is as many intervals away as may be missed.
const (
	advertsPerSender = 4
	advertsInAll     = 32768
)

// noticeable is how late the loop must wake to take it for a stall: three of the shortest
// intervals.
const noticeable = 30 * time.Millisecond

// Router is Core with a loop. Make it with New.
type Router struct {
	cfg     Config
	core    *Core
	bell    bus.Bell
	links   *bus.Merged[string, event.Link]
	heard   *bus.Recent[vrrp.Sender, vrrp.Heard]
	results *bus.Recent[vrrp.ResultKey, vrrp.Result]
	status  atomic.Pointer[[]atomic.Pointer[vrrp.GroupStatus]]
	reloads chan reload
	turns   atomic.Uint64
	engaged bool      // the confirmer knows which links matter
	wake    time.Time // what the alarm is set to: the loop means to be awake by then

	started   chan struct{}  // closed once all groups have started
	adopted   []vrrp.Adopted // groups that go on as Active, for Run
	handsOver atomic.Bool    // groups stay as they are at the end
}

// New returns a router that has subscribed to all it must know, and does
// nothing until it runs.
func New(cfg Config) *Router {
	now := cfg.Now()
	cfg.Stats = stats.OrEmpty(cfg.Stats)
	r := &Router{
		cfg: cfg, core: NewCore(cfg.Groups, cfg.Minter, now), bell: bus.NewBell(),
		reloads: make(chan reload, 1), started: make(chan struct{}),
	}
	r.links = cfg.Links.Subscribe(r.bell)
	r.heard = bus.SubscribeRecent[vrrp.Sender](cfg.Heard, r.bell, advertsPerSender, advertsInAll)
	r.results = bus.SubscribeRecent[vrrp.ResultKey](cfg.Results, r.bell, 1, 1<<20)
	r.show(now)
	return r
}

// Groups is a snapshot of all groups, in the order of the configuration.
func (r *Router) Groups() []*vrrp.GroupStatus {
	status := *r.status.Load()
	all := make([]*vrrp.GroupStatus, len(status))
	for i := range status {
		all[i] = status[i].Load()
	}
	return all
}

// Adopt has some groups go on as Active where another daemon has left off: the addresses worker
// holds what they have. Call it before Run.
func (r *Router) Adopt(groups []vrrp.Adopted) { r.adopted = groups }

// Started is closed once Run has started all groups: a snapshot shows which go on as Active.
func (r *Router) Started() <-chan struct{} { return r.started }

// HandOver has Run end without an order, once its context ends.
func (r *Router) HandOver() { r.handsOver.Store(true) }

// Run runs the loop until ctx ends, and then resigns everywhere: when it returns the last
// orders have been given. It begins with the links that are known then.
func (r *Router) Run(ctx context.Context) error {
	alarm, stop := context.WithCancel(context.Background())
	g, alarm := errgroup.WithContext(alarm)
	g.Go(func() error { return r.cfg.Alarm.Run(alarm) })
	defer func() { stop(); _ = g.Wait() }()

	now := r.cfg.Now()
	r.wake = now
	r.absorbLinks()
	r.absorbResults()
	r.adopt()
	r.all(vrrp.Start{Cause: r.cfg.Minter.Cause(now)})
	close(r.started)
	for {
		r.turn()
		select {
		case <-ctx.Done():
			if !r.handsOver.Load() {
				r.all(vrrp.Stop{Cause: r.cfg.Minter.Cause(r.cfg.Now())})
			}
			return nil
		case <-r.bell:
		case <-r.cfg.Alarm.C():
		case <-alarm.Done():
			r.all(vrrp.Stop{Cause: r.cfg.Minter.Cause(r.cfg.Now())})
			return g.Wait()
		}
	}
}

// adopt starts the groups that go on as Active, ahead of all others.
func (r *Router) adopt() {
	var out Orders
	for _, in := range r.adopted {
		r.absorb(in, &out)
	}
	r.adopted = nil
	r.give(&out)
}

// all gives one input to every group.
func (r *Router) all(in vrrp.Input) {
	var out Orders
	now := r.cfg.Now()
	r.core.Absorb(now, in, &out)
	r.give(&out)
	r.publish(now)
}

// turn takes what stands in the backlogs and absorbs it in order. Results are
// taken first: what was published before an answer is then among what is taken
// after it (pkg/bus, 5). Timers end by an instant from before all that, lest one
// ends over an advert that came meanwhile.
func (r *Router) turn() {
	now := r.cfg.Now()
	r.slept(now)
	r.reconfigure()
	results, _ := r.results.Take()
	heard, _ := r.heard.Take()
	r.absorbLinks()

	var out Orders
	for _, in := range results {
		r.absorb(in, &out)
	}
	for _, in := range heard {
		r.absorb(in, &out)
	}
	r.core.Executed(now, r.cfg.Addresses.Executed(), &out)
	r.core.Tick(now, &out)
	r.give(&out)
	r.publish(now)
	r.endTurn()
	r.turns.Add(1)
}

// Turns returns how often the loop has turned. It turns several times a second.
func (r *Router) Turns() uint64 { return r.turns.Load() }

// Wake makes the loop turn.
func (r *Router) Wake() { r.bell.Ring() }

// absorbLinks carries out what follows from a link before anything else is
// looked at.
func (r *Router) absorbLinks() {
	var out Orders
	for _, link := range r.links.Take() {
		r.absorb(vrrp.LinkSeen{Link: link}, &out)
	}
	r.give(&out)
}

// absorbResults takes the results from before the start: releases that outlived the last run,
// and states of checks.
func (r *Router) absorbResults() {
	var out Orders
	results, _ := r.results.Take()
	for _, in := range results {
		r.absorb(in, &out)
	}
	r.give(&out)
}

// absorb asks for the time anew: nothing follows from a fact before it happened.
func (r *Router) absorb(in vrrp.Input, out *Orders) { r.core.Absorb(r.cfg.Now(), in, out) }

// slept notices a stall of the loop itself, before the loop takes in what has queued up
// meanwhile.
func (r *Router) slept(now time.Time) {
	if late := now.Sub(r.wake); late > noticeable {
		var out Orders
		r.core.Slept(now, late, &out)
		r.give(&out)
	}
}

// endTurn stamps the lease and sets the alarm.
func (r *Router) endTurn() {
	now := r.cfg.Now()
	r.cfg.Lease.Stamp(now)
	next := r.cfg.Lease.Next(now)
	if at, ok := r.core.Deadline(); ok && at.Before(next) {
		next = at
		if at.Before(now) { // it came while we were busy
			next = now
		}
	}
	// Each advert puts a deadline off. An alarm that rings too early costs one turn now and
	// then; setting it anew in each turn would cost more.
	if next.Before(r.wake) || !r.wake.After(now) {
		r.wake = next
		r.cfg.Alarm.Set(next)
	}
}
