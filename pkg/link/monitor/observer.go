package monitor

import (
	"slices"
	"sync"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
)

// observer owns the table behind its mutex, and publishes the outcome of observations. All
// goroutines of the Monitor share it. The outcome of an observation is put into an outbox under the
// mutex and published outside it, by one goroutine at a time: so subscribers receive facts in the
// order of their Seq, and the answer to a Verify after everything that was found before it.
type observer struct {
	cfg Config
	// These bells wake the poller, the debouncer and the explainer.
	polling, debouncing, explaining bus.Bell

	mu       sync.Mutex
	sleeper  sleeper // of the confirmer; nil until it runs
	table    *link.Table
	engaged  []string
	requests []request
	// confirms and polls report that the plan of the confirmer, or of the poller, is out of date.
	confirms, polls bool
	asks            bool // the kernel has reported a change of a link that has not been asked since
	outbox          []posted
	flushing        bool
}

// request is a Verify that has not been answered.
type request struct {
	ticket uint64
	names  []string
}

// posted is an entry of the outbox: the outcome of an observation, or an answer.
type posted struct {
	link.Outcome
	ticket   uint64 // the ticket of the answered Verify
	answered bool
}

func newObserver(cfg Config) *observer {
	return &observer{
		cfg: cfg, polling: bus.NewBell(), debouncing: bus.NewBell(), explaining: bus.NewBell(),
		table: link.NewTable(link.TableConfig{
			Minter: cfg.Minter, Watched: cfg.Watched, OtherNames: cfg.OtherNames, Default: cfg.Default, Links: cfg.Links, Sources: cfg.Sources,
		}),
	}
}

// observe passes an observation to the table, publishes the outcome and wakes the goroutines whose
// plans are out of date.
func (m *observer) observe(o link.Observation, at time.Time) {
	m.mu.Lock()
	out := m.table.Observe(o, at)
	if out.Replan {
		m.confirms, m.polls = true, true
	}
	m.asks = m.asks || out.Ask
	empty := out.Empty()
	if !empty {
		m.outbox = append(m.outbox, posted{Outcome: out})
	}
	m.mu.Unlock()
	if out.Replan || out.Ask {
		m.wakeConfirmer()
	}
	if out.Replan {
		m.polling.Ring()
	}
	if out.Sooner {
		m.debouncing.Ring()
	}
	if !empty {
		m.flush()
	}
	if out.Query { // after the loss is published
		m.explaining.Ring()
	}
}

// engage sets the links on which an instance is Backup or Active.
func (m *observer) engage(names []string) {
	m.mu.Lock()
	if !slices.Equal(names, m.engaged) {
		m.engaged = slices.Clone(names)
		m.confirms = true
	}
	m.mu.Unlock()
	m.wakeConfirmer()
}

// request queues a Verify.
func (m *observer) request(ticket uint64, names []string) {
	m.mu.Lock()
	m.requests = append(m.requests, request{ticket, slices.Clone(names)})
	m.mu.Unlock()
	m.wakeConfirmer()
}

// setSleeper sets the sleeper of the confirmer.
func (m *observer) setSleeper(s sleeper) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sleeper = s
}

// wakeConfirmer wakes the confirmer. Before the confirmer runs there is nothing to wake: it begins
// by looking for work.
func (m *observer) wakeConfirmer() {
	m.mu.Lock()
	s := m.sleeper
	m.mu.Unlock()
	if s != nil {
		s.wake()
	}
}

// takeRequests returns the Verifies to answer, and appends their links and all links beneath them,
// each once.
func (m *observer) takeRequests(dst []link.Target) ([]request, []link.Target) {
	m.mu.Lock()
	defer m.mu.Unlock()
	requests := m.requests
	m.requests = nil
	var names []string
	for _, r := range requests {
		names = append(names, r.names...)
	}
	return requests, m.table.Underneath(dst, idle, names...)
}

// takeHinted appends the links of which the kernel has reported a change and that have not been
// asked since.
func (m *observer) takeHinted(dst []link.Target) []link.Target {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.asks {
		return dst
	}
	m.asks = false
	return m.table.TakeHinted(dst)
}

// confirmPlan appends the links that the confirmer asks; changed is false if they are the same as
// before.
func (m *observer) confirmPlan(dst []link.Target) (targets []link.Target, changed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.confirms {
		return dst, false
	}
	m.confirms = false
	return m.table.Targets(dst, m.engaged), true
}

// unexamined appends the links that the poller examines before it plans; changed is false if its
// plan is the same as before.
func (m *observer) unexamined(dst []link.Target) (targets []link.Target, changed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.polls {
		return dst, false
	}
	return m.table.Unexamined(dst), true
}

// pollPlan appends the questions of the poller. If a link that needs examination has appeared
// meanwhile, this plan is out of date at once.
func (m *observer) pollPlan(dst []link.Poll) []link.Poll {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.polls = len(m.table.Unexamined(nil)) > 0; m.polls {
		m.polling.Ring()
	}
	return m.table.Polls(dst)
}

// unexplained appends the links whose drivers have to be asked for the reason of an outage.
func (m *observer) unexplained(dst []link.Target) []link.Target {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.Unexplained(dst)
}

// deadline returns when the next delayed change takes effect; false if there is none.
func (m *observer) deadline() (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.Deadline()
}

// locked calls f with the table, under the mutex.
func (m *observer) locked(f func(*link.Table)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.table)
}

// answer publishes that a Verify is done, after everything in the outbox.
func (m *observer) answer(ticket uint64) {
	m.mu.Lock()
	m.outbox = append(m.outbox, posted{answered: true, ticket: ticket})
	m.mu.Unlock()
	m.flush()
}

// flush publishes the outbox, in order and without the mutex. It does nothing if another goroutine
// is already publishing.
func (m *observer) flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.flushing {
		return
	}
	m.flushing = true
	for len(m.outbox) > 0 {
		batch := m.outbox
		m.outbox = nil
		m.mu.Unlock()
		for i := range batch {
			m.publish(&batch[i])
		}
		m.mu.Lock()
	}
	m.flushing = false
}

// watches reports whether a link of that name is watched.
func (m *observer) watches(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.Watches(name)
}

func (m *observer) publish(p *posted) {
	for _, fact := range p.Facts {
		m.cfg.Facts.Publish(fact)
		// Subscribers of a watched name have to learn that its link is gone. Nothing is kept about
		// other names: a machine with containers has ever new ones.
		if fact.Index == 0 && !m.watches(fact.Name) {
			m.cfg.Facts.Forget(fact.Name)
		}
	}
	for _, fact := range p.Addresses {
		m.cfg.Addresses.Publish(fact)
	}
	for _, e := range p.Events {
		m.cfg.Events.Publish(e)
	}
	if p.answered {
		m.cfg.Answer(p.ticket)
	}
}

// links returns the known links, as Table.Links does.
func (m *observer) links(names []string) []event.Link {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.Links(names...)
}
