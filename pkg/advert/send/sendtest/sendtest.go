// Package sendtest holds the small real things on which a send.Engine runs
// in tests and simulations: a Waiter of a timer and a channel, so that virtual
// time may stand still, and a Sender that keeps what it was given.
//
// Both may be used from any goroutine.
package sendtest

import (
	"slices"
	"sync"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/send"
)

// Waiter waits by a timer and a channel.
type Waiter struct{ woken chan struct{} }

var _ send.Waiter = (*Waiter)(nil)

// NewWaiter returns a waiter.
func NewWaiter() *Waiter { return &Waiter{make(chan struct{}, 1)} }

// WaitUntil is part of send.Waiter.
func (w *Waiter) WaitUntil(t time.Time) {
	if t.IsZero() {
		<-w.woken
		return
	}
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.woken:
	}
}

// Wake is part of send.Waiter.
func (w *Waiter) Wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// Sent is a message and when it was sent.
type Sent struct {
	advert.Message
	At time.Time
}

// Sender keeps the messages that it sends. Fail, if it is not nil, returns the error of a message,
// which is then not kept. Set it before the first Send.
type Sender struct {
	Fail func(advert.Message) error

	mu      sync.Mutex
	sent    []Sent
	batches int
}

var _ send.Sender = (*Sender)(nil)

// Send is part of send.Sender.
func (s *Sender) Send(batch []advert.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches++
	for i := range batch {
		m := &batch[i]
		m.Err = nil
		if s.Fail != nil {
			m.Err = s.Fail(*m)
		}
		if m.Err == nil {
			kept := *m
			kept.Payload = slices.Clone(m.Payload) // the next one is signed again in the same memory
			s.sent = append(s.sent, Sent{kept, time.Now()})
		}
	}
}

// Open is part of send.Sender.
func (s *Sender) Open(string, *advert.Frames) {}

// Take returns what was sent since the last Take, and in how many batches.
func (s *Sender) Take() (sent []Sent, batches int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent, batches = s.sent, s.batches
	s.sent, s.batches = nil, 0
	return sent, batches
}
