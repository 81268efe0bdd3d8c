package advert

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes a goroutine that sleeps in the kernel until the descriptor is readable.
// However often it rings before the sleeper has read the descriptor, that costs one
// write.
type alarm struct {
	fd   int
	rung atomic.Bool // a write is under way, or has not been read
	// between, if set, is called between the two steps of ring and of reset: a test
	// has the other goroutine act there.
	between func()
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
	a.pause()
	one := [8]byte{0: 1} // not zero in any byte order
	for {
		// EAGAIN would mean 2^56 rings unread, and the sleeper awake anyway.
		if _, err := unix.Write(a.fd, one[:]); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// reset makes the alarm ready for the next sleep. It is called after a sleep that
// found the descriptor readable, and not otherwise: a ring may stand between its two
// steps, and the write that is then still to come must be read after the next sleep,
// which it ends for nothing. Unread, it would end every later one.
//
// It reads first and then clears: a ring between these two writes nothing, and is of
// something done before, which the sleeper sees, as it must look at what it is woken
// for afterwards. In the other order the write of such a ring would be read while
// rung stays set, and no later ring would wake anybody.
func (a *alarm) reset() {
	var count [8]byte
	_, _ = unix.Read(a.fd, count[:]) // it is readable: nobody else reads it
	a.pause()
	a.rung.Store(false)
}

func (a *alarm) pause() {
	if a.between != nil {
		a.between()
	}
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
	if n, err := unix.Ppoll(w.poll[:], timeout, nil); err == nil && n > 0 {
		w.alarm.reset()
	}
}

// Wake is part of Waiter.
func (w *PollWaiter) Wake() { w.alarm.ring() }

// Close frees the descriptor.
func (w *PollWaiter) Close() error { return w.alarm.close() }
