package link

import (
	"context"
	"time"

	"ripcord/pkg/event"
)

// idle is how long one sleeps where there is nothing to do, unless woken.
const idle = time.Hour

// confirmer asks for the carrier, so that a loss which the kernel announces
// late is seen within the period of the link. While nothing changes it
// allocates nothing.
type confirmer struct {
	client  client
	sleeper sleeper
	answer  Answer     // reused
	failed  Unanswered // reused

	round
	revision uint64 // of the table and
	engaging uint64 // of the engaged links, when the plan was made
	targets  []Target
}

// dull is the longest period to which the confirmer is stretched: the kernel's
// own announcement is at most that late.
const dull = time.Second

func newConfirmer(m *Monitor, s sleeper) *confirmer {
	return &confirmer{client: m.kernel.client(), sleeper: s, round: round{monitor: m, pace: newPace(dull)}}
}

// run asks until ctx ends: first what Verify wants, then what is due.
func (c *confirmer) run(ctx context.Context) {
	defer c.client.Close()
	stop := context.AfterFunc(ctx, c.monitor.wake)
	defer stop()
	ask := func(p Poll) { c.ask(p.Target) }
	for ctx.Err() == nil {
		c.verify()
		c.review()
		c.sleeper.sleep(c.sweep(time.Now(), ask))
	}
}

// verify answers the tickets: all their links are asked first, each once.
func (c *confirmer) verify() {
	m := c.monitor
	m.mu.Lock()
	requests := m.requests
	m.requests = nil
	var names []string
	for _, r := range requests {
		names = append(names, r.names...)
	}
	c.targets = m.table.Underneath(c.targets[:0], idle, names...)
	m.mu.Unlock()
	for _, target := range c.targets {
		c.ask(target)
		if target.MII {
			c.askMII(target)
		}
	}
	for _, r := range requests {
		m.post(posted{answered: true, ticket: r.ticket})
	}
}

// review takes over whom to ask, where that has changed.
func (c *confirmer) review() {
	m := c.monitor
	m.mu.Lock()
	revision, engaging := m.table.Revision(), m.engaging
	if revision == c.revision && engaging == c.engaging {
		m.mu.Unlock()
		return
	}
	c.targets = m.table.Targets(c.targets[:0], m.engaged)
	m.mu.Unlock()

	c.revision, c.engaging = revision, engaging
	polls := make([]Poll, len(c.targets))
	for i, target := range c.targets {
		polls[i] = Poll{Target: target, Source: event.Confirm}
	}
	c.replan(polls)
}

// ask asks one link and has the table absorb the answer at once.
func (c *confirmer) ask(target Target) {
	up, known, _ := c.client.Carrier(target.Device)
	if !known {
		c.unanswered(target, event.Confirm)
		return
	}
	c.answer = Answer{Source: event.Confirm, Index: target.Index, Birth: target.ID, Up: up}
	c.monitor.observe(&c.answer, time.Now())
}

// askMII asks the transceiver of one link.
func (c *confirmer) askMII(target Target) {
	status, err := c.client.MIIStatus(target.Device)
	if err != nil {
		c.unanswered(target, event.MII)
		return
	}
	c.answer = Answer{Source: event.MII, Index: target.Index, Birth: target.ID, Up: status.Up, Flapped: status.Flapped}
	c.monitor.observe(&c.answer, time.Now())
}

// unanswered has the table absorb that a source could not be asked.
func (c *confirmer) unanswered(target Target, source event.Source) {
	c.failed = Unanswered{Source: source, Index: target.Index, Birth: target.ID}
	c.monitor.observe(&c.failed, time.Now())
}
