package monitor

import (
	"sync"
	"time"

	"ripcord/pkg/timerfd"
)

// fileSleeper sleeps until a timerfd expires. A timer of Go's with a channel costs more.
type fileSleeper struct {
	timer *timerfd.Timer

	mu   sync.Mutex
	rung bool // since the last sleep: the timer is interrupted
}

func (*linux) sleeper() sleeper {
	timer, err := timerfd.New()
	if err != nil {
		return newTimerSleeper()
	}
	return &fileSleeper{timer: timer}
}

func (s *fileSleeper) sleep(until time.Time) {
	if left := time.Until(until); left > 0 {
		s.timer.Set(left)
		_ = s.timer.Wait() // an error means a wake or a close: sleep may return early
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rung {
		s.rung = false
		s.timer.Resume()
	}
}

func (s *fileSleeper) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.rung {
		s.rung = true
		s.timer.Interrupt()
	}
}

// close implements sleeper. A later wake has no effect.
func (s *fileSleeper) close() { _ = s.timer.Close() }
