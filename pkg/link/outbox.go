package link

import "slices"

// posted stands in the outbox: the outcome of an observation, or an answer.
type posted struct {
	Outcome
	ticket   uint64 // of the Verify that is answered
	answered bool
}

// post publishes p behind all that stands in the outbox.
func (m *Monitor) post(p posted) {
	m.mu.Lock()
	m.outbox = append(m.outbox, p)
	m.mu.Unlock()
	m.flush()
}

// flush publishes the outbox, in order and without the lock. Where another
// goroutine is at it already, that one does it.
func (m *Monitor) flush() {
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
		for _, p := range batch {
			m.publish(p)
		}
		m.mu.Lock()
	}
	m.flushing = false
}

func (m *Monitor) publish(p posted) {
	for _, fact := range p.Facts {
		m.cfg.Facts.Publish(fact)
		// That a name is not there any more is news for who waits for it. On a machine
		// with containers there are ever new names.
		if fact.Index == 0 && !slices.Contains(m.cfg.Watched, fact.Name) {
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
