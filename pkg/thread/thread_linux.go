// Package thread lets the thread of a goroutine run before others. It decides what
// that is: real time at the lowest priority for who keeps the protocol's time, and
// less for who works longer.
package thread

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Priority is how much before others a thread runs. With it goes SCHED_RESET_ON_FORK: who is
// started from the thread begins as everybody.
type Priority string

// The priorities.
const (
	RealTime Priority = "real-time" // SCHED_FIFO, at the lowest priority
	Nice     Priority = "nice"      // the best that an ordinary thread can have, but one: nice -19
)

var attributes = map[Priority]unix.SchedAttr{
	RealTime: {Policy: unix.SCHED_FIFO, Priority: 1, Flags: unix.SCHED_FLAG_RESET_ON_FORK},
	Nice:     {Policy: unix.SCHED_NORMAL, Nice: -19, Flags: unix.SCHED_FLAG_RESET_ON_FORK},
}

// Known reports whether there is such a priority.
func (p Priority) Known() bool { return attributes[p].Flags != 0 }

// Give gives the priority to the thread of that number; 0 is the calling one. It needs
// CAP_SYS_NICE, LimitRTPRIO= or LimitNICE=, and without fails with EPERM or EACCES.
func (p Priority) Give(tid int) error {
	a := attributes[p]
	if err := unix.SchedSetAttr(tid, &a, 0); err != nil {
		return fmt.Errorf("sched_setattr: %w", err)
	}
	return nil
}

// InRealTime reports whether the thread of that number runs in real time.
func InRealTime(tid int) bool {
	a, err := unix.SchedGetAttr(tid, 0)
	return err == nil && (a.Policy == unix.SCHED_FIFO || a.Policy == unix.SCHED_RR)
}

// Raiser has threads of this process run before others.
type Raiser struct {
	// Ask has another process give a thread a priority, for a process that has not the right
	// to; nil if this one does it itself. It returns once that is done, refused, or ctx is
	// done.
	Ask func(ctx context.Context, tid int, p Priority) error
}

// Raise gives the calling thread, to which the goroutine has to be locked, the first of some
// priorities that it can have, and calls done with that one (empty: none) and with the error
// of the first. Where another process is asked, done comes later, from another goroutine, and
// not at all if ctx is done before. Undo gives back what the thread had.
func (r Raiser) Raise(ctx context.Context, done func(got Priority, err error), priorities ...Priority) (undo func()) {
	if r.Ask == nil {
		before, err := unix.SchedGetAttr(0, 0)
		done(first(priorities, func(p Priority) error { return p.Give(0) }))
		return func() {
			if err == nil {
				_ = unix.SchedSetAttr(0, before, 0)
			}
		}
	}
	// What another process gave only that could take back. Instead the thread ends with its
	// goroutine, which stays locked to it.
	runtime.LockOSThread()
	tid := unix.Gettid()
	go func() {
		got, err := first(priorities, func(p Priority) error { return r.Ask(ctx, tid, p) })
		if ctx.Err() == nil {
			done(got, err)
		}
	}()
	return func() {}
}

// first returns the first priority that can be given, and the error of the first one.
func first(priorities []Priority, give func(Priority) error) (got Priority, err error) {
	for i, p := range priorities {
		failed := give(p)
		if failed == nil {
			return p, err
		}
		if i == 0 {
			err = failed
		}
	}
	return "", err
}
