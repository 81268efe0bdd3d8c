package wakeup

import (
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Alarm wakes a goroutine that sleeps in the kernel until the descriptor is readable.
// However often it rings before the sleeper has read the descriptor, that costs one
// write.
type Alarm struct {
	fd   int
	rung atomic.Bool // a write is under way, or has not been read
	// between, if set, is called between the two steps of Ring and of reset: a test
	// has the other goroutine act there.
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
func (a *Alarm) reset() {
	var count [8]byte
	_, _ = unix.Read(a.fd, count[:]) // it is readable: nobody else reads it
	a.pause()
	a.rung.Store(false)
}

func (a *Alarm) pause() {
	if a.between != nil {
		a.between()
	}
}

func (a *Alarm) close() error { return unix.Close(a.fd) }
