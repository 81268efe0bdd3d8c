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

// Config is the configuration of a Router and the parts that it uses.
type Config struct {
	Groups []vrrp.Group
	Stats  stats.Book

	Links   *bus.Retained[string, event.Link]
	Heard   *bus.Topic[vrrp.Heard]
	Results *bus.Topic[vrrp.Result]
	Events  *bus.Topic[event.Event]
	// Warnings receives the warnings of the groups.
	Warnings *event.Warnings

	Engine    Engine
	Addresses Addresses
	Receiver  Receiver
	Confirmer Confirmer
	Fencer    Fencer  // needed if a group has a fence
	Record    Record  // nil: nothing is recorded
	Watcher   Watcher // needed if an instance watches the machine of its Active

	Lease  *lease.Lease
	Minter *event.Minter
	Alarm  Alarm
	Now    func() time.Time
}

// Engine carries out orders for adverts. Do does not block.
type Engine interface{ Do(...advert.Order) }

// Addresses carries out orders for addresses, one after another. No method blocks.
type Addresses interface {
	Do(...addr.Order)
	// Ask asks the stations on some links to answer. It counts as one order.
	Ask(links ...string)
	// Executed returns the number of orders that have been carried out.
	Executed() uint64
}

// Receiver drains its sockets when it is asked to verify, and then answers the ticket on Results.
// It reports each advert on Heard, or if it summarizes, only some of those that repeat the last
// one. No method blocks.
type Receiver interface {
	Verify(ticket uint64)
	Summarize(...vrrp.Summarize)
}

// Confirmer asks the kernel for the carrier of some links, once when it is asked to verify, and
// repeatedly while they are engaged. No method blocks.
type Confirmer interface {
	Verify(ticket uint64, links []string)
	Engage(links []string)
}

// Fencer runs fence commands, and answers each with a vrrp.Fenced on Results. Fence does not
// block.
type Fencer interface{ Fence(vrrp.RunFence) }

// Record records the Actives of an instance that the next daemon must fence if they are silent
// (vrrp.RecordActives). Actives does not block.
type Record interface {
	Actives(instance string, list []vrrp.Advertiser)
}

// Watcher watches the machines of Actives, and reports each change with a vrrp.Watched on
// Results. Watch does not block.
type Watcher interface{ Watch(...vrrp.Watch) }

// Alarm wakes the loop at an instant. Set replaces the previous instant; C is readable once it
// has come.
type Alarm interface {
	Set(at time.Time)
	C() <-chan struct{}
	Run(ctx context.Context) error
}

// These constants bound the backlogs of adverts: of one sender, and in all. A receiver that
// summarizes reports up to 16384 virtual routers at once (pkg/repeatfilter), and none of these
// reports may be lost: the next one follows only after as many intervals as may be missed.
const (
	advertsPerSender = 4
	advertsInAll     = 32768
)

// stallThreshold is how late the loop must wake for that to count as a stall: three of the
// shortest intervals.
const stallThreshold = 30 * time.Millisecond

// Router is Core with a loop. New returns one.
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
	engaged bool      // whether the confirmer knows the links of groups in Backup or Active
	wake    time.Time // the instant to which the alarm is set

	started   chan struct{}   // closed once all groups have started
	adopted   []vrrp.Adopted  // groups that Run starts as Active
	recalled  []vrrp.Recalled // Actives that the previous daemon heard
	handsOver atomic.Bool     // groups keep their state when Run ends
	unwritten atomic.Bool     // the record had no room for the Actives, and has room now
}

// New returns a router that has subscribed to its inputs. It does nothing until Run is called.
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
	r.storeSnapshots(now)
	return r
}

// Groups returns snapshots of all groups, in the order of the configuration.
func (r *Router) Groups() []*vrrp.GroupStatus {
	status := *r.status.Load()
	all := make([]*vrrp.GroupStatus, len(status))
	for i := range status {
		all[i] = status[i].Load()
	}
	return all
}

// Adopt makes some groups go on as Active where the previous daemon stopped: the address worker
// already holds their addresses. It must be called before Run.
func (r *Router) Adopt(groups []vrrp.Adopted) { r.adopted = groups }

// Recall gives the router the Actives that the previous daemon heard. It must be called before Run.
func (r *Router) Recall(actives []vrrp.Recalled) { r.recalled = actives }

// Started returns a channel that is closed once Run has started all groups: then their snapshots
// show which of them go on as Active.
func (r *Router) Started() <-chan struct{} { return r.started }

// RecordActives makes the loop record the Actives of all instances again, since the record had no room
// for them before.
func (r *Router) RecordActives() {
	r.unwritten.Store(true)
	r.bell.Ring()
}

// HandOver makes Run end without an order when its context ends.
func (r *Router) HandOver() { r.handsOver.Store(true) }

// Run runs the loop until ctx ends, and then resigns everywhere: when it returns the last orders
// have been sent. It begins with the links that are known at that time.
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

// adopt absorbs what the previous daemon has recorded, before any group starts: Actives that it
// heard, and groups that go on as Active.
func (r *Router) adopt() {
	var out Orders
	for _, in := range r.recalled {
		r.absorb(in, &out)
	}
	for _, in := range r.adopted {
		r.absorb(in, &out)
	}
	r.recalled, r.adopted = nil, nil
	r.dispatch(&out)
}

// all passes one input to every group.
func (r *Router) all(in vrrp.Input) {
	var out Orders
	now := r.cfg.Now()
	r.core.Absorb(now, in, &out)
	r.dispatch(&out)
	r.publish(now)
}

// turn takes what is in the backlogs and absorbs it in order. Results are taken first: everything
// that was published before an answer is then found in what is taken after it (pkg/bus, clause
// 5). Timers end according to an instant from before all that, so that none ends although an
// advert arrived meanwhile.
func (r *Router) turn() {
	now := r.cfg.Now()
	r.slept(now)
	r.reconfigure()
	results, _ := r.results.Take()
	heard, _ := r.heard.Take()
	r.absorbLinks()

	var out Orders
	if r.unwritten.Swap(false) {
		r.core.RecordActives(&out)
	}
	for _, in := range results {
		r.absorb(in, &out)
	}
	for _, in := range heard {
		r.absorb(in, &out)
	}
	r.core.Executed(now, r.cfg.Addresses.Executed(), &out)
	r.core.Tick(now, &out)
	r.dispatch(&out)
	r.publish(now)
	r.endTurn()
	r.turns.Add(1)
}

// Turns returns the number of turns of the loop. It turns at least once a second.
func (r *Router) Turns() uint64 { return r.turns.Load() }

// Wake makes the loop turn.
func (r *Router) Wake() { r.bell.Ring() }

// absorbLinks absorbs the changes of links and sends the resulting orders, before any other input
// is absorbed.
func (r *Router) absorbLinks() {
	var out Orders
	for _, link := range r.links.Take() {
		r.absorb(vrrp.LinkSeen{Link: link}, &out)
	}
	r.dispatch(&out)
}

// absorbResults absorbs the results from before the start: releases that outlived the previous
// run, and states of checks.
func (r *Router) absorbResults() {
	var out Orders
	results, _ := r.results.Take()
	for _, in := range results {
		r.absorb(in, &out)
	}
	r.dispatch(&out)
}

// absorb reads the clock for each input: no consequence may be earlier than its cause.
func (r *Router) absorb(in vrrp.Input, out *Orders) { r.core.Absorb(r.cfg.Now(), in, out) }

// slept reports a stall of the loop itself, before the loop absorbs what was queued meanwhile.
func (r *Router) slept(now time.Time) {
	if late := now.Sub(r.wake); late > stallThreshold {
		var out Orders
		r.core.Slept(now, late, r.cfg.Lease.Age(now), &out)
		r.dispatch(&out)
	}
}

// endTurn renews the lease and sets the alarm.
func (r *Router) endTurn() {
	now := r.cfg.Now()
	r.cfg.Lease.Stamp(now)
	next := r.core.Wake(now)
	if next.Before(now) { // a deadline came during this turn
		next = now
	}
	// Each advert postpones a deadline. An alarm that rings too early sometimes costs an extra
	// turn; setting it in each turn would cost more.
	if next.Before(r.wake) || !r.wake.After(now) {
		r.wake = next
		r.cfg.Alarm.Set(next)
	}
}
