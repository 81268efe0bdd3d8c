package link

import (
	"context"
	"time"

	"ripcord/pkg/event"
)

// poller finds out what each link can be asked, and asks those at a low rate
// whose choice says so. Its questions may block; nobody waits for it.
type poller struct {
	client client

	round
	revision uint64 // of the table when the plan was made
	targets  []Target
	polls    []Poll
}

// patient is the longest period to which the poller is stretched.
const patient = 10 * time.Second

func newPoller(m *Monitor) *poller {
	return &poller{client: m.kernel.client(), round: round{monitor: m, pace: newPace(patient)}}
}

// run polls until ctx ends.
func (p *poller) run(ctx context.Context) {
	defer p.client.Close()
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for ctx.Err() == nil {
		p.review()
		timer.Reset(time.Until(p.sweep(time.Now(), p.ask)))
		select {
		case <-ctx.Done():
		case <-p.monitor.polling:
		case <-timer.C:
		}
	}
}

// review examines who is new and takes over whom to poll, where that has
// changed.
func (p *poller) review() {
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
	p.replan(p.polls)
}

// examine finds out what a link can be asked.
func (p *poller) examine(target Target) {
	p.monitor.observe(Examined{Device: target.Device, Capabilities: p.client.Capabilities(target.Device)}, time.Now())
}

// ask asks one link.
func (p *poller) ask(q Poll) {
	answer := &Answer{Source: q.Source, Index: q.Index, Birth: q.ID}
	if q.Source == event.MII {
		status, err := p.client.MIIStatus(q.Device)
		if err != nil {
			p.monitor.observe(&Unanswered{Source: q.Source, Index: q.Index, Birth: q.ID}, time.Now())
			return
		}
		answer.Up, answer.Flapped = status.Up, status.Flapped
	} else {
		up, known, _ := p.client.Carrier(q.Device)
		if !known {
			p.monitor.observe(&Unanswered{Source: q.Source, Index: q.Index, Birth: q.ID}, time.Now())
			return
		}
		answer.Up = up
	}
	p.monitor.observe(answer, time.Now())
}
