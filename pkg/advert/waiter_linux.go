package advert

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes a goroutine that sleeps in the kernel. However often it rings
// while the sleeper is awake, that costs one write.
type alarm struct {
	fd   int
	rung atomic.Bool
}

func openAlarm() (*alarm, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make an eventfd: %w", err)
	}
	return &alarm{fd: fd}, nil
}

// ring wakes the sleeper.
func (a *alarm) ring() {
	if a.rung.Swap(true) {
		return
	}
	one := [8]byte{0: 1} // not zero in any byte order
	for {
		// EAGAIN would mean 2^56 rings unread, and the sleeper awake anyway.
		if _, err := unix.Write(a.fd, one[:]); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// reset makes the alarm ready for the next sleep. The sleeper must look at what
// it is woken for afterwards: a ring in between is of something done before.
func (a *alarm) reset() {
	if !a.rung.Load() {
		return
	}
	var count [8]byte
	_, _ = unix.Read(a.fd, count[:]) // EAGAIN: the ring has not got to its write yet
	a.rung.Store(false)
}

func (a *alarm) close() error { return unix.Close(a.fd) }

// PollWaiter sleeps in ppoll, which is exact to some ten microseconds where Go's
// timers wait whole milliseconds. Its sleeper must be locked to a thread.
type PollWaiter struct {
	alarm *alarm
	poll  [1]unix.PollFd
}

var _ Waiter = (*PollWaiter)(nil)

// OpenWaiter returns a waiter; Close it when nobody can wake it any more.
func OpenWaiter() (*PollWaiter, error) {
	a, err := openAlarm()
	if err != nil {
		return nil, fmt.Errorf("advert engine: %w", err)
	}
	w := &PollWaiter{alarm: a}
	w.poll[0] = unix.PollFd{Fd: int32(a.fd), Events: unix.POLLIN}
	return w, nil
}

// WaitUntil is part of Waiter.
func (w *PollWaiter) WaitUntil(t time.Time) {
	defer w.alarm.reset()
	var timeout *unix.Timespec
	if !t.IsZero() {
		left := time.Until(t)
		if left <= 0 {
			return
		}
		ts := unix.NsecToTimespec(int64(left))
		timeout = &ts
	}
	// An error is EINTR or one that the next call repeats: to return early is
	// allowed, and the sleeper looks at its clock.
	_, _ = unix.Ppoll(w.poll[:], timeout, nil)
}

// Wake is part of Waiter.
func (w *PollWaiter) Wake() { w.alarm.ring() }

// Close frees the descriptor.
func (w *PollWaiter) Close() error { return w.alarm.close() }
