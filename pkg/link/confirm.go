package link

import (
	"context"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// idle is how long the confirmer sleeps where there is nothing to ask; the
// bell wakes it.
const idle = time.Hour

// confirmer asks for the carrier, so that a loss which the kernel announces
// late is seen within the period of the link. While nothing changes it
// allocates nothing.
type confirmer struct {
	monitor *Monitor
	asker   asker
	answer  Answer // reused

	plan     []asked
	revision uint64 // of the table and
	engaging uint64 // of the engaged links, when the plan was made
	targets  []Target
}

// asked is a target and when it is asked next.
type asked struct {
	Target
	due time.Time
}

func newConfirmer(m *Monitor) *confirmer {
	return &confirmer{monitor: m, asker: m.kernel.asker()}
}

// run asks until ctx ends: first what Verify wants, then what is due.
func (c *confirmer) run(ctx context.Context) {
	defer c.asker.close()
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for ctx.Err() == nil {
		c.verify()
		c.replan()
		timer.Reset(c.sweep(time.Now()))
		select {
		case <-ctx.Done():
		case <-c.monitor.bell:
		case <-timer.C:
		}
	}
}

// verify answers the tickets: all their links are asked first, each once.
func (c *confirmer) verify() {
	m := c.monitor
	m.mu.Lock()
	requests := m.requests
	m.requests = nil
	c.targets = c.targets[:0]
	for _, r := range requests {
		for _, name := range r.names {
			c.targets = m.table.Underneath(c.targets, name, idle)
		}
	}
	m.mu.Unlock()
	for _, target := range c.targets {
		c.ask(target)
		if target.MII {
			c.beat(target)
		}
	}
	for _, r := range requests {
		m.post(posted{answered: vrrp.Answered{Ticket: r.ticket, By: vrrp.Confirmer}})
	}
}

// replan takes over whom to ask, where that has changed; a target that stays
// keeps its due time, a new one is due now.
func (c *confirmer) replan() {
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
	plan := make([]asked, len(c.targets))
	for i, target := range c.targets {
		plan[i].Target = target
		for _, old := range c.plan {
			if old.Birth == target.Birth && old.Every == target.Every {
				plan[i].due = old.due
			}
		}
	}
	c.plan = plan
}

// sweep asks all that are due and returns how long there is nothing to do. Who
// falls behind skips turns.
func (c *confirmer) sweep(now time.Time) time.Duration {
	next := now.Add(idle)
	for i := range c.plan {
		p := &c.plan[i]
		if !p.due.After(now) {
			c.ask(p.Target)
			if p.due = p.due.Add(p.Every); !p.due.After(now) {
				p.due = now.Add(p.Every)
			}
		}
		if p.due.Before(next) {
			next = p.due
		}
	}
	return max(time.Until(next), 0)
}

// ask asks one link and has the table absorb the answer at once.
func (c *confirmer) ask(target Target) {
	if up, known, _ := c.asker.carrier(target); known {
		c.answer = Answer{Source: event.Confirm, Index: target.Index, Birth: target.Birth, Up: up}
		c.monitor.observe(&c.answer, time.Now())
	}
}

// beat asks its transceiver.
func (c *confirmer) beat(target Target) {
	if b, err := c.asker.beat(target); err == nil {
		c.answer = Answer{Source: event.MII, Index: target.Index, Birth: target.Birth, Up: b.Up, Flapped: b.Flapped}
		c.monitor.observe(&c.answer, time.Now())
	}
}
