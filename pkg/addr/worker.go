package addr

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/neigh"
	"ripcord/pkg/route"
	"ripcord/pkg/thread"
)

// Worker executes orders to hold, release and announce addresses.
type Worker struct {
	cfg   Config
	bell  bus.Bell // rings for facts
	watch lease.Watch
	limit time.Duration // the shortest limit of the instances that are held; 0: none is

	// These are the concerns, in the order in which converge and turn call them.
	ledger     *ledger
	macvlans   *macvlan.Holder
	addresses  *addresses
	acceptance acceptance
	routes     *route.Holder
	placements *placements
	neighbors  *neigh.Monitor // of the stations on the links that carry adverts
	holdings   *holdings      // for neighbors
	announcer  *announcer

	mu    sync.Mutex
	queue []queued

	executed atomic.Uint64 // the number of executed orders
	steps    atomic.Uint64 // the number of parts of turns: it grows while the worker does not hang

	handsOver atomic.Bool // what is held stays at the end

	gone   atomic.Bool // another program may have removed routes or rules
	opened atomic.Bool // another program may have removed what the firewall dropped

	// The fields below belong to the goroutine of Run.
	linkFacts    *bus.Merged[string, event.Link]
	addressFacts *bus.Merged[event.AddressKey, event.Address]
	awake        time.Time // when this goroutine last showed that it runs
	linked       bool      // a link was reported
	watchFilter  func()    // starts watching for changes of the firewall
	adopted      Order     // what is held from the start on
}

// queued is an order that waits for the worker: an Order or, if ask is not empty, the links whose
// stations have to be asked.
type queued struct {
	Order
	ask    []string
	at     time.Time
	dryRun bool // not an order of the router, which counts its own
}

// NewWorker returns a worker that holds nothing. It starts nothing.
func NewWorker(cfg Config) *Worker {
	ledger := newLedger(cfg.Sets)
	w := &Worker{
		cfg: cfg, bell: bus.NewBell(),
		ledger: ledger, announcer: newAnnouncer(ledger, cfg.Sender),
	}
	w.acceptance = newAcceptance(&w.cfg, ledger)
	w.addresses = newAddresses(&w.cfg, ledger, w.acceptance, w.announcer, w.publish)
	w.routes = route.NewHolder(route.Config{
		Entries: routesOf(cfg.Sets), Ready: ledger.complete,
		Kernel: cfg.Routes, Events: cfg.Events, Minter: cfg.Minter, Now: cfg.Now,
		Questions: cfg.Questions,
	})
	w.macvlans = macvlan.NewHolder(macvlan.Config{
		Wanted: macvlansOf(cfg.Sets), Held: ledger.holds, InUse: w.addresses.inUse,
		Kernel: cfg.Devices, Events: cfg.Events, Warnings: cfg.Warnings, Minter: cfg.Minter, Now: cfg.Now,
		Questions: cfg.Questions,
	})
	w.placements = newPlacements(&w.cfg, ledger, w.routes)
	w.neighbors, w.holdings = newMonitor(w), &holdings{ledger, w.macvlans}
	return w
}

// Do queues orders. It never blocks and never loses one.
func (w *Worker) Do(orders ...Order) {
	at := w.cfg.Now()
	w.mu.Lock()
	for _, o := range orders {
		w.queue = append(w.queue, queued{Order: o, at: at})
	}
	w.mu.Unlock()
	w.Wake()
}

// Ask queues one order to ask the stations on some links for an answer, as proof that the segments
// forward. The first answer on each link is published as vrrp.Forwards. It never blocks.
func (w *Worker) Ask(links ...string) { w.ask(queued{ask: links}) }

// AskForDryRun asks the stations like Ask, but is not an order of the router: Executed does not
// count it.
func (w *Worker) AskForDryRun(links ...string) { w.ask(queued{ask: links, dryRun: true}) }

func (w *Worker) ask(question queued) {
	question.at = w.cfg.Now()
	w.mu.Lock()
	w.queue = append(w.queue, question)
	w.mu.Unlock()
	w.Wake()
}

// OtherStations returns up to n stations of a link that can be asked, except the one with that MAC. It may
// be called from any goroutine.
func (w *Worker) OtherStations(link string, mac [6]byte, n int) []netip.Addr {
	return w.neighbors.OtherStations(link, mac, n)
}

// HandOver makes Run leave everything held in place when its context ends.
func (w *Worker) HandOver() { w.handsOver.Store(true) }

// Run removes what a crashed run left behind and is not adopted, executes orders until ctx ends,
// then those still queued, and removes everything held. It returns an error if the kernel cannot be
// asked at the start, or if something of ours is left at the end.
func (w *Worker) Run(ctx context.Context) error {
	w.linkFacts = w.cfg.Links.Subscribe(w.bell)
	w.addressFacts = bus.SubscribeMerged[event.AddressKey](w.cfg.Addresses, w.bell)
	all, err := w.cfg.Kernel.List()
	if err != nil {
		return fmt.Errorf("listing the addresses at the start: %w", err)
	}
	if err := w.routes.TakeOver(); err != nil {
		return err
	}
	w.absorb()
	w.addresses.observe(all)
	w.ledger.holdStatic(w.cfg.Now(), w.cfg.Minter.Cause(w.cfg.Now()))
	w.adopt()
	w.converge()
	if err := w.acceptance.start(); err != nil {
		return err
	}
	defer w.listen(ctx)()

	defer w.raise(ctx)()

	defer context.AfterFunc(ctx, w.Wake)()
	for {
		w.turn()
		until := w.plan()
		if ctx.Err() != nil {
			return w.finish()
		}
		w.cfg.Waiter.WaitUntil(until)
	}
}

// listen runs, each on its own goroutine, the listener for stations and the watches for changes of
// routes, rules and the firewall by other programs. The returned function ends them.
func (w *Worker) listen(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	note := func(flag *atomic.Bool) func() {
		return func() {
			flag.Store(true)
			w.Wake()
		}
	}
	running.Go(func() { w.forward(ctx) })
	running.Go(func() { w.cfg.Listener.Listen(ctx, w.neighbors.Seen) })
	running.Go(func() { w.cfg.Routes.Watch(ctx, note(&w.gone)) })
	w.watchFilter = sync.OnceFunc(func() {
		running.Go(func() { w.cfg.Firewall.Watch(ctx, note(&w.opened)) })
	})
	if someRefuse(w.cfg.Sets) {
		w.watchFilter()
	}
	return func() { cancel(); running.Wait() }
}

// forward wakes the worker for facts from the bus until ctx ends.
func (w *Worker) forward(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.bell:
			w.Wake()
		}
	}
}

// raise raises the scheduling priority of the calling goroutine's thread, and only of that: after a
// takeover there are hundreds of frames to send, and the hosts wait for them.
func (w *Worker) raise(ctx context.Context) (undo func()) {
	runtime.LockOSThread()
	slower := func(thread.Priority, error) {} // without the right to it, sending takes longer
	lower := w.cfg.Threads.Raise(ctx, slower, thread.Nice)
	return func() { lower(); runtime.UnlockOSThread() }
}

// turn processes the queues: it takes the orders, absorbs the facts from the bus (first, see the
// contract), executes the orders, and then handles the lease, what is due in the ledger, the
// stations and one batch of announcements.
func (w *Worker) turn() {
	w.awake = w.cfg.Now()
	w.watch.Woke(w.awake)
	orders := w.take()
	facts := w.absorb()
	for _, o := range orders {
		w.execute(o)
		if !o.dryRun {
			w.executed.Add(1)
		}
		facts = false // executing the order has used them
	}
	if len(orders) > 0 {
		w.watch.Seen(w.cfg.Now())
	}
	w.checkLease()
	if due := w.due(); facts || due.ok && !due.at.After(w.cfg.Now()) {
		w.converge()
	}
	w.neighbors.Apply(w.cfg.Now(), w.holdings)
	w.announce()
	w.steps.Add(1)
}

// Executed returns how many of the orders given to Do and Ask have been executed. The router compares
// it with the number of orders that it gave, so nobody else may call Do or Ask.
func (w *Worker) Executed() uint64 { return w.executed.Load() }

// Turns returns how many turns the worker has made. It grows at least once after each Wake, unless
// the worker hangs.
func (w *Worker) Turns() uint64 { return w.steps.Load() }

// Wake makes the worker process its queues.
func (w *Worker) Wake() { w.cfg.Waiter.Wake() }

func (w *Worker) take() []queued {
	w.mu.Lock()
	defer w.mu.Unlock()
	orders := w.queue
	w.queue = nil
	return orders
}

// earliest is the first of some deadlines. Unlike deadline.Earliest it takes the zero time as at
// once: a concern may be due as soon as the worker turns.
type earliest struct {
	at time.Time
	ok bool
}

func (e *earliest) add(at time.Time, ok bool) {
	if ok && (!e.ok || at.Before(e.at)) {
		e.at, e.ok = at, true
	}
}

// due returns when converge has something to do if nothing happens.
func (w *Worker) due() (due earliest) {
	due.add(w.addresses.deadline())
	due.add(w.routes.Deadline())
	due.add(w.macvlans.Deadline())
	due.add(w.acceptance.Deadline())
	return due
}

// absorb records the facts from the bus, and reports whether they require an action.
func (w *Worker) absorb() bool {
	links, addresses := w.linkFacts.Take(), w.addressFacts.Take()
	if len(links) > 0 && !w.linked { // only now the interfaces are known
		w.linked = true
		w.holdStatic(w.cfg.Now(), w.cfg.Minter.Cause(w.cfg.Now()))
	}
	for _, l := range links {
		w.placements.seeLink(l)
		w.neighbors.Link(l)
		w.routes.SeeLink(l)
		w.macvlans.SeeLink(l)
		w.addresses.doubt(w.ledger.link(l))
	}
	for _, a := range addresses {
		w.placements.seeAddress(a)
		w.addresses.doubt(w.ledger.fact(a))
	}
	// Routes whose source is an address disappear with it.
	gone := w.gone.Swap(false)
	if gone {
		w.routes.Changed()
	} else if w.addresses.dirty {
		w.routes.Doubt()
	}
	opened := w.opened.Swap(false)
	if opened {
		w.acceptance.Changed()
	}
	return len(links) > 0 || w.addresses.dirty || gone || opened
}

// plan returns the latest time of the next turn; zero: when something happens.
func (w *Worker) plan() time.Time {
	now := w.ran()
	due := w.due()
	due.add(w.announcer.deadline())
	due.add(w.neighbors.Deadline(now))
	due.add(w.addresses.relist, w.addresses.dirty)
	due.add(w.watch.Expiry(w.cfg.Lease.Last(), w.limit), w.limit > 0) // not earlier, even if the loop hangs by now
	at := due.at
	if due.ok && at.Before(now) {
		at = now
	}
	w.watch.Plan(at)
	return at
}

// ran returns the present instant. If this goroutine was delayed since the last call, the loop may
// have been, too: it gets credit, as after a late wake-up.
func (w *Worker) ran() time.Time {
	now := w.cfg.Now()
	if now.Sub(w.awake) > lease.Late {
		w.watch.Seen(now)
	}
	w.awake = now
	return now
}
