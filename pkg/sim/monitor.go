package sim

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
)

// monitor observes the links of a router, and verifies them before a takeover.
type monitor struct {
	router *Router
	seq    uint64
}

// look makes the router see the present state of a link.
func (m *monitor) look(p *Port) {
	r := m.router
	r.loop.whenRunning(links, func() {
		m.seq++
		link := event.Link{
			Cause: r.minter.Cause(r.world.now), Seq: m.seq, Name: p.name, Index: 1,
			Usable: p.usable(), AdminUp: !p.disabled, Carrier: p.plugged, Downs: p.downs - p.counted,
			Primary4: p.sources.first(event.IPv4), LinkLocal6: p.sources.first(event.IPv6), Sources: p.listed,
		}
		r.receiver.filter.stop()
		r.receiver.judge.Learn(link)
		r.watcher.see(p, link)
		m.report(p, link)
		p.known, p.counted, p.seen = p.usable(), p.downs, link
		p.seen.Downs = 0
		r.loop.absorb(vrrp.LinkSeen{Link: link})
	})
}

// report reports that a link that was seen before went down or came up.
func (m *monitor) report(p *Port, link event.Link) {
	e := event.LinkChanged{Stamp: event.Stamp{Cause: link.Cause, At: m.router.world.now}, Kind: event.LinkUp, Link: link, Source: event.Notification}
	switch {
	case p.seen.Name == "" || p.seen.Usable == link.Usable && link.Downs == 0:
		return
	case !link.Usable:
		e.Kind = event.LinkDown
	case p.seen.Usable:
		e.Kind = event.LinkFlapped
	}
	m.router.publish([]event.Event{e})
}

// seen returns the links as the router last saw them.
func (m *monitor) seen() (links []event.Link) {
	for _, p := range m.router.links {
		links = append(links, p.seen)
	}
	return links
}

// verifyWithin is the longest wait for the verifiers (docs/architecture.md#link-state).
const verifyWithin = 100 * time.Millisecond

// verify answers when the links have been asked; the sockets of this world have no backlog.
func (m *monitor) verify(v *router.Verify) {
	r, w := m.router, m.router.world
	life := r.life
	var answer func()
	answer = func() {
		switch {
		case r.life != life:
			return
		case r.paused:
			r.asleep = append(r.asleep, answer)
			return
		}
		for _, name := range v.Interfaces {
			if p := r.Port(name); p.usable() != p.known {
				m.look(p)
			}
		}
		r.receiver.filter.execute()
		r.receiver.filter.take()
		for _, by := range []vrrp.Verifier{vrrp.Confirmer, vrrp.Receiver} {
			r.loop.whenRunning(results, func() { r.loop.absorb(vrrp.Answered{Ticket: v.Ticket, By: by}) })
		}
	}
	took := w.between(50*time.Microsecond, time.Millisecond)
	if w.chance(w.Slow) {
		took = w.between(took, max(took, min(verifyWithin, w.shortest())/2))
	}
	w.After(took, answer)
}
