package monitor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
)

// Config is what a Monitor needs to know, and where it publishes.
type Config struct {
	Default link.Settings
	Links   map[string]link.Settings // by name, complete; all others have Default
	Watched []string                 // the interfaces that instances use: their changes are logged
	Called  []string                 // the other names that the configuration has for links
	Sources link.Sources
	// Hints gives, once, whether the kernel reports changes of its carrier flags; nil: never. Until
	// then links are asked as without.
	Hints <-chan Hints

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
	*observer
	kernel kernel
	hints  *hintReader
	ready  chan struct{}
}

// New returns a monitor; Run starts it.
func New(cfg Config) *Monitor { return newMonitor(cfg, newKernel()) }

func newMonitor(cfg Config, k kernel) *Monitor {
	o := newObserver(cfg)
	return &Monitor{observer: o, kernel: k, hints: &hintReader{observer: o}, ready: make(chan struct{})}
}

// Ready returns a channel that is closed when the links and addresses of the start have been
// published.
func (m *Monitor) Ready() <-chan struct{} { return m.ready }

// Run watches all links until ctx ends. It fails only at the start, where the
// kernel cannot be asked at all; later it opens anew what fails.
func (m *Monitor) Run(ctx context.Context) error {
	subscribers := make([]*subscriber, 0, 2)
	defer func() {
		for _, s := range subscribers {
			s.close()
		}
	}()
	for _, what := range []subject{ofLinks, ofAddresses} { // join first, then dump
		s := &subscriber{observer: m.observer, kernel: m.kernel, what: what, started: m.ready}
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
	m.setSleeper(s)
	wait.Go(func() { newConfirmer(m.observer, m.kernel.client(), s).run(ctx) })
	wait.Go(func() { newPoller(m.observer, m.kernel.client(), m.hints).run(ctx) })
	wait.Go(func() { newExplainer(m.observer, m.kernel.client()).run(ctx) })
	wait.Go(func() { m.debounce(ctx) })
	wait.Go(func() { m.hints.run(ctx) })
	wait.Wait()
	return nil
}

// start takes in links and addresses as one observation, so that the first fact of
// each link is complete.
func (m *Monitor) start(ctx context.Context, subscribers []*subscriber) error {
	all := link.Dump{Reason: link.Initial, OfLinks: true, OfAddresses: true}
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

// debounce observes each deadline of the table, until ctx ends.
func (m *Monitor) debounce(ctx context.Context) {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		if due, ok := m.deadline(); ok {
			timer.Reset(time.Until(due))
		} else {
			timer.Reset(idle)
		}
		select {
		case <-ctx.Done():
			return
		case <-m.holding:
		case <-timer.C:
			m.observe(link.Elapsed{}, time.Now())
		}
	}
}

// Engage names the links on which an instance is Backup or Active: these are
// asked for their carrier.
func (m *Monitor) Engage(names []string) { m.engage(names) }

// Verify has each of the links asked once, now. Their states are published, and then
// Config.Answer is called with the ticket. Tickets are answered in their order.
func (m *Monitor) Verify(ticket uint64, names []string) { m.request(ticket, names) }

// Links returns what is known about the links of these names, in their order and
// without those that are not there; or about all links, by index, without any name.
func (m *Monitor) Links(names ...string) []event.Link { return m.links(names) }

// Reconfigure takes a new configuration. The known state of each link that is watched now is
// published at once, also of a name without a link; it may stand in the outbox for a moment
// longer.
func (m *Monitor) Reconfigure(to link.Reconfigured) { m.observe(to, time.Now()) }
