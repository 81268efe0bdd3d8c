package wakeup

import (
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Alarm wakes a goroutine that sleeps in the kernel until the descriptor is readable. All rings
// before the sleeper has read the descriptor cost one write together.
type Alarm struct {
	fd   int
	rung atomic.Bool // a write is in progress, or was not read yet
	// between, if set, is called between the two steps of Ring and of reset, where a test lets
	// the other goroutine act.
	between func()
}

func openAlarm() (*Alarm, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make an eventfd: %w", err)
	}
	return &Alarm{fd: fd}, nil
}

// Ring wakes the sleeper.
func (a *Alarm) Ring() {
	if a.rung.Swap(true) {
		return
	}
	a.pause()
	one := [8]byte{0: 1} // not zero in any byte order
	for {
		// EAGAIN would mean 2^56 unread rings, and the sleeper awake anyway.
		if _, err := unix.Write(a.fd, one[:]); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// reset makes the alarm ready for the next sleep. It is only called after a sleep that found the
// descriptor readable: a ring may be between its two steps, and its write, which follows, must be
// read after the next sleep, which it ends without a need. Unread, it would end every later one.
//
// It reads first and then clears: a ring between these two writes nothing, and belongs to
// something done before, which the sleeper notices, since it must examine what woke it afterwards.
// In the other order the write of such a ring would be read while rung stays set, and no later
// ring would wake the sleeper.
func (a *Alarm) reset() {
	var count [8]byte
	_, _ = unix.Read(a.fd, count[:]) // it is readable, and has no other reader
	a.pause()
	a.rung.Store(false)
}

func (a *Alarm) pause() {
	if a.between != nil {
		a.between()
	}
}

func (a *Alarm) close() error { return unix.Close(a.fd) }
