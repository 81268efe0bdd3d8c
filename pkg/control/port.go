package control

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"ripcord/pkg/event"
)

// portRetry is the period of attempts to open the port.
const portRetry = time.Second

// port is the TCP port of the read-only half of the API. While it cannot be opened, the server runs
// without it: a router must not fail because of it.
type port struct {
	address string
	limit   int                                // of connections
	open    func(string) (net.Listener, error) // openPort, except in tests
	report  func(event.Event)

	mu       sync.Mutex
	listener *limitedListener // nil until it could be opened
	failure  string           // the last reported failure; empty: none
}

// listen tries to open the port. It reports each new failure once, and also a later success.
func (p *port) listen() (opened bool) {
	l, err := p.open(p.address)
	p.mu.Lock()
	before := p.failure
	if err == nil {
		p.listener, p.failure = limit(l, p.limit), ""
	} else {
		p.failure = err.Error()
	}
	after := p.failure
	p.mu.Unlock()
	if after != before {
		p.report(event.ControlPort{Stamp: event.Stamp{At: time.Now()}, Listen: p.address, Err: after})
	}
	return err == nil
}

// run answers on the port until ctx ends; until the port is open, it calls listen every portRetry.
func (p *port) run(ctx context.Context, h http.Handler) error {
	retry := time.NewTicker(portRetry)
	defer retry.Stop()
	for p.current() == nil && !p.listen() {
		select {
		case <-retry.C:
		case <-ctx.Done():
			return nil
		}
	}
	retry.Stop()
	return serve(ctx, p.current(), h)
}

func (p *port) current() *limitedListener {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listener
}

// trouble returns why the port is not open; empty if it is.
func (p *port) trouble() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failure
}

func (p *port) close() error {
	if l := p.current(); l != nil {
		return closed(l)
	}
	return nil
}
