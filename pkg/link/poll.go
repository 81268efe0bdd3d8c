package link

import (
	"context"
	"time"

	"ripcord/pkg/event"
)

// poller finds out what each link can be asked, and asks those at a low rate
// whose choice says so. Its questions may block; nobody waits for it.
type poller struct {
	monitor *Monitor
	asker   asker

	plan     []polled
	revision uint64 // of the table when the plan was made
	targets  []Target
	polls    []Poll
}

// polled is a Poll and when it is asked next.
type polled struct {
	Poll
	due time.Time
}

func newPoller(m *Monitor) *poller { return &poller{monitor: m, asker: m.kernel.asker()} }

// run polls until ctx ends.
func (p *poller) run(ctx context.Context) {
	defer p.asker.close()
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for ctx.Err() == nil {
		p.replan()
		timer.Reset(p.sweep(time.Now()))
		select {
		case <-ctx.Done():
		case <-p.monitor.polling:
		case <-timer.C:
		}
	}
}

// replan examines who is new and takes over whom to poll, where that has
// changed; who stays keeps its due time, who is new is due now.
func (p *poller) replan() {
	m := p.monitor
	m.mu.Lock()
	revision := m.table.Revision()
	if revision == p.revision {
		m.mu.Unlock()
		return
	}
	p.targets = m.table.Unexamined(p.targets[:0])
	m.mu.Unlock()
	for _, target := range p.targets {
		p.examine(target)
	}

	m.mu.Lock()
	p.revision = m.table.Revision()
	p.polls = m.table.Polls(p.polls[:0])
	if len(m.table.Unexamined(p.targets[:0])) > 0 { // came meanwhile
		p.revision = 0
		m.polling.Ring()
	}
	m.mu.Unlock()
	plan := make([]polled, len(p.polls))
	for i, poll := range p.polls {
		plan[i].Poll = poll
		for _, old := range p.plan {
			if old.Birth == poll.Birth && old.Source == poll.Source && old.Every == poll.Every {
				plan[i].due = old.due
			}
		}
	}
	p.plan = plan
}

// examine finds out what a link can be asked.
func (p *poller) examine(target Target) {
	means := Means{Index: target.Index, Birth: target.Birth}
	means.Carrier, means.Known, means.GLINK = p.asker.carrier(target)
	if err := p.asker.present(target); err != nil {
		means.NoMII = err.Error()
	}
	p.monitor.observe(means, time.Now())
}

// sweep asks all that are due and returns how long there is nothing to do.
func (p *poller) sweep(now time.Time) time.Duration {
	next := now.Add(idle)
	for i := range p.plan {
		q := &p.plan[i]
		if !q.due.After(now) {
			p.ask(q.Poll)
			if q.due = q.due.Add(q.Every); !q.due.After(now) {
				q.due = now.Add(q.Every)
			}
		}
		if q.due.Before(next) {
			next = q.due
		}
	}
	return max(time.Until(next), 0)
}

// ask asks one link. Who cannot find out says nothing.
func (p *poller) ask(q Poll) {
	answer := &Answer{Source: q.Source, Index: q.Index, Birth: q.Birth}
	if q.Source == event.MII {
		b, err := p.asker.beat(q.Target)
		if err != nil {
			return
		}
		answer.Up, answer.Flapped = b.Up, b.Flapped
	} else {
		up, known, _ := p.asker.carrier(q.Target)
		if !known {
			return
		}
		answer.Up = up
	}
	p.monitor.observe(answer, time.Now())
}
