package link

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
)

// Config is what a Monitor needs to know, and where it publishes.
type Config struct {
	Default Settings
	Links   map[string]Settings // by name, complete; all others have Default
	Watched []string            // the interfaces that instances use: the log tells of these
	Called  []string            // the other names that the configuration has for links
	Sources Sources

	Facts     *bus.Retained[string, event.Link]
	Addresses *bus.Topic[event.Address]
	Events    *bus.Topic[event.Event]
	// Answer is called with the ticket of each Verify, when all that was found is
	// published. It must not block. Without a Verify it may be nil.
	Answer func(ticket uint64)
	Minter *event.Minter
}

// Monitor keeps the table of links true and publishes its facts.
type Monitor struct {
	cfg    Config
	kernel kernel
	ready  chan struct{}
	// polling wakes the poller, holding the debouncer, explaining the explainer.
	polling, holding, explaining bus.Bell

	mu       sync.Mutex
	sleeper  sleeper // of the confirmer; nil until it runs
	table    *Table
	engaged  []string
	engaging uint64 // counts the changes of engaged
	requests []request
	outbox   []posted
	flushing bool
}

// request is a Verify that has not been answered.
type request struct {
	ticket uint64
	names  []string
}

// NewMonitor returns a monitor that Run brings to life.
func NewMonitor(cfg Config) *Monitor { return newMonitor(cfg, newKernel()) }

func newMonitor(cfg Config, k kernel) *Monitor {
	table := NewTable(cfg.Minter, cfg.Watched, cfg.settings)
	table.Call(cfg.Called...)
	table.sourcesAre(cfg.Sources)
	table.configured = func(name string) bool { _, ok := cfg.Links[name]; return ok }
	return &Monitor{
		cfg: cfg, kernel: k, ready: make(chan struct{}), polling: bus.NewBell(), holding: bus.NewBell(), explaining: bus.NewBell(),
		table: table,
	}
}

// Ready is closed when what was there at the start has been published.
func (m *Monitor) Ready() <-chan struct{} { return m.ready }

// Run watches all links until ctx ends. It fails only at the start, where the
// kernel cannot be asked at all; later it opens anew what fails.
func (m *Monitor) Run(ctx context.Context) error {
	subscribers := make([]*subscriber, 0, 2)
	defer func() {
		for _, s := range subscribers {
			s.shut()
		}
	}()
	for _, what := range []subject{ofLinks, ofAddresses} { // joined first, dumped then
		s := &subscriber{monitor: m, what: what}
		if err := s.reopen(); err != nil {
			return err
		}
		subscribers = append(subscribers, s)
	}
	if err := m.start(ctx, subscribers); err != nil {
		return err
	}
	close(m.ready)

	var wait sync.WaitGroup
	for _, s := range subscribers {
		wait.Go(func() { s.run(ctx) })
	}
	s := m.kernel.sleeper()
	defer s.close()
	m.mu.Lock()
	m.sleeper = s
	m.mu.Unlock()
	wait.Go(func() { newConfirmer(m, s).run(ctx) })
	wait.Go(func() { newPoller(m).run(ctx) })
	wait.Go(func() { newExplainer(m).run(ctx) })
	wait.Go(func() { m.debounce(ctx) })
	wait.Wait()
	return nil
}

// start takes links and addresses in one act, so that the first fact of each
// link is complete.
func (m *Monitor) start(ctx context.Context, subscribers []*subscriber) error {
	all := Dump{Reason: Initial, OfLinks: true, OfAddresses: true}
	for _, s := range subscribers {
		d, err := s.dump(ctx)
		if err != nil {
			return fmt.Errorf("list the links and addresses that are there: %w", err)
		}
		all.Links = append(all.Links, d.Links...)
		all.Addresses = append(all.Addresses, d.Addresses...)
	}
	m.observe(all, time.Now())
	return nil
}

// Engage names the links on which an instance is Backup or Active: these are
// asked for their carrier.
func (m *Monitor) Engage(names []string) {
	m.mu.Lock()
	if !slices.Equal(names, m.engaged) {
		m.engaged = slices.Clone(names)
		m.engaging++
	}
	m.mu.Unlock()
	m.wake()
}

// Verify has each of the links asked once, now. What is found is published,
// and behind it the answer to the ticket. Tickets are answered in their order.
func (m *Monitor) Verify(ticket uint64, names []string) {
	m.mu.Lock()
	m.requests = append(m.requests, request{ticket, slices.Clone(names)})
	m.mu.Unlock()
	m.wake()
}

// wake wakes the confirmer. Before it runs that is not needed: it begins with
// looking at what there is to do.
func (m *Monitor) wake() {
	m.mu.Lock()
	s := m.sleeper
	m.mu.Unlock()
	if s != nil {
		s.wake()
	}
}

// Links returns what is known of the links of these names, in their order and
// without those that are not there; or of all links, by index, without any name.
func (m *Monitor) Links(names ...string) []event.Link {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.Links(names...)
}

// settings are those of a link by name.
func (c *Config) settings(name string) Settings {
	if s, ok := c.Links[name]; ok {
		return s
	}
	return c.Default
}

// observe hands an observation to the table and publishes what it leads to.
func (m *Monitor) observe(o Observation, at time.Time) {
	m.mu.Lock()
	before, held, queries := m.table.Revision(), m.table.Holds(), m.table.ReasonQueries()
	out := m.table.Observe(o, at)
	replan, hold, explain := m.table.Revision() != before, m.table.Holds() != held, m.table.ReasonQueries() != queries
	if !out.Empty() {
		m.outbox = append(m.outbox, posted{Outcome: out})
	}
	m.mu.Unlock()
	if replan {
		m.wake()
		m.polling.Ring()
	}
	if hold {
		m.holding.Ring()
	}
	if !out.Empty() {
		m.flush()
	}
	if explain { // when the loss is published
		m.explaining.Ring()
	}
}

// debounce tells the table when something has lasted, until ctx ends.
func (m *Monitor) debounce(ctx context.Context) {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		m.mu.Lock()
		due, ok := m.table.Deadline()
		m.mu.Unlock()
		if ok {
			timer.Reset(time.Until(due))
		} else {
			timer.Reset(idle)
		}
		select {
		case <-ctx.Done():
			return
		case <-m.holding:
		case <-timer.C:
			m.observe(Elapsed{}, time.Now())
		}
	}
}
