package wakeup

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Waiter sleeps in ppoll, which is precise to about ten microseconds, while Go's timers wait
// whole milliseconds. Its sleeper must be locked to a thread.
type Waiter struct {
	alarm *Alarm
	poll  [1]unix.PollFd
}

// OpenWaiter returns a waiter. Close it when no goroutine can wake it any more.
func OpenWaiter() (*Waiter, error) {
	a, err := openAlarm()
	if err != nil {
		return nil, fmt.Errorf("wait in ppoll: %w", err)
	}
	w := &Waiter{alarm: a}
	w.poll[0] = unix.PollFd{Fd: int32(a.fd), Events: unix.POLLIN}
	return w, nil
}

// WaitUntil returns at t, or soon after Wake. The zero time means never. It may also return
// without a reason.
func (w *Waiter) WaitUntil(t time.Time) {
	var timeout *unix.Timespec
	if !t.IsZero() {
		left := time.Until(t)
		if left <= 0 {
			return // a ring is kept for the next sleep
		}
		ts := unix.NsecToTimespec(int64(left))
		timeout = &ts
	}
	// An error is EINTR or one that the next call repeats: to return early is
	// allowed, and the sleeper looks at its clock.
	if ppoll(w.poll[:], timeout) > 0 {
		w.alarm.reset()
	}
}

// Wake ends the present WaitUntil, or else the next one. It never blocks.
func (w *Waiter) Wake() { w.alarm.Ring() }

// Close frees the descriptor.
func (w *Waiter) Close() error { return w.alarm.close() }
