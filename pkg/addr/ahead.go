package addr

import (
	"context"
	"sync"
	"time"

	"ripcord/pkg/neigh"
)

// aheadSender sends the announcements of added addresses while the worker adds more, on a goroutine
// of its own: the kernel needs some 7 µs for an address and 4 µs for a frame, and does both at once.
// When the worker has added all, it sends what is left itself and waits only for the batch that is
// being sent. So it loses no time if the processors are busy and the goroutine runs late or never.
type aheadSender struct {
	own, sender    neigh.Sender // of the worker, and of run
	worker, waiter Waiter       // likewise
	sent           []*announcements

	mu    sync.Mutex
	queue []*announcements // not begun
	busy  bool             // run sends a batch
}

// Waiter puts a goroutine to sleep and wakes it. The goroutine is locked to a thread.
type Waiter interface {
	// WaitUntil returns soon after Wake, at once if Wake was called since the last WaitUntil, and
	// at t unless that is zero. It may return for no reason.
	WaitUntil(t time.Time)
	// Wake may be called from any goroutine, and never blocks.
	Wake()
}

func newAheadSender(cfg *Config) *aheadSender {
	return &aheadSender{own: cfg.Sender, sender: cfg.AheadSender, worker: cfg.Waiter, waiter: cfg.AheadWaiter}
}

// run sends batches until ctx ends.
func (s *aheadSender) run(ctx context.Context) {
	defer context.AfterFunc(ctx, s.waiter.Wake)()
	for ctx.Err() == nil {
		for batch := s.begin(); batch != nil; batch = s.begin() {
			s.sender.Send(batch.Frames())
			s.end()
		}
		s.waiter.WaitUntil(time.Time{})
	}
}

// begin takes a batch from the queue for run; nil if there is none.
func (s *aheadSender) begin() *announcements {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch := s.take()
	s.busy = batch != nil
	return batch
}

// end records that run has sent its batch.
func (s *aheadSender) end() {
	s.mu.Lock()
	s.busy = false
	s.mu.Unlock()
	s.worker.Wake()
}

// take takes the first batch from the queue; nil if there is none.
func (s *aheadSender) take() *announcements {
	if len(s.queue) == 0 {
		return nil
	}
	batch := s.queue[0]
	s.queue = s.queue[1:]
	return batch
}

// add adds a batch to the queue. Only start or finish causes it to be sent.
func (s *aheadSender) add(batch *announcements) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, batch)
	s.sent = append(s.sent, batch)
}

// start lets run begin with the batches in the queue.
func (s *aheadSender) start() {
	if len(s.sent) > 0 {
		s.waiter.Wake()
	}
}

// finish returns all batches since the last finish when they have been sent.
func (s *aheadSender) finish() (sent []*announcements) {
	for {
		s.mu.Lock()
		batch, busy := s.take(), s.busy
		s.mu.Unlock()
		switch {
		case batch != nil:
			s.own.Send(batch.Frames())
		case busy:
			s.worker.WaitUntil(time.Time{})
		default:
			sent, s.sent = s.sent, nil
			s.worker.Wake() // it may have been woken for something else meanwhile
			return sent
		}
	}
}
