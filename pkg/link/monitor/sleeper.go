package monitor

import (
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/wakeup"
)

// sleeper lets the confirmer sleep. One goroutine sleeps; any may wake it, even after close.
type sleeper interface {
	// sleep returns at the instant, or after a wake since the last sleep, or earlier.
	sleep(until time.Time)
	// watch sleeps for some periods, and asks questions meanwhile. It returns earlier when it was
	// woken, when something does not hold any more, or for no reason.
	watch(*wakeup.Watch)
	wake()
	close()
}

// timerSleeper sleeps on a timer of Go's.
type timerSleeper struct {
	timer *time.Timer
	bell  bus.Bell
}

func newTimerSleeper() *timerSleeper {
	return &timerSleeper{timer: time.NewTimer(idle), bell: bus.NewBell()}
}

func (s *timerSleeper) sleep(until time.Time) {
	s.timer.Reset(time.Until(until))
	select {
	case <-s.bell:
	case <-s.timer.C:
	}
}

// watch asks nothing: it returns after one period.
func (s *timerSleeper) watch(w *wakeup.Watch) { s.sleep(time.Now().Add(w.Every)) }

func (s *timerSleeper) wake() { s.bell.Ring() }

func (s *timerSleeper) close() { s.timer.Stop() }
