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

// Config is the input of a Monitor, and the topics to which it publishes.
type Config struct {
	Default    link.Settings
	Links      map[string]link.Settings // by name, complete; all others have Default
	Watched    []string                 // the interfaces that instances use; the monitor logs their changes
	OtherNames []string                 // the other names that the configuration uses for links
	Sources    link.Sources
	// Hints delivers, once, the kernel's hints or why there are none; nil: never. Until then links
	// are asked as if there were none.
	Hints <-chan Hints

	Facts     *bus.Retained[string, event.Link]
	Addresses *bus.Topic[event.Address]
	Events    *bus.Topic[event.Event]
	// Answer is called with the ticket of each Verify after all results are published. It must not
	// block. It may be nil if Verify is not used.
	Answer func(ticket uint64)
	Minter *event.Minter
	// Questions records the questions to the kernel that fail; nil: nowhere.
	Questions *event.Questions
}

// Monitor keeps the table of links up to date and publishes its facts.
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

// Ready returns a channel that is closed when the links and addresses found at the start have been
// published.
func (m *Monitor) Ready() <-chan struct{} { return m.ready }

// Run watches all links until ctx ends. It fails only at the start, if the kernel cannot be asked
// at all; later it reopens sockets that fail.
func (m *Monitor) Run(ctx context.Context) error {
	subscribers := make([]*subscriber, 0, 2)
	defer func() {
		for _, s := range subscribers {
			s.close()
		}
	}()
	for _, what := range []subject{ofLinks, ofAddresses} { // join first, then dump
		s := &subscriber{observer: m.observer, kernel: m.kernel, what: what, started: m.ready, reopens: newBackoff()}
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

// start records links and addresses as one observation, so that the first fact of each link is
// complete.
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

// debounce observes each deadline of the table until ctx ends.
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
		case <-m.debouncing:
		case <-timer.C:
			m.observe(link.Elapsed{}, time.Now())
		}
	}
}

// Engage sets the links on which an instance is Backup or Active: the confirmer asks these for
// their carrier.
func (m *Monitor) Engage(names []string) { m.engage(names) }

// Verify asks each of the links once, now. After their states are published, Config.Answer is
// called with the ticket. Tickets are answered in order.
func (m *Monitor) Verify(ticket uint64, names []string) { m.request(ticket, names) }

// Links returns the existing links of these names, in their order; without names, all links by
// index.
func (m *Monitor) Links(names ...string) []event.Link { return m.links(names) }

// Reconfigure takes over a new configuration. It publishes at once the known state of each link
// that is watched now, also of a name without a link; the facts may stay in the outbox for a moment
// longer.
func (m *Monitor) Reconfigure(to link.Reconfigured) { m.observe(to, time.Now()) }
