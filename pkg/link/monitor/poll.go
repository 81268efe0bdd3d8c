package monitor

import (
	"context"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
)

// maxPoll is the longest period to which the poller is stretched.
const maxPoll = 10 * time.Second

// poller finds out which sources can be asked about each link, and asks at a low rate if the
// monitor of the link is polled. Its questions may block; no other goroutine waits for it.
type poller struct {
	observer *observer
	client   client
	hints    *hintReader
	schedule schedule
	targets  []link.Target // reused
	polls    []link.Poll   // reused
}

func newPoller(o *observer, c client, h *hintReader) *poller {
	return &poller{observer: o, client: c, hints: h, schedule: newSchedule(o, maxPoll)}
}

// run polls until ctx ends.
func (p *poller) run(ctx context.Context) {
	defer p.client.Close()
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for ctx.Err() == nil {
		p.plan()
		timer.Reset(time.Until(p.schedule.askDue(time.Now(), p.ask)))
		select {
		case <-ctx.Done():
		case <-p.observer.polling:
		case <-timer.C:
		}
	}
}

// plan examines the new links and takes over the list of links to poll if it has changed.
func (p *poller) plan() {
	targets, changed := p.observer.unexamined(p.targets[:0])
	if !changed {
		return
	}
	p.targets = targets
	for _, target := range targets {
		can := p.client.Capabilities(target.Device)
		p.hints.settle() // to learn whether the driver answers from the kernel's flag
		p.observer.observe(link.Examined{Device: target.Device, Capabilities: can}, time.Now())
	}
	p.polls = p.observer.pollPlan(p.polls[:0])
	p.schedule.plan(p.polls)
}

// ask asks one link.
func (p *poller) ask(q link.Poll) {
	answer := &link.Answer{Source: q.Source, Index: q.Index, Birth: q.ID}
	var known bool
	if q.Source == event.MII {
		status, err := p.client.MIIStatus(q.Device)
		answer.Up, answer.Flapped, known = status.Up, status.Flapped, err == nil
	} else {
		answer.Up, known, _ = p.client.Carrier(q.Device)
	}
	if known {
		p.observer.observe(answer, time.Now())
	} else {
		p.observer.observe(&link.Unanswered{Source: q.Source, Index: q.Index, Birth: q.ID}, time.Now())
	}
}
