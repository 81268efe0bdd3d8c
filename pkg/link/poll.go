package link

import (
	"context"
	"time"

	"ripcord/pkg/event"
)

// poller finds out what each link can be asked, and asks those at a low rate
// whose choice says so. Its questions may block; nobody waits for it.
type poller struct {
	asker asker

	round
	revision uint64 // of the table when the plan was made
	targets  []Target
	polls    []Poll
}

// patient is the longest period to which the poller is stretched.
const patient = 10 * time.Second

func newPoller(m *Monitor) *poller {
	return &poller{asker: m.kernel.asker(), round: round{monitor: m, pace: newPace(patient)}}
}

// run polls until ctx ends.
func (p *poller) run(ctx context.Context) {
	defer p.asker.close()
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
	means := Means{Index: target.Index, Birth: target.Birth}
	means.Carrier, means.Known, means.GLINK = p.asker.carrier(target)
	means.Blind = p.asker.blind(target)
	if err := p.asker.present(target); err != nil {
		means.NoMII = err.Error()
	}
	p.monitor.observe(means, time.Now())
}

// ask asks one link.
func (p *poller) ask(q Poll) {
	answer := &Answer{Source: q.Source, Index: q.Index, Birth: q.Birth}
	if q.Source == event.MII {
		b, err := p.asker.beat(q.Target)
		if err != nil {
			p.monitor.observe(&Unanswered{Source: q.Source, Index: q.Index, Birth: q.Birth}, time.Now())
			return
		}
		answer.Up, answer.Flapped = b.Up, b.Flapped
	} else {
		up, known, _ := p.asker.carrier(q.Target)
		if !known {
			p.monitor.observe(&Unanswered{Source: q.Source, Index: q.Index, Birth: q.Birth}, time.Now())
			return
		}
		answer.Up = up
	}
	p.monitor.observe(answer, time.Now())
}
