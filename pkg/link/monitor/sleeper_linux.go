package monitor

import (
	"sync"
	"time"

	"ripcord/pkg/wakeup"
)

// kernelSleeper sleeps in the kernel, and asks questions there.
type kernelSleeper struct {
	waiter *wakeup.Waiter

	mu     sync.Mutex
	closed bool
}

// sleeper implements kernel.
func (*linux) sleeper() sleeper {
	waiter, err := wakeup.OpenWaiter()
	if err != nil {
		return newTimerSleeper()
	}
	return &kernelSleeper{waiter: waiter}
}

// sleep implements sleeper.
func (s *kernelSleeper) sleep(until time.Time) { s.waiter.WaitUntil(until) }

// watchPeriods is how many periods a watch lasts. Then the links are asked as always, which measures
// what a question costs.
const watchPeriods = 25

// watch implements sleeper.
func (s *kernelSleeper) watch(w *wakeup.Watch) { s.waiter.Watch(w, watchPeriods) }

// wake implements sleeper.
func (s *kernelSleeper) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.waiter.Wake()
	}
}

// close implements sleeper. A later wake has no effect.
func (s *kernelSleeper) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	_ = s.waiter.Close()
}
