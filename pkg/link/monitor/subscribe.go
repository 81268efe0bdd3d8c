package monitor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
)

const (
	// auditEvery is the period of the dumps that are made without an error.
	auditEvery = time.Minute
	// worksAfter is how long a socket must have received without an error to count as working, even
	// if no notification came.
	worksAfter = 2 * time.Second
	// maxDrained limits the number of messages that are read before a dump.
	maxDrained = 1 << 16
)

// subscriber reads the notifications of one subject, and dumps the subject when notifications were
// lost.
type subscriber struct {
	observer *observer
	kernel   kernel
	what     subject
	started  <-chan struct{} // closed when the links and addresses found at the start have been published
	stream   stream
	received []link.Observation // reused
	reopens  backoff            // between two attempts to receive that fail
}

// run reads until ctx ends.
func (s *subscriber) run(ctx context.Context) {
	audit := time.Now().Add(auditEvery)
	for ctx.Err() == nil {
		begun := time.Now()
		err := s.listen(ctx, audit)
		if timedOut(err) || errors.Is(err, errOverrun) || time.Since(begun) > worksAfter {
			s.heard()
		}
		switch {
		case ctx.Err() != nil:
			return
		case timedOut(err):
			s.resync(ctx, link.Audit)
			audit = time.Now().Add(auditEvery)
		case errors.Is(err, errOverrun):
			s.drain()
			s.resync(ctx, link.Overrun)
		default:
			s.recover(ctx, err)
		}
	}
}

// listen observes notifications until receiving fails, the audit is due, or ctx ends.
func (s *subscriber) listen(ctx context.Context, audit time.Time) error {
	stop := context.AfterFunc(ctx, s.close)
	defer stop()
	for {
		if err := s.receive(audit); err != nil {
			return err
		}
		if !time.Now().Before(audit) { // a busy socket does not delay the audit
			return s.drain()
		}
	}
}

// receive observes one datagram.
func (s *subscriber) receive(until time.Time) error {
	received, at, err := s.stream.receive(s.received[:0], until)
	if err != nil {
		return err
	}
	s.heard()
	s.received = received
	for _, o := range received {
		s.observer.observe(o, at)
	}
	return nil
}

// heard records that the socket receives.
func (s *subscriber) heard() {
	s.reopens = newBackoff()
	s.asked(s.what.notifications(), nil)
}

// asked records the outcome of a question to the kernel.
func (s *subscriber) asked(what event.Question, err error) {
	s.observer.cfg.Questions.Asked(what, err, time.Now())
}

// drain observes all messages that have arrived, so that a message older than a dump is not taken
// for newer. It returns the error that ended it.
func (s *subscriber) drain() error {
	for range maxDrained {
		if err := s.receive(time.Time{}); err != nil && !errors.Is(err, errOverrun) {
			return err
		}
	}
	return errOverrun
}

// resync compares the table with a dump.
func (s *subscriber) resync(ctx context.Context, reason link.Resync) {
	d, err := s.dump(ctx)
	if err != nil {
		return // ctx has ended
	}
	d.Reason = reason
	d.Sift(s.observer.locked)
	s.observer.observe(d, time.Now())
}

// dump lists the subject. It repeats that while the subject changes or the kernel cannot answer. It
// fails only when ctx ends, and at the start.
func (s *subscriber) dump(ctx context.Context) (link.Dump, error) {
	for wait := newBackoff(); ; {
		d, err := s.kernel.dump(s.what)
		s.asked(s.what.list(), err)
		if err == nil {
			return d, nil
		}
		if !s.hasStarted() && !errors.Is(err, errInterrupted) {
			return link.Dump{}, err
		}
		if err := wait.next(ctx); err != nil {
			return link.Dump{}, err
		}
		if s.hasStarted() {
			s.drain()
		}
	}
}

// recover reopens the socket after it failed with err. Notifications were lost meanwhile, so it ends
// with a dump. The pauses grow until the socket receives again.
func (s *subscriber) recover(ctx context.Context, err error) {
	for s.asked(s.what.notifications(), err); s.reopens.next(ctx) == nil; s.asked(s.what.notifications(), err) {
		s.close()
		if err = s.reopen(); err == nil {
			s.resync(ctx, link.Overrun)
			return
		}
	}
}

func (s *subscriber) reopen() error {
	stream, err := s.kernel.open(s.what)
	if err != nil {
		return fmt.Errorf("listen to the kernel's notifications of links and addresses: %w", err)
	}
	s.stream = stream
	return nil
}

func (s *subscriber) close() { s.stream.close() }

func (s *subscriber) hasStarted() bool {
	select {
	case <-s.started:
		return true
	default:
		return false
	}
}

// backoff doubles its pause each time, up to a second.
type backoff struct{ pause time.Duration }

func newBackoff() backoff { return backoff{time.Millisecond} }

// next waits for the pause. It returns an error when ctx ends.
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
