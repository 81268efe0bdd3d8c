package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// auditEvery is the period of the dumps that nothing gave cause for.
	auditEvery = time.Minute
	// maxDrained bounds the messages that are read before a dump.
	maxDrained = 1 << 16
)

// subscriber hears the notifications of one subject and dumps when they cannot
// be relied on.
type subscriber struct {
	monitor *Monitor
	what    subject
	stream  stream
	heard   []Observation
}

// run reads until ctx ends.
func (s *subscriber) run(ctx context.Context) {
	audit := time.Now().Add(auditEvery)
	for ctx.Err() == nil {
		err := s.listen(ctx, audit)
		switch {
		case ctx.Err() != nil:
			return
		case timedOut(err):
			s.resync(ctx, Audit)
			audit = time.Now().Add(auditEvery)
		case errors.Is(err, errOverrun):
			s.drain()
			s.resync(ctx, Overrun)
		default:
			s.recover(ctx)
		}
	}
}

// listen observes what is heard until receiving fails, the audit is due, or
// ctx ends.
func (s *subscriber) listen(ctx context.Context, audit time.Time) error {
	stop := context.AfterFunc(ctx, s.shut)
	defer stop()
	for {
		if err := s.hear(audit); err != nil {
			return err
		}
		if !time.Now().Before(audit) { // a busy socket puts no audit off
			return s.drain()
		}
	}
}

// hear observes one datagram.
func (s *subscriber) hear(until time.Time) error {
	heard, at, err := s.stream.receive(s.heard[:0], until)
	if err != nil {
		return err
	}
	s.heard = heard
	for _, o := range heard {
		s.monitor.observe(o, at)
	}
	return nil
}

// drain observes all that has arrived, so that what is older than a dump is
// not taken for newer. It returns what ended it.
func (s *subscriber) drain() error {
	for range maxDrained {
		if err := s.hear(time.Time{}); err != nil && !errors.Is(err, errOverrun) {
			return err
		}
	}
	return errOverrun
}

// resync compares the table with a dump.
func (s *subscriber) resync(ctx context.Context, reason Resync) {
	d, err := s.dump(ctx)
	if err != nil {
		return // ctx has ended
	}
	d.Reason = reason
	s.monitor.sift(&d)
	s.monitor.observe(d, time.Now())
}

// sift leaves out of a dump what is as it is known, piece by piece.
func (m *Monitor) sift(d *Dump) {
	links, addresses := d.Links, d.Addresses
	d.listed = make(map[int]bool, len(links))
	for i := range links {
		d.listed[links[i].Index] = true
	}
	if d.OfAddresses {
		m.mu.Lock()
		m.table.beginSift()
		m.mu.Unlock()
	}
	d.Links, d.Addresses = nil, nil
	for piece := range slices.Chunk(links, siftMost) {
		m.mu.Lock()
		d.Links = m.table.siftLinks(d.Links, piece)
		m.mu.Unlock()
	}
	for piece := range slices.Chunk(addresses, siftMost) {
		m.mu.Lock()
		d.Addresses = m.table.siftAddresses(d.Addresses, piece)
		m.mu.Unlock()
	}
}

// dump lists the subject, again while it changes or the kernel cannot answer.
// It fails only when ctx ends, and at the start.
func (s *subscriber) dump(ctx context.Context) (Dump, error) {
	for wait := newBackoff(); ; {
		d, err := s.monitor.kernel.dump(s.what)
		if err == nil {
			return d, nil
		}
		if !s.monitor.isReady() && !errors.Is(err, errInterrupted) {
			return Dump{}, err
		}
		if err := wait.next(ctx); err != nil {
			return Dump{}, err
		}
		if s.monitor.isReady() {
			s.drain()
		}
	}
}

// recover opens the socket anew after it failed. What was said meanwhile is
// lost, so it ends with a dump.
func (s *subscriber) recover(ctx context.Context) {
	for wait := newBackoff(); wait.next(ctx) == nil; {
		s.shut()
		if s.reopen() == nil {
			s.resync(ctx, Overrun)
			return
		}
	}
}

func (s *subscriber) reopen() error {
	stream, err := s.monitor.kernel.open(s.what)
	if err != nil {
		return fmt.Errorf("listen to the kernel's notifications of links and addresses: %w", err)
	}
	s.stream = stream
	return nil
}

func (s *subscriber) shut() { s.stream.close() }

func (m *Monitor) isReady() bool {
	select {
	case <-m.ready:
		return true
	default:
		return false
	}
}

// backoff waits longer each time, up to a second.
type backoff struct{ pause time.Duration }

func newBackoff() *backoff { return &backoff{time.Millisecond} }

// next waits; it fails when ctx ends.
func (b *backoff) next(ctx context.Context) error {
	timer := time.NewTimer(b.pause)
	defer timer.Stop()
	b.pause = min(2*b.pause, time.Second)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
